"""A notebook that was copied out of the project, and one in a Python that knows nothing of the course."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from fctransfer_utils.course.compare import differences
from fctransfer_utils.course.execute import executed
from fctransfer_utils.course.normalise import normalised
from fctransfer_utils.course.project import Project

PROJECT = Project(Path(__file__).parents[2])


def test_a_notebook_shows_the_same_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("FCTRANSFER_PROJECT", raising=False)
    committed = nbformat.read(PROJECT.notebooks / "00_start_here.ipynb", as_version=4)
    variables = {"FCTRANSFER_BUILD": str(tmp_path / "build"), "FCTRANSFER_RENEW": "0"}
    again = executed(committed, folder=tmp_path, variables=variables)
    assert differences(normalised(committed), normalised(again)) == []


@pytest.mark.parametrize("path", PROJECT.notebook_files(), ids=lambda path: path.stem)
def test_in_a_python_without_the_course_the_set_up_fails_at_a_name_that_the_readme_explains(path, tmp_path):
    cells = nbformat.read(path, as_version=4).cells
    code = next(cell.source for cell in cells if "course.start(" in cell.source)
    bare = [sys.executable, "-I", "-S", "-c", code]  # no folder of ours, no installed package
    result = subprocess.run(bare, cwd=tmp_path, capture_output=True, text=True, check=False)
    last = result.stderr.splitlines()[-1]
    assert last.startswith("ModuleNotFoundError: No module named ")
    readme = (PROJECT.root / "README.md").read_text(encoding="utf-8")
    (told,) = (line for line in re.split(r"\n(?=- |\n)", readme) if "No module named" in line)
    assert "make lab" in told
    assert ".venv" in told
