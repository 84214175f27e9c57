import numpy as np
import pytest

from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.analysis.transfer import boosts, coadaptation, curves, specificity
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.effects import boosts_plot, effects
from fctransfer_utils.plots.style import TREATMENT_STYLE
from fctransfer_utils.plots.transfer import (
    figure2,
    figure2_beside_paper,
    figure2_lines,
    figure2_points,
    figure2_raw_and_relative,
)

MARKERS = {look.marker for look in TREATMENT_STYLE.values()}


def lines_of(axes):
    """The drawn lines with markers as sets of y values."""
    marked = [line for line in axes.lines if line.get_marker() in MARKERS]
    return [np.round(np.asarray(line.get_ydata(), dtype=float), 6).tolist() for line in marked]


@pytest.mark.parametrize("relative", [False, True])
def test_the_means_of_the_table_are_what_is_drawn(made, relative):
    table = made()
    axes = figure2_lines(table, relative=relative).axes[0]
    means = curves(table, "delta_points" if relative else "top1")
    drawn = lines_of(axes)
    for _, rows in means.groupby("treatment"):
        assert np.round(rows["mean"] * (1 if relative else 100), 6).tolist() in drawn


def test_every_network_is_a_point(made):
    table = made()
    points = sum(len(part.get_offsets()) for part in figure2_points(table).axes[0].collections)
    assert points == len(table)
    relative = sum(len(part.get_offsets()) for part in figure2_points(table, relative=True).axes[0].collections)
    assert relative == (table["treatment"] != "base").sum()


@pytest.mark.parametrize("relative", [False, True])
def test_one_seed_has_no_intervals_and_says_so(made, intervals, texts, relative):
    for targets in ("B", "AB"):
        figure = figure2(made(seeds=1, targets=targets), relative=relative)
        assert intervals(figure) == 0
        assert "no interval" in texts(figure)


@pytest.mark.parametrize("relative", [False, True])
def test_several_seeds_have_intervals_and_axes_have_units(made, intervals, texts, relative):
    figure = figure2(made(), relative=relative)
    assert intervals(figure) >= 5
    words = texts(figure)
    assert "95 % intervals" in words
    assert ("(points)" if relative else "(%)") in words
    assert "layers copied" in words


def test_an_incomplete_table_says_what_is_missing(made, texts):
    table = made().query("not (treatment == 'AnB' and n > 5 and seed == 2)")
    assert "Missing: AnB at n = 6-7 is absent for target A (random0, seed 2)" in texts(figure2(table))
    assert "Missing" not in texts(figure2(made()))


def test_the_papers_raw_means_are_drawn_only_on_request():
    paper = paper_table()
    balanced, kept = (figure2_lines(paper, incomplete=how).axes[0] for how in ("balance", "keep"))
    assert len(lines_of(balanced)) == 2  # base and AnB have all eight targets
    assert len(lines_of(kept)) == 5


def test_beside_the_paper_on_one_scale_unless_ours_is_far_larger(made, texts):
    paper = paper_table()
    figure = figure2_beside_paper(made(), paper)
    left, right = figure.axes
    assert left.get_ylim() == right.get_ylim()
    assert "another scale" not in texts(figure)
    wild = made()
    wild.loc[(wild["treatment"] == "AnB") & (wild["n"] == 7), "top1"] = 0.1
    assert "another scale" in texts(figure2_beside_paper(wild, paper))


def test_effects_show_their_counts_and_intervals(made, intervals, texts):
    table = made()
    figure = effects([coadaptation(table), specificity(table)], paper=[coadaptation(paper_table())])
    assert intervals(figure) == 3
    assert "(6)" in texts(figure)
    assert "published networks" in texts(figure)
    assert intervals(effects([coadaptation(made(seeds=1))])) == 0


def test_effects_without_pairs_say_so(made, texts):
    assert "nothing to compare" in texts(effects([specificity(made().query("treatment != 'BnB'"))]))
    with pytest.raises(InputError, match="at least one"):
        effects([])


def test_boosts_without_a_pair_say_so(made, texts):
    words = texts(boosts_plot(boosts(paper_table())))
    assert "no pair" in words
    assert "(no interval)" in words
    assert "6 pairs" in texts(boosts_plot(boosts(made())))
    with pytest.raises(InputError, match="'A - C' is not in the table"):
        boosts_plot(boosts(made()), comparisons=["A - C"])


def test_raw_and_relative_means_stand_side_by_side(texts):
    left, right = figure2_raw_and_relative(paper_table()).axes
    assert left.get_ylabel() != right.get_ylabel()
    highest = {axes: max(values[-1] for values in lines_of(axes)) for axes in (left, right)}
    assert highest[left] - 62.5 == pytest.approx(2.1, abs=0.1)  # AnB+ over the mean of all bases at n = 7
    assert highest[right] == pytest.approx(1.24, abs=0.01)  # and over its own
    assert texts(figure2_raw_and_relative(paper_table())).count("AnB+") >= 2
