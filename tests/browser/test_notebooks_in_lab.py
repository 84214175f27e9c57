"""Every notebook in JupyterLab, as a reader meets it: opened as saved, run, its controls moved by keys."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import nbformat
import numpy as np
import pytest
from made_chromium import browser, needs_chromium
from made_lab import Lab, served
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from PIL import Image

from fctransfer_utils.course import show
from fctransfer_utils.course.address import binder_link
from fctransfer_utils.course.normalise import WIDGET
from fctransfer_utils.course.parameters import load_profile
from fctransfer_utils.course.project import Project

pytestmark = needs_chromium

PROJECT = Project(Path(__file__).parents[2])
NOTEBOOKS = PROJECT.notebook_files()
PICTURES = PROJECT.root / "build" / "browser"
WINDOW = {"width": 1366, "height": 1600}  # pixels: a small laptop's width, of which the list of files takes some
OTHER_VIEW = ("01_fully_connected_layers", "06_distant_tasks_and_random_filters", "11_which_layers_to_keep")
SAME = 1.0  # of 255, on average: no line moved


@dataclass(frozen=True)
class Seen:
    """What there was to see in one notebook, before and after all its cells were run."""

    name: str
    lab: Lab
    build: Path
    opened: list[dict[str, Any]]
    complaints: tuple[list[str], list[str]]
    too_wide: tuple[list[str], list[str]]
    passed: bool
    cells: list[dict[str, Any]]
    boxes: list[dict[str, Any]]
    first_pictures: list[bytes]


@pytest.fixture(scope="module")
def build(tmp_path_factory) -> Path:
    """Where all the notebooks write, so that each network is trained once."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture(scope="module")
def lab(build, tmp_path_factory) -> Iterator[Lab]:
    """JupyterLab with copies of the notebooks whose parameters are those of `smoke`."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "notebooks").mkdir()
    (folder / "figures").symlink_to(PROJECT.figures)
    values = load_profile(PROJECT.profile("smoke"), notebooks=[path.stem for path in NOTEBOOKS])
    for path in NOTEBOOKS:
        tiny = {**values[path.stem], "profile": "smoke", "data": "glyphs"}
        copy = parameterize_notebook(load_notebook_node(str(path)), tiny)
        nbformat.write(copy, folder / "notebooks" / path.name)
    variables = {"FCTRANSFER_PROJECT": str(PROJECT.root), "FCTRANSFER_BUILD": str(build), "FCTRANSFER_RENEW": "0"}
    home = tmp_path_factory.mktemp("lab")
    with served(folder, home=home, variables=variables) as address, browser() as started:
        yield Lab(started.new_page(viewport=WINDOW), address)


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def seen(request, lab, build) -> Iterator[Seen]:
    """The notebook opened, photographed into build/browser, and run."""
    name = request.param.stem
    lab.open(f"notebooks/{name}.ipynb")
    try:
        opened, first_complaints, first_width = lab.cells(), lab.complained(), lab.too_wide()
        lab.photograph(PICTURES, name)
        passed = lab.run()
        boxes = lab.boxes()
        for number, _ in enumerate(boxes):
            lab.photograph_box(number, PICTURES / f"{name}-control-{number + 1}.png")
        yield Seen(
            name=name,
            lab=lab,
            build=build,
            opened=opened,
            complaints=(first_complaints, lab.complained()),
            too_wide=(first_width, lab.too_wide()),
            passed=passed,
            cells=lab.cells(),
            boxes=boxes,
            first_pictures=[lab.picture(number) for number, _ in enumerate(boxes)],
        )
    finally:
        lab.close()


def outputs(cells: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each output with the number of its cell, from 0."""
    for number, cell in enumerate(cells):
        for output in cell.get("outputs", []):
            yield number, output


def test_it_opens_without_an_error_and_shows_what_was_saved(seen):
    assert seen.complaints[0] == []
    saved = nbformat.read(PROJECT.notebooks / f"{seen.name}.ipynb", as_version=4)
    shown = [output["output_type"] for _, output in outputs(seen.opened)]
    assert shown == [output["output_type"] for _, output in outputs(saved.cells)]
    assert "error" not in shown


def test_it_runs_where_tiny_networks_are_trained(seen):
    failed = [output["evalue"] for _, output in outputs(seen.cells) if output["output_type"] == "error"]
    assert failed == []
    assert seen.passed
    assert seen.complaints[1] == []
    found = json.loads((seen.build / "claims" / "smoke" / f"{seen.name}.json").read_text(encoding="utf-8"))
    assert found["profile"] == "smoke"


@pytest.mark.parametrize("when", [0, 1], ids=["as saved", "after a run"])
def test_nothing_is_wider_than_its_place(seen, when):
    assert seen.too_wide[when] == []


def test_every_control_stands_below_a_still_picture_by_the_same_function(seen):
    """Of the very same view, but for notebooks whose control begins with a part of what the still picture shows."""
    held = [number for number, output in outputs(seen.cells) if WIDGET in output.get("data", {})]
    assert held == [box["cell"] for box in seen.boxes]
    stills = [(number, pixels(_decoded(output))) for number, output in outputs(seen.cells) if _is_picture(output)]
    for box, picture in zip(seen.boxes, seen.first_pictures, strict=True):
        wanted = pixels(show.small(picture))
        before = [still for number, still in stills if number <= box["cell"]]
        assert before
        same = [still for still in before if still.shape == wanted.shape and np.abs(still - wanted).mean() < SAME]
        assert same or seen.name in OTHER_VIEW, f"cell {box['cell'] + 1}"


def test_every_control_has_a_whole_label_and_moves_its_picture_by_keys(seen):
    taken = {}
    for number, box in enumerate(seen.boxes):
        assert box["shown"]
        assert box["controls"]
        assert box["alternative"] == box["words"]
        told = 0
        for place, control in enumerate(box["controls"]):
            assert control["label"].strip()
            assert not control["cut"], control["label"]
            assert control["reached"], control["label"]
            if control["choices"] < 2:
                continue
            before = seen.lab.picture(number)
            moved = seen.lab.move(number, place)
            assert moved["focused"]
            assert moved["stayed"], "the keys went to another cell"
            assert seen.lab.picture(number) != before, control["label"]
            told += moved["after"] != moved["before"]
            taken[f"cell {box['cell'] + 1}, {control['label']}"] = round(moved["milliseconds"])
        assert told or not box["words"]
    if taken:
        (PICTURES / f"{seen.name}-milliseconds.json").write_text(json.dumps(taken, indent=1), encoding="utf-8")


@pytest.mark.parametrize("name", ["05_transfer_curves", "12_explore"])
def test_the_link_to_binder_ends_at_the_notebook_that_it_names(lab, name):
    """What stands behind ``urlpath=`` is what Binder opens in its JupyterLab."""
    path = f"notebooks/{name}.ipynb"
    (end,) = parse_qs(urlsplit(binder_link("https://github.com/OWNER/NAME", path)).query)["urlpath"]
    assert lab.visit(end) == path


def test_a_link_to_a_notebook_that_is_not_there_says_so(lab):
    assert "99_nowhere.ipynb" in lab.visit("lab/tree/notebooks/99_nowhere.ipynb")


def pixels(png: bytes) -> np.ndarray:
    """A picture as numbers (height, width, 3)."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB"), dtype=float)


def _is_picture(output: dict[str, Any]) -> bool:
    return "image/png" in output.get("data", {})


def _decoded(output: dict[str, Any]) -> bytes:
    return base64.b64decode("".join(output["data"]["image/png"]))
