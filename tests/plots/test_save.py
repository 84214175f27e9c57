import io
from xml.etree import ElementTree

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.save import png_of, save, svg_of
from fctransfer_utils.plots.style import new_figure, styled
from fctransfer_utils.plots.transfer import figure2


def test_the_same_table_gives_the_same_bytes_whatever_the_settings(made, tmp_path):
    table = made(seeds=2)
    first = save(figure2(table), "fig2", data=table, folder=tmp_path / "a")
    shown = figure2(table)
    shown.savefig(tmp_path / "shown_before_it_is_saved.png")
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": None, "savefig.dpi": 33, "lines.linewidth": 9}):
        second = save(figure2(table), "fig2", data=table, folder=tmp_path / "b")
    third = save(shown, "fig2", data=table, folder=tmp_path / "c")
    for kind in ("svg", "png", "csv"):
        assert first[kind].read_bytes() == second[kind].read_bytes() == third[kind].read_bytes()


@pytest.fixture
def bare():
    """A figure that is quick to draw, and its table."""
    with styled():
        figure, axes = new_figure(height=2)
        axes.plot([1, 2], label="a line")
        axes.legend()
    return figure, pd.DataFrame({"name": ["a", "b"], "value": [0.1, 2.0]})


def test_three_files_lie_where_they_belong_and_nothing_else(bare, tmp_path):
    figure, table = bare
    save(figure, "fig2_raw", data=table, folder=tmp_path)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["data/fig2_raw.csv", "fig2_raw.png", "fig2_raw.svg"]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "data/fig2_raw.csv"), table)


def test_no_date_and_no_version_is_written(bare, tmp_path):
    figure, table = bare
    paths = save(figure, "fig2", data=table, folder=tmp_path)
    svg = paths["svg"].read_text()
    assert "<dc:date>" not in svg
    assert mpl.__version__ not in svg
    assert b"Matplotlib version" not in paths["png"].read_bytes()


def test_a_figure_drawn_once_is_the_same_as_one_that_savefig_draws_twice(made):
    figure = figure2(made(seeds=2))
    canvas, dpi = figure.canvas, figure.dpi
    png, svg = io.BytesIO(), io.StringIO()
    with styled():
        assert figure.get_layout_engine() is not None  # for which savefig draws once more
        figure.savefig(png, format="png", metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        assert png_of(figure, dpi=150) == png.getvalue()
        assert svg_of(figure) == svg.getvalue()
    assert (figure.canvas, figure.dpi) == (canvas, dpi)


def test_a_caption_is_the_title_and_the_description_of_the_svg(bare, tmp_path):
    figure, table = bare
    caption = "Two lines & where they <part>. Look at the right."
    text = save(figure, "fig2", data=table, folder=tmp_path, caption=caption)["svg"].read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)
    told = {part.tag.split("}")[1]: part.text for part in list(root)[:2]}
    assert told["title"] == "Two lines & where they <part>"
    assert told["desc"] == f"{caption} The numbers are in data/fig2.csv."
    assert root.get("aria-labelledby") == "fig2-title fig2-desc"


def test_a_failed_save_leaves_the_old_file(bare, tmp_path, monkeypatch):
    figure, table = bare
    paths = save(figure, "fig2", data=table, folder=tmp_path)
    before = {kind: path.read_bytes() for kind, path in paths.items()}
    figure.axes[0].set_title("another title")
    monkeypatch.setattr("fctransfer_utils.plots.save.png_of", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save(figure, "fig2", data=table.head(1), folder=tmp_path)
    assert {kind: path.read_bytes() for kind, path in paths.items()} == before
    assert len(list(tmp_path.rglob("*.tmp"))) == 0


def test_pyplot_knows_of_no_figure(made):
    before = pyplot.get_fignums()
    figure2(made(seeds=1))
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("name", ["Fig 2", "../fig2", "", "fig2.svg"])
def test_an_id_that_is_no_file_name_is_refused(bare, tmp_path, name):
    with pytest.raises(InputError, match="not a file name"):
        save(bare[0], name, data=bare[1], folder=tmp_path)


def test_a_figure_without_data_is_refused(bare, tmp_path):
    with pytest.raises(InputError, match="no data behind"):
        save(bare[0], "fig2", data=pd.DataFrame(), folder=tmp_path)
