"""The three kinds of figure: what stands in the table stands in the figure, and can be read."""

import itertools
import logging
import warnings

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from made_networks import figure_1, study
from matplotlib import pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.text import Text

from fctransfer_utils.analysis import effects
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import kinds, schemes, style

NAMES = ["猫", "US$_ $", "café", "😀 $1"]
TABLE = study({"base": 0.6, "long": 0.61, "twice": 0.615, "BnB": 0.6, "AnB": lambda n: 0.61 - n / 50}, spread=0.004)
LEVELS = effects.levels(TABLE)
PAIRS = [("AnB", "BnB"), ("BnB", "base"), ("long", "base")]


def text_of(figure):
    """What a reader reads."""
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


def lines_of(axes):
    """The error bars: (two ends of two coordinates) each."""
    return [segment for one in axes.collections if isinstance(one, LineCollection) for segment in one.get_segments()]


def named(values):
    """A table of accuracies whose every column of words is hard to draw."""
    rows = [
        {"mean": value, "low": value - 9, "high": value + 9, "count": 3, "who": who, "n": n, "set": one}
        for one in NAMES[:2] for who in NAMES for n, value in enumerate(values, start=1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def everything():
    """Each kind of figure, with one panel and with several, with names of any script."""
    table, single = named([50, 95]), named([50, 95]).query("set == @NAMES[0]")
    pixels = np.random.default_rng(0).integers(0, 255, (4, 3, 8, 8), dtype=np.uint8)
    yield kinds.curves(single, "n", hue="who", points=single, bounds=kinds.PERCENT, xlabel=NAMES[0], ylabel=NAMES[1])
    yield kinds.curves(table, "who", hue="n", col="set", points=table)
    yield kinds.curves(table, "n", hue="set", col="who", logx=True)
    yield kinds.forest(single.query("n == 1"), "who", points=single, margin=5)
    yield kinds.forest(table.query("n == 1"), "who", hue="set")
    yield kinds.forest(table.query("n == 1"), "who", col="set")
    yield kinds.images(pixels, NAMES, groups=[NAMES[0], *NAMES[1:2] * 3])
    listed = figure_1(1, layers=NAMES)
    yield schemes.scheme(listed.assign(network=listed["network"] + NAMES[0], learns=NAMES[1]))


@pytest.fixture(scope="module")
def drawn():
    """Every figure, and all that was complained of, drawn while nothing is set as it should be."""
    bad, said = {"font.family": "No Such Font", "font.size": 30, "text.parse_math": True}, []
    listener = logging.Handler(logging.WARNING)
    listener.emit = said.append
    logging.getLogger("matplotlib").addHandler(listener)
    open_before = plt.get_fignums()
    with mpl.rc_context(bad), warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        figures = list(everything())
        for figure in figures:
            figure.draw_without_rendering()
    logging.getLogger("matplotlib").removeHandler(listener)
    return figures, [*said, *heard, *set(plt.get_fignums()).difference(open_before)]


def test_every_kind_draws_any_name_without_a_warning_and_leaves_nothing_open(drawn):
    figures, complaints = drawn
    assert not complaints
    for figure in figures:
        words = " ".join(text.get_text() for text in text_of(figure))
        assert "US$_ $" in words
        assert style.drawable("猫") in words


def test_nothing_is_cut_off(drawn):
    for figure in drawn[0]:
        inches = figure.get_tightbbox()
        assert inches.x0 > -0.01
        assert inches.y0 > -0.01
        assert inches.x1 < figure.get_figwidth() + 0.01
        assert inches.y1 < figure.get_figheight() + 0.01


def test_curves_hold_the_means_and_intervals_of_the_table():
    table = LEVELS[LEVELS["treatment"] == "AnB"]
    axes = kinds.curves(table, "n", hue="treatment").axes[0]
    line = next(line for line in axes.lines if len(line.get_xdata()) == 7)
    assert line.get_xdata() == pytest.approx(table["n"])
    assert line.get_ydata() == pytest.approx(table["mean"])
    assert [tuple(end[:, 1]) for end in lines_of(axes)] == [
        pytest.approx((one.low, one.high)) for one in table.itertuples()
    ]
    assert "5 replicates" in axes.get_title(loc="left")


@pytest.mark.parametrize("draw", [lambda t: kinds.curves(t, "n", hue="who"), lambda t: kinds.forest(t, "who")])
def test_without_an_interval_there_is_a_point_and_no_bar(draw):
    table = pd.DataFrame({"n": [1], "who": ["a"], "mean": [50.0], "low": [np.nan], "high": [np.nan]})
    axes = draw(table).axes[0]
    assert not lines_of(axes)
    assert any(50 in np.ravel(line.get_data()) for line in axes.lines)


def test_nothing_is_drawn_where_nothing_is_possible():
    table = pd.DataFrame({"n": [1, 2], "who": "a", "mean": [3.0, 97.0], "low": [-20.0, 60.0], "high": [26.0, 140.0]})
    axes = kinds.curves(table, "n", hue="who", bounds=kinds.PERCENT).axes[0]
    ends = np.concatenate(lines_of(axes))[:, 1]
    assert (ends.min(), ends.max()) == (0, 100)
    assert -3 < axes.get_ylim()[0] < axes.get_ylim()[1] < 103
    assert axes.get_yticks().min() >= 0
    assert axes.get_yticks().max() <= 100


def test_panels_that_share_an_axis_hide_nothing():
    table = pd.DataFrame({"n": [1, 2, 1, 2], "set": ["a", "a", "b", "b"], "who": "x", "mean": [30.0, 40.0, 80.0, 90.0]})
    for axes in kinds.curves(
        table.assign(low=np.nan, high=np.nan), "n", hue="who", col="set", bounds=kinds.PERCENT
    ).axes:
        assert axes.get_ylim()[0] < 30 < 90 < axes.get_ylim()[1]


def test_names_stand_once_at_the_ends_or_in_a_legend():
    apart = LEVELS[LEVELS["treatment"].isin(["base", "AnB"])]
    crowd = pd.concat([LEVELS.assign(mean=60.0, treatment=LEVELS["treatment"] + end) for end in ("", " ", "  ", "_")])
    for table, legends in ((apart, 0), (crowd, 1)):
        figure = kinds.curves(table, "n", hue="treatment")
        assert len(figure.legends) == legends
        words = [text.get_text() for text in text_of(figure)]
        assert [words.count(name) for name in table["treatment"].unique()] == [1] * table["treatment"].nunique()


def test_names_at_line_ends_do_not_cover_each_other():
    figure = kinds.curves(LEVELS, "n", hue="treatment")
    figure.draw_without_rendering()
    names = set(LEVELS["treatment"])
    found = [text for text in text_of(figure) if text.get_text() in names]
    boxes = sorted((Text.get_window_extent(text) for text in found), key=lambda box: box.y0)
    assert len(boxes) == len(names)
    assert all(below.y0 + 0.7 * below.height < above.y0 for below, above in itertools.pairwise(boxes))


def test_forest_stands_in_the_order_of_the_table_with_its_numbers():
    table = effects.effects(TABLE, PAIRS, by=())
    figure = kinds.forest(table, "effect")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(table["effect"])
    heights = [label.get_window_extent().y0 for label in axes.get_yticklabels()]
    assert heights == sorted(heights, reverse=True)
    written = [text.get_text().replace("\N{MINUS SIGN}", "-") for text in axes.texts]
    assert [float(words.split()[0]) for words in written] == pytest.approx(list(table["mean"].round(1)), abs=1e-6)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 3, 1)])
