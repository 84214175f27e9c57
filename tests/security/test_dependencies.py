"""What is installed: exact versions, licences that are known, and a command that looks for known vulnerabilities."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fctransfer_utils.course import licences

ROOT = Path(__file__).parents[2]
SILENT = {"cuda-toolkit"}
"""Packages whose metadata state no licence: NVIDIA's list of its own libraries holds no code."""
RESTRICTIVE = re.compile(r"(?<!L)GPL|AGPL|SSPL|Commons Clause|BUSL", re.IGNORECASE)
TOOLS_ONLY = {"codespell"}
"""Used beside the course and never imported by it, so that its licence (GPL) asks nothing of the course."""


@pytest.fixture(scope="module")
def rows():
    try:
        return licences.licences()
    except licences.InputError as error:
        pytest.skip(str(error))


def test_every_package_that_the_course_needs_is_listed_with_its_version_and_licence(rows):
    listed = {row.package: row.version for row in rows}
    assert {"torch", "numpy", "jupyterlab", "safetensors", "hypothesis"} <= set(listed)
    assert len(listed) == len(rows) > 50
    assert {row.package for row in rows if row.licence == licences.NOT_STATED} <= SILENT
    assert all(row.version and "\n" not in row.licence for row in rows)


def test_every_listed_package_is_pinned(rows):
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pinned = {canonicalize_name(Requirement(line).name) for line in lines}
    assert {row.package for row in rows} <= pinned


def test_no_licence_of_an_imported_package_asks_for_the_same_licence(rows):
    assert {row.package for row in rows if RESTRICTIVE.search(row.licence)} <= TOOLS_ONLY


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"License-Expression": "MIT OR Apache-2.0", "License": "x"}, "MIT OR Apache-2.0"),
        ({"Classifier": "License :: OSI Approved :: BSD License", "License": "new BSD"}, "BSD License"),
        ({"Classifier": "License :: OSI Approved", "License": "BSD"}, "BSD"),
        ({"License": "Copyright " + "and much more " * 50, "License-File": "LICENSE.txt"}, "see LICENSE.txt"),
        ({"License": "UNKNOWN"}, "not stated"),
        ({}, "not stated"),
    ],
)
def test_a_licence_is_taken_from_where_it_is_stated(stated, words):
    metadata = Message()
    for name, value in stated.items():
        metadata[name] = value
    assert licences.licence_of(SimpleNamespace(metadata=metadata)) == words


def test_the_list_is_one_line_per_package(rows, capsys):
    assert licences.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[: len(rows)]] == [row.package for row in rows]
    assert lines[-1].startswith(f"{len(rows)} packages")


def plan(verb):
    """The commands that make would run once the course is installed."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/installed", verb]
    found = subprocess.run(command, cwd=ROOT, env=outer, capture_output=True, text=True, check=True).stdout
    return [shlex.split(line) for line in found.splitlines()]


def test_make_licences_lists_what_is_installed():
    assert plan("licences")[-1] == [".venv/bin/python", "-m", "fctransfer_utils.course.licences"]


def test_make_audit_asks_about_every_pin_from_an_environment_of_its_own():
    venv, install, audit = plan("audit")
    assert venv[1:] == ["-m", "venv", "build/audit"]
    assert install[0] == "build/audit/bin/python"
    assert re.fullmatch(r"pip-audit==[0-9.]+", install[-1])
    assert audit[0] == "build/audit/bin/pip-audit"
    assert audit[audit.index("--requirement") + 1] == "requirements.txt"
    assert {"--no-deps", "--disable-pip"} <= set(audit)
    assert not [word for word in audit if word.startswith("--ignore")]
