"""The whole path once, in a kernel: train tiny networks, draw, check, judge, and do it again from what was kept."""

from __future__ import annotations

import nbformat
import pytest
from made_notebooks import code

from fctransfer_utils.course.execute import executed
from fctransfer_utils.course.kernel import HEADLESS
from fctransfer_utils.course.normalise import normalised
from fctransfer_utils.course.rules import BAR
from fctransfer_utils.course.runner import run_all

PARAMETERS = (
    'profile: str = "read"  # how much is trained\ndata: str = "glyphs"  # which images\nseed: int = 0  # of it'
)
START = 'from fctransfer_utils import course\nrun = course.start("05_curves", profile=profile, data=data, seed=seed)'
STUDY = 'table = run.study(treatments=("base", "AnB"), cuts=(1,), directions=(("A", "B"),))\nlen(table)'
MEASURE = """import pandas as pd
def norms():
    nets = run.base_networks(split="random0", seed=0)
    rows = [(half, float(trained.net.conv1[0].weight.norm())) for half, trained in nets.items()]
    return pd.DataFrame(rows, columns=["half", "norm"])
norms = run.measure("norms", norms)
run.check("both bases have learnt", set(norms["half"]) == {"A", "B"})"""
TITLES = ("base A random0 seed 0", "base B random0 seed 0", "AnB n=1 A->B random0 seed 0")
DRAW = """from fctransfer_utils.plots.transfer import figure2_points
run.figure(figure2_points(table), "points", caption="Every network.", data=table)"""


@pytest.fixture
def course_notebook(write):
    return write("05_curves", code(PARAMETERS, "parameters"), *map(code, (START, STUDY, MEASURE, DRAW, "run.finish()")))


def test_networks_are_trained_once_and_shown_as_one_bar_that_moved(course_notebook, project):
    told = []
    (first,) = run_all(profile="smoke", tell=told.append)
    assert first.state == "passed", told
    assert first.checks == 1
    trained = [line for line in told if " of 3 networks" in line]
    assert sum("top-1" in line for line in trained) == 3
    assert trained[-1].strip().startswith("3 of 3 networks; 3 trained in ")
    cells = nbformat.read(project.build / "notebooks" / "05_curves.ipynb", as_version=4).cells
    study = next(cell for cell in cells if "run.study" in cell.source)
    assert [output.output_type for output in study.outputs] == ["display_data", "execute_result"]
    assert study.outputs[0].data["text/plain"].startswith("3 of 3 networks; 3 trained in ")
    assert study.outputs[1].data["text/plain"] == "3"
    drawn = next(cell for cell in cells if "run.figure" in cell.source)
    assert [sorted(output.data) for output in drawn.outputs] == [
        ["image/png", "text/plain"],
        ["text/markdown", "text/plain"],
    ]
    assert drawn.outputs[0].metadata["image/png"]["alt"] == "Every network."
    assert (project.build / "figures" / "points.svg").exists()

    told.clear()
    (second,) = run_all(profile="smoke", tell=told.append)
    assert second.state == "passed"
    assert not any("top-1" in line for line in told)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_saved_where_somebody_looked_on_it_holds_a_line_and_a_picture_however_many_workers(
    course_notebook, project, workers
):
    variables = {HEADLESS: "", "FCTRANSFER_WORKERS": workers, "FCTRANSFER_PROJECT": str(project.root)}
    notebook = nbformat.read(course_notebook, as_version=4)
    ran = executed(notebook, folder=project.notebooks, parameters={"profile": "smoke"}, variables=variables)
    study = next(cell for cell in normalised(ran).cells if "run.study" in cell.source)
    line, picture, _ = study.outputs
    assert line.data["text/plain"].startswith("3 of 3 networks; 3 trained in ")
    curves = picture.data["text/plain"].removeprefix("Learning curves of ").removesuffix(".")
    assert sorted(curves.split(", ")) == sorted(TITLES)
    assert not any(BAR.search(str(output.data.get("text/plain"))) for output in study.outputs)


def test_the_runner_tells_every_epoch_of_two_workers_and_saves_none(course_notebook, project, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_WORKERS", "2")
    told = []
    (ran,) = run_all(profile="smoke", tell=told.append)
    assert ran.state == "passed", told
    for title in TITLES:
        epochs = [line.strip() for line in told if line.strip().startswith(f"{title} epoch ")]
        assert epochs
        assert [line.split(": ")[0] for line in epochs] == [
            f"{title} epoch {number}/{len(epochs)}" for number in range(1, len(epochs) + 1)
        ]
    saved = nbformat.read(project.build / "notebooks" / "05_curves.ipynb", as_version=4)
    assert not any("epoch 1/" in str(cell.get("outputs")) for cell in saved.cells)
