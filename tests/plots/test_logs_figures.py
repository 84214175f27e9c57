import pytest

from fctransfer_utils.analysis.logs import decomposition, left_out, levels, own_gains
from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.logs import decomposition_plot, gains_by_half, levels_plot


@pytest.fixture(scope="module")
def paper():
    return paper_table()


def test_every_fine_tuned_network_is_drawn_twice_with_its_n(paper, texts):
    gains = own_gains(paper)
    figure = gains_by_half(gains)
    for axes in figure.axes:
        drawn = sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() in ("D", "v"))
        assert drawn == len(gains) == 20
    words = texts(figure).splitlines()
    assert words.count("mean of 10: +0.97") == 2
    assert sum(word == "3" for word in words) == 2 * (gains["n"] == 3).sum()


def test_each_half_has_its_own_base_beside_its_networks(paper):
    left = gains_by_half(own_gains(paper)).axes[0]
    bases = sorted(line.get_ydata()[0] for line in left.lines if line.get_linestyle() == "--")
    assert bases == pytest.approx(sorted(100 * own_gains(paper)["base_top1"].unique()))


def test_the_halves_are_drawn_by_both_yardsticks(paper, texts):
    figure = levels_plot(levels(paper))
    words = texts(figure)
    assert all(name in words for name in ("0A", "0B", "1A", "1B", "3B"))
    low, high = figure.axes[0].get_xlim()
    assert low < -1.0 < 1.0 < high


def test_the_parts_end_where_the_reported_difference_stands(paper, texts):
    parts = decomposition(paper)
    figure = decomposition_plot(parts, left_out(paper))
    for axes, (_, rows) in zip(figure.axes, parts.groupby("yardstick", sort=False), strict=True):
        ends = [line for line in axes.lines if line.get_marker() == "|"]
        assert list(ends[0].get_xdata()) == pytest.approx(list(rows["reported"]))
        widths = [bar.get_width() for bar in axes.patches]
        assert sum(widths) == pytest.approx(rows["reported"].sum())
    words = texts(figure)
    assert "1.38 + 0.00" in words
    assert "any one network left out" in words
    assert "any one network left out" not in texts(decomposition_plot(parts))


def test_a_negative_rest_is_written_as_one(paper, texts):
    parts = decomposition(paper, "BnB+", "AnB+")
    assert "-1.08 - 0.31" in texts(decomposition_plot(parts))


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (lambda p: gains_by_half(own_gains(p).iloc[:0]), "no fine-tuned network"),
        (lambda p: levels_plot(levels(p.query("treatment != 'AnB'"))), "nothing to compare"),
        (lambda p: decomposition_plot(decomposition(p).iloc[:0]), "nothing to take apart"),
    ],
)
def test_nothing_to_draw_is_said(paper, draw, words):
    with pytest.raises(InputError, match=words):
        draw(paper)
