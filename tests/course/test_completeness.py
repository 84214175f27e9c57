"""The checklist's answers are tested: right for this project, wrong as soon as something is taken away."""

import shutil
from pathlib import Path

import pytest

from fctransfer_utils.course.completeness import checklist
from fctransfer_utils.course.project import Project

ROOT = Path(__file__).parents[2]
NEEDED = (
    "Makefile",
    "README.md",
    "requirements.txt",
    "environment.yml",
    "binder/environment.yml",
    "figures/expected.json",
)


@pytest.fixture
def copy(tmp_path):
    """What the checklist looks at, without pictures and code."""
    for name in NEEDED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for study in ("transfer", "distant", "random", "volume", "dip", "keep", "fc"):
        path = tmp_path / "figures" / "data" / f"{study}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_start_here.ipynb").write_text("{}", encoding="utf-8")
    return tmp_path


def missing(root):
    return {item.name: item.missing for item in checklist(Project(root)) if item.missing}


def test_every_answer_is_right_for_this_project():
    assert missing(ROOT) == {}


def test_pre_trained_models_are_said_not_to_be_there():
    answers = {item.name: item.answer for item in checklist(Project(ROOT))}
    assert answers.pop("Pre-trained models") == "no"
    assert set(answers.values()) == {"yes"}
    assert len(answers) == 4


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("requirements.txt", "Dependencies"),
        ("binder/environment.yml", "Dependencies"),
        ("figures/data/dip.csv", "Pre-trained models"),
        ("notebooks/00_start_here.ipynb", "Evaluation code"),
        ("figures/expected.json", "Results with the commands behind them"),
    ],
)
def test_a_file_that_is_gone_makes_its_answer_wrong(copy, name, item):
    assert missing(copy) == {}
    (copy / name).unlink()
    assert list(missing(copy)) == [item]


@pytest.mark.parametrize(
    ("file", "words", "item"),
    [
        ("README.md", "make report", "Results with the commands behind them"),
        ("README.md", "<!-- generated: zhang -->", "Results with the commands behind them"),
        ("README.md", "| `volume.csv` |", "Training code"),
        ("README.md", "fctransfer measure", "Evaluation code"),
        ("Makefile", "\nevidence:", "Evaluation code"),
    ],
)
def test_a_command_that_is_no_longer_documented_makes_its_answer_wrong(copy, file, words, item):
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert words in text
    path.write_text(text.replace(words, "\n"), encoding="utf-8")
    assert list(missing(copy)) == [item]


def test_weights_among_the_files_make_the_no_wrong(copy):
    (copy / "figures" / "base.safetensors").write_bytes(b"")
    (words,) = missing(copy)["Pre-trained models"]
    assert "figures/base.safetensors" in words
