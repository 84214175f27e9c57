import numpy as np
import pandas as pd
import pytest
from made_studies import made_studies

from fctransfer_utils.analysis.distant import directions, gap_by_n, published_tables, relative_lines, tables_of
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.distant import KIND_STYLE, figure3, figure3_lines, gaps, raw_panels, untrained


@pytest.fixture
def published():
    return relative_lines(published_tables())


def drawn(axes, marker):
    """The y values of the line with this marker."""
    (line,) = (line for line in axes.lines if line.get_marker() == marker)
    return np.asarray(line.get_ydata(), dtype=float)


def test_both_panels_show_the_means_of_their_tables(published, intervals, texts):
    lines = relative_lines(tables_of(*made_studies(seeds=3)))
    figure = figure3(lines, published, name="glyphs")
    for axes, table in zip(figure.axes, (published, lines), strict=True):
        for kind, rows in table.groupby("kind"):
            assert drawn(axes, KIND_STYLE[kind].marker) == pytest.approx(rows["mean"].to_numpy())
    assert intervals(figure) == 5  # ours all four, the published random halves
    words = texts(figure)
    assert "Ours (glyphs)" in words
    assert "(points)" in words
    assert "Missing" not in words


def test_one_scale_unless_ours_is_far_larger_or_smaller(published, texts):
    halves, distant, filters = made_studies(seeds=2)
    both = figure3(relative_lines(tables_of(halves, distant, filters)), published)
    assert both.axes[0].get_ylim() == both.axes[1].get_ylim()
    flat = filters.assign(top1=filters["target"].map({"A": 0.6, "B": 0.65}))
    lines = relative_lines(tables_of(halves, distant[distant["n"] < 3], flat))
    assert "another scale" in texts(figure3(lines[lines["n"] < 3], published))


def test_a_growing_table_says_what_is_missing_and_draws_the_rest(published, intervals, texts):
    halves, distant, filters = made_studies(seeds=1)
    lines = relative_lines(tables_of(halves, distant[distant["target"] == "B"], filters[filters["n"] < 3]))
    figure = figure3(lines, published)
    words = texts(figure)
    assert "AnB on letters-symbols (seed 0) learnt target B only" in words
    assert len(drawn(figure.axes[1], KIND_STYLE["distant halves"].marker)) == 0
    assert "n = 3-7 is absent" in words
    assert intervals(figure) == 1  # the published random halves only


def test_a_table_without_one_kind_does_not_invent_its_line(published, texts):
    halves, distant, filters = made_studies(seeds=2)
    lines = relative_lines(tables_of(halves, distant, filters[filters["treatment"] != "random"]))
    figure = figure3_lines(lines)
    assert KIND_STYLE["random filters (He)"].label not in texts(figure)
    assert "random is absent" in texts(figure)


def test_lines_grow_on_a_scale_that_stays():
    lines = relative_lines(tables_of(*made_studies(seeds=2)))
    few, all_ = figure3_lines(lines, upto=2), figure3_lines(lines)
    assert few.axes[0].get_ylim() == all_.axes[0].get_ylim()
    assert len(drawn(few.axes[0], "D")) == 2
    assert len(drawn(all_.axes[0], "D")) == 7


def test_directions_are_drawn_beside_their_mean_with_their_count(intervals, texts):
    halves, distant, _ = made_studies(seeds=3, uneven=3)
    one = {"random halves": gap_by_n(halves), "distant halves": directions(distant)}
    figure = gaps({"AnB minus base": one, "AnB minus BnB": {"distant halves": directions(distant, against="BnB")}})
    words = texts(figure)
    assert "target A, by layers of B" in words
    assert "7\n(3)" in words
    assert intervals(figure) == 3  # means only
    assert drawn(figure.axes[0], "<")[-1] == pytest.approx(-22, abs=0.5)
    with pytest.raises(InputError, match="at least one panel"):
        gaps({})


def test_counts_that_differ_are_not_written_under_n(texts):
    halves, distant, _ = made_studies(seeds=3)
    one = {"random halves": gap_by_n(halves[halves["seed"] == 0]), "distant halves": gap_by_n(distant)}
    assert "(3)" not in texts(gaps({"AnB minus base": one}))


def test_raw_panels_show_bases_and_chance(texts):
    tables = published_tables()
    figure = raw_panels({"Halves": tables.distant, "Filters": tables.filters}, chance={"Filters": 0.001})
    words = texts(figure)
    assert "base, target A" in words
    assert "chance" in words
    assert "(%)" in words
    assert drawn(figure.axes[1], "P")[2] == pytest.approx(0.11, abs=0.01)
    with pytest.raises(InputError, match="at least one table"):
        raw_panels({})


def test_untrained_layers_stand_beside_the_size_of_their_signal(texts):
    names = {"random": 1.0, "random-gaussian": 0.1, "base": 1.2}
    rows = [(net, f"conv{i}", factor**i, factor**i / 2) for net, factor in names.items() for i in (1, 2, 3)]
    sizes = pd.DataFrame(rows, columns=["net", "layer", "rms", "product"])
    _, _, filters = made_studies(seeds=2, noise=0)
    left, right = untrained(tables_of(filters[:0], filters[:0], filters).filters, sizes, chance=0.02).axes
    assert drawn(left, "X")[0] == pytest.approx(62.5 - 2)
    assert right.get_yscale() == "log"
    measured, formula = (line.get_ydata()[-1] for line in right.lines if line.get_marker() == "P")
    assert (measured, formula) == pytest.approx((1e-3, 5e-4))
