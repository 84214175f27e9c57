"""The table of contents names every notebook there is, and promises none that is not."""

from pathlib import Path

from fctransfer_utils.course.contents import CHAPTERS, as_markdown, ready
from fctransfer_utils.course.rules import NAME

HERE = [Path("00_start_here.ipynb"), Path("05_transfer_curves.ipynb")]


def test_chapters_are_numbered_from_0_without_a_gap():
    assert [int(chapter.name[:2]) for chapter in CHAPTERS] == list(range(15))
    assert all(NAME.fullmatch(chapter.name) and chapter.question.endswith("?") for chapter in CHAPTERS)


def test_only_notebooks_that_exist_are_links_and_called_ready():
    lines = as_markdown(HERE).splitlines()[2:]
    linked = [line for line in lines if ".ipynb)" in line]
    assert [chapter.name for chapter in ready(HERE)] == ["00_start_here", "05_transfer_curves"]
    assert [line.endswith("| ready |") for line in linked] == [True, True]
    assert all(line.endswith("| planned |") for line in lines if line not in linked)


def test_a_notebook_that_is_in_no_chapter_is_not_ready():
    assert ready([Path("99_unknown.ipynb")]) == ()
    assert "99_unknown" not in as_markdown([Path("99_unknown.ipynb")])
