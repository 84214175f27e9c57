"""Notebooks as pages on a phone, and how a browser is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from made_chromium import LACKING, NAMES, PATIENCE, browser, chromium, needs_chromium
from nbconvert import HTMLExporter

from fctransfer_utils.course.project import Project

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROJECT = Project(Path(__file__).parents[2])
PICTURES = PROJECT.root / "build" / "browser"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
CUT_OFF = """
() => {
  const wide = (part) => part.scrollWidth > part.clientWidth + 1;
  const still = (part) => !["auto", "scroll"].includes(getComputedStyle(part).overflowX);
  const areas = [...document.querySelectorAll(".jp-OutputArea-output, .jp-MarkdownOutput")];
  const told = (part) => `${part.scrollWidth} in ${part.clientWidth} pixels: ${part.textContent.trim().slice(0, 60)}`;
  return [...areas.filter((part) => wide(part) && still(part)), ...[document.body].filter(wide)].map(told);
}
"""


@pytest.fixture(scope="module")
def phone() -> Iterator[Page]:
    with browser() as started:
        page = started.new_context(**PHONE).new_page()
        page.set_default_timeout(PATIENCE)
        yield page


@needs_chromium
@pytest.mark.parametrize("name", ["00_start_here", "05_transfer_curves"])
def test_as_a_page_a_notebook_fits_a_phone(name, phone, tmp_path):
    """The page itself never moves sideways; a wide table does so in its own place."""
    file = tmp_path / f"{name}.html"
    file.write_text(HTMLExporter().from_filename(PROJECT.notebooks / f"{name}.ipynb")[0], encoding="utf-8")
    phone.goto(file.as_uri(), wait_until="domcontentloaded")
    PICTURES.mkdir(parents=True, exist_ok=True)
    phone.screenshot(path=PICTURES / f"{name}-phone.png", full_page=True)
    assert phone.evaluate("document.querySelectorAll('.jp-Cell').length") > 5
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["viewport"]["width"]
    assert phone.evaluate(CUT_OFF) == []


@pytest.mark.parametrize("name", NAMES)
def test_any_of_three_browsers_will_do(name, tmp_path, monkeypatch):
    program = tmp_path / name
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium() == str(program)


def test_without_one_these_tests_say_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium() is None
    assert needs_chromium.mark.kwargs["reason"] == LACKING
    assert "apt-get install chromium" in LACKING