def test_images_are_drawn_as_they_are_from_either_layout(order):
    pixels = np.random.default_rng(0).integers(0, 255, (5, 3, 6, 9), dtype=np.uint8)
    figure = kinds.images(pixels.transpose(order), "abcde", groups=["x", "y", "x", "y", "y"], columns=2)
    shown = {axes.get_title(): axes.images[0].get_array() for axes in figure.axes if axes.images}
    assert list(shown) == list("acbde")
    for title, one in zip("abcde", pixels, strict=True):
        assert np.array_equal(shown[title], one.transpose(1, 2, 0))


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: kinds.curves(LEVELS, "m", hue="treatment"), "'m'"),
        (lambda: kinds.curves(LEVELS[:0], "n", hue="treatment"), "no rows"),
        (lambda: kinds.forest(LEVELS, "effect"), "'effect'"),
        (lambda: kinds.images(np.zeros((1, 3, 4, 4))), "uint8"),
        (lambda: kinds.images(np.zeros((1, 5, 4, 4), np.uint8)), "shape"),
        (lambda: kinds.images(np.zeros((2, 4, 4), np.uint8), ["one"]), "titles"),
        (lambda: kinds.images([]), "0 pictures"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(draw, said):
    with pytest.raises(InputError, match=said):
        draw()
