"""The figures of the course are found in the outputs of its notebooks, and what is not in order is named."""

import io

import nbformat
import pytest
from made_notebooks import code
from PIL import Image

from fctransfer_utils.course import gallery
from fctransfer_utils.errors import InputError


@pytest.fixture
def drawn(project, write):
    """Write a notebook whose outputs show these figures, and their pictures."""

    def draw(name, *ids, told=None):
        outputs = []
        for id in ids:
            Image.new("RGB", (800, 400), "white").save(project.figures / f"{id}.png")
            data = {"image/png": "", "text/plain": f"[figure] What {id} says."}
            outputs.append(nbformat.v4.new_output("display_data", data))
        end = f"2 checks hold; figures in build/figures: {', '.join(told or ids)}\n"
        outputs.append(nbformat.v4.new_output("stream", text=end))
        cell = code("draw()")
        cell["outputs"] = outputs
        return write(name, cell)

    return draw


def test_figures_come_in_order_with_notebook_and_caption(project, drawn):
    drawn("05_second", "c")
    drawn("01_first", "b", "a")
    found = gallery.figures_of_course(project)
    assert [(figure.notebook, figure.id) for figure in found] == [
        ("01_first", "b"),
        ("01_first", "a"),
        ("05_second", "c"),
    ]
    assert found[0].caption == "What b says."
    assert gallery.size_of(found[0]) == (800, 400)


def test_a_picture_that_no_notebook_shows_is_named(project, drawn):
    drawn("01_first", "a")
    Image.new("RGB", (8, 4)).save(project.figures / "stray.png")
    assert gallery.not_shown(project, gallery.figures_of_course(project)) == ["stray"]


def test_a_preview_is_small_and_keeps_its_shape(project, drawn):
    drawn("01_first", "a")
    (figure,) = gallery.figures_of_course(project)
    with Image.open(io.BytesIO(gallery.preview(figure))) as picture:
        assert picture.size == (gallery.PREVIEW_WIDTH, gallery.PREVIEW_WIDTH // 2)


def test_outputs_that_do_not_fit_together_are_refused(project, drawn):
    drawn("01_first", "a", told=["a", "b"])
    with pytest.raises(InputError, match=r"names 2 figures.*shows 1.*make format"):
        gallery.figures_of_course(project)


def test_a_missing_picture_is_named_with_the_mend(project, drawn):
    drawn("01_first", "a")
    (project.figures / "a.png").unlink()
    with pytest.raises(InputError, match=r"figures/a\.png is missing.*make evidence"):
        gallery.figures_of_course(project)


def test_a_damaged_picture_or_notebook_is_named(project, drawn):
    path = drawn("01_first", "a")
    (figure,) = gallery.figures_of_course(project)
    figure.png.write_text("no picture", encoding="utf-8")
    with pytest.raises(InputError, match=r"figures/a\.png is not a picture"):
        gallery.preview(figure)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a valid notebook"):
        gallery.figures_of_course(project)
