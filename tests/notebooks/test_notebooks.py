"""The committed notebooks: each shows what its code gives, runs where networks are trained, and its solutions hold."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from made_chromium import chromium
from made_memory import memory_of_children
from packaging.requirements import Requirement

from fctransfer_utils.course.compare import differences
from fctransfer_utils.course.execute import executed, solutions, with_solutions
from fctransfer_utils.course.normalise import normalised
from fctransfer_utils.course.parameters import PROFILES, check_known, load_profile
from fctransfer_utils.course.project import Project
from fctransfer_utils.course.rules import broken_rules
from fctransfer_utils.course.runner import run_all

PROJECT = Project(Path(__file__).parents[2])
NOTEBOOKS = PROJECT.notebook_files()
EXPECTED = (
    "00_start_here",
    "01_fully_connected_layers",
    "02_data_and_splits",
    "03_base_networks",
    "04_network_surgery",
    "05_transfer_curves",
    "06_distant_tasks_and_random_filters",
    "07_how_much_data",
    "08_reading_the_logs",
    "09_fc_versus_gap",
    "10_firewall",
    "11_which_layers_to_keep",
    "12_explore",
    "13_scale_out",
    "14_report",
)
THROUGH_THE_RUNNER = "05_transfer_curves"  # the one that trains most
BINDER = 1000  # megabytes: what a Binder session surely has
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def build(tmp_path_factory):
    """Where the notebooks of this session write; they share it, so each network is trained once."""
    return tmp_path_factory.mktemp("build")


@pytest.fixture
def variables(build):
    return {"FCTRANSFER_PROJECT": str(PROJECT.root), "FCTRANSFER_BUILD": str(build), "FCTRANSFER_RENEW": "0"}


def drawing_library_is_the_pinned_one():
    lines = (PROJECT.root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pin = next(Requirement(line) for line in lines if line.startswith("matplotlib=="))
    return version("matplotlib") in pin.specifier


def test_the_course_is_complete():
    assert [path.stem for path in NOTEBOOKS if path.stem in EXPECTED] == list(EXPECTED)


def test_every_notebook_keeps_the_rules():
    assert broken_rules(NOTEBOOKS) == {}


@each_notebook
def test_an_exercise_has_a_solution_in_code(path):
    cells = nbformat.read(path, as_version=4).cells
    solved = any(solutions(cell) for cell in cells if cell.cell_type == "markdown")
    assert solved or path.stem == EXPECTED[0], "solutions without code are not checked; give one with it"


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_gives_only_parameters_that_the_notebooks_have(profile):
    wanted = load_profile(PROJECT.profile(profile), notebooks=[path.stem for path in NOTEBOOKS])
    for path in NOTEBOOKS:
        check_known(path, wanted[path.stem])


@each_notebook
def test_read_again_its_solutions_hold_and_it_shows_what_is_committed_in_a_binder_session(path, variables, build):
    committed = nbformat.read(path, as_version=4)
    with memory_of_children() as taken:
        again = executed(with_solutions(committed), folder=path.parent, variables=variables)
    assert 50 < taken.megabytes < BINDER
    assert differences(normalised(committed), normalised(again)) == []
    found = json.loads((build / "claims" / "read" / f"{path.stem}.json").read_text(encoding="utf-8"))
    for name in found["figures"]:
        drawn, kept = (folder / f"{name}.svg" for folder in (build / "figures", PROJECT.figures))
        assert kept.exists(), f"figures/{name}.svg is missing; run: make evidence PROFILE=read"
        if drawing_library_is_the_pinned_one():
            assert drawn.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), f"{name} differs"


@each_notebook
def test_it_runs_where_tiny_networks_are_trained(path, build, monkeypatch):
    if chromium() and path.stem != THROUGH_THE_RUNNER:
        pytest.skip("tests/browser runs it so in JupyterLab")
    monkeypatch.setenv("FCTRANSFER_BUILD", str(build))
    lines = []
    (result,) = run_all(profile="smoke", only=path.stem, out=build / "notebooks", tell=lines.append, project=PROJECT)
    assert result.state == "passed", "\n".join(lines)
    assert result.found is not None
