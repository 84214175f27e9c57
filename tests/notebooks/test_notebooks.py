"""The committed notebooks: short, whole, and what they show comes out again."""

import re

import nbformat
import pytest

from fctransfer_utils import papermill_run
from fctransfer_utils.errors import InputError

BOOKS = papermill_run.notebooks()
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def texts(book):
    """What each cell shows as text, without pictures; lines that are printed come in as many parts as it happens."""
    for number, cell in enumerate(book.cells):
        if "injected-parameters" not in cell.metadata.get("tags", []):
            outputs = [each for each in cell.get("outputs", []) if "image/png" not in each.get("data", {})]
            shown = [each.get("text") or each.get("data", {}).get("text/plain", "") for each in outputs]
            if words := " ".join(" ".join(shown).split()):
                yield number, words


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_committed_with_its_outputs(path):
    book = nbformat.read(path, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert len(book.cells) <= 30
    assert [cell.execution_count for cell in code if cell.source] == sorted(cell.execution_count for cell in code)
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert any(cell.outputs for cell in code)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_shows_comes_out_again(path, tmp_path, monkeypatch):
    """The same words, and numbers that are near: other processors round otherwise on their way through a training."""
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path))
    executed = papermill_run.run(path, profile="read", output=tmp_path / path.name)
    then, now = (list(texts(nbformat.read(each, as_version=4))) for each in (path, executed))
    assert [NUMBER.sub("#", text) for _, text in now] == [NUMBER.sub("#", text) for _, text in then]
    for (_, before), (_, after) in zip(then, now, strict=True):
        for old, new in zip(NUMBER.findall(before), NUMBER.findall(after), strict=True):
            assert float(new) == pytest.approx(float(old), rel=0.1, abs=6), f"{before}\n{after}"


def test_a_parameter_goes_to_the_notebooks_that_have_it_and_one_that_none_has_is_refused():
    books = papermill_run.notebooks("00,01")
    assert papermill_run.given(books, {"photographs": "here"}) == {books[0]: {"photographs": "here"}, books[1]: {}}
    with pytest.raises(InputError, match="fotographs.*photographs"):
        papermill_run.given(books, {"fotographs": "here"})


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_no_notebook_has_an_output_widget(path):
    """It sends to the kernel while its reply is awaited, and now and then nbclient then waits for ever (its #312)."""
    code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
    assert not re.search(r"\b(interact|interactive|interactive_output|interact_manual|Output)\b", code)
