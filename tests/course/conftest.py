"""A project of its own for each test: pyproject.toml, profiles, a table of evidence, and notebooks made on the spot."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from made_notebooks import code

from fctransfer_utils.course.project import Project
from fctransfer_utils.course.start import start
from fctransfer_utils.experiments.table import COLUMNS

ROOT = Path(__file__).parents[2]
ROW = {
    "study": "transfer", "data": "glyphs[50x200]", "image_size": 32, "net": "alexnet_mini-12", "split": "random0",
    "seed": 0, "source": "", "target": "A", "treatment": "base", "n": 0, "images_per_class": 0, "epochs": 8,
    "top1": 0.61, "train_loss": 1.2, "seconds": 9.9, "device": "cpu/float32", "instructions": "AVX2", "torch": "2.15.0",
    "key": "a" * 16,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in ("PROJECT", "BUILD", "RENEW", "WORKERS", "DATA"):
        monkeypatch.delenv(f"FCTRANSFER_{name}", raising=False)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """A project without notebooks, with two rows of evidence; the working directory is its notebooks folder."""
    root = tmp_path / "project"
    (root / "notebooks" / "profiles").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    for name in ("read", "quick", "smoke", "full"):
        (root / "notebooks" / "profiles" / f"{name}.yaml").write_text("all: {}\n", encoding="utf-8")
    (root / "figures" / "data").mkdir(parents=True)
    rows = [ROW, {**ROW, "data": "tiny-imagenet", "image_size": 64, "top1": 0.4, "key": "b" * 16}]
    lines = [",".join(COLUMNS), *(",".join(str(row[name]) for name in COLUMNS) for row in rows)]
    (root / "figures" / "data" / "transfer.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(root / "notebooks")
    return Project(root)


@pytest.fixture
def write(project):
    """Write a notebook of the given cells into the project."""

    def write_notebook(name, *cells):
        numbered = [nbformat.from_dict({**cell, "id": f"cell-{number}"}) for number, cell in enumerate(cells)]
        notebook = nbformat.v4.new_notebook(cells=numbered)
        path = project.notebooks / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    return write_notebook


@pytest.fixture
def parameters_cell():
    return code(
        'profile: str = "read"  # how much is trained\ndata: str = "glyphs"  # which images\ncut: int = 4  # a layer',
        "parameters",
    )


@pytest.fixture
def run(project, capsys):
    """The course in `read`, begun in that project."""
    course = start("05_transfer_curves", profile="read")
    capsys.readouterr()
    return course
