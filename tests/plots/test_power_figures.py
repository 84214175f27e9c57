import pytest

from fctransfer_utils.analysis.claims_boost import boost_tests
from fctransfer_utils.analysis.power import design_power, power_of
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.power import boosts_forest, detectable_plot, forest_data, power_plot

CUTS = (1, 3, 5, 7)


def test_the_pairs_there_are_stand_out_from_planned_ones(made):
    design = design_power(made(seeds=3), cuts=CUTS)
    axes = detectable_plot(design).axes[0]
    full = [line for line in axes.lines if line.get_marker() != "None" and line.get_markerfacecolor() != "white"]
    hollow = [line for line in axes.lines if line.get_marker() != "None" and line.get_markerfacecolor() == "white"]
    assert [len(line.get_xdata()) for line in full] == [1, 1, 1]
    assert {line.get_xdata()[0] for line in full} == {6}
    assert all(list(line.get_xdata()) == [10, 20] for line in hollow)


def test_a_difference_to_be_seen_is_marked(made, texts):
    figure = detectable_plot(design_power(made(seeds=3), cuts=CUTS), mark=1.4, mark_words="the paper's")
    assert "the paper's" in texts(figure)
    assert any(list(line.get_ydata()) == [1.4, 1.4] for line in figure.axes[0].lines)


def test_one_seed_says_that_there_is_no_spread(made, texts):
    words = texts(detectable_plot(design_power(made(seeds=1), cuts=CUTS)))
    assert "no spread to plan from" in words
    assert "Missing: AnB+ - BnB+ has 2 pair" in words


def test_the_curve_of_the_chosen_pairs_is_the_power(texts):
    figure = power_plot(0.9, 6, most=3.0, others=(3, 12), mark=1.4)
    (chosen,) = [line for line in figure.axes[0].lines if line.get_label() == "6 pairs"]
    differences, powers = chosen.get_xdata(), chosen.get_ydata()
    assert powers[0] == pytest.approx(5)
    assert powers[-1] == pytest.approx(100 * power_of(differences[-1], 0.9, 6))
    assert "3 pairs" in texts(figure)
    styles = [line.get_linestyle() for line in figure.axes[0].lines if line.get_label().endswith("pairs")]
    assert len(styles) == 3


def test_the_forest_has_a_panel_per_comparison_and_a_row_per_data_set(made, texts):
    tests = {"glyphs": boost_tests(made(seeds=3)), "one seed": boost_tests(made(seeds=1))}
    figure = boosts_forest(tests, paper={"AnB+ - BnB+": 1.4})
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "AnB+ minus BnB+", "AnB+ minus twice", "BnB+ minus base",
    ]  # fmt: skip
    words = texts(figure)
    assert list(forest_data(tests)["data"]) == ["glyphs"] * 3 + ["one seed"] * 3
    assert "6 pairs, 3 seeds" in words
    assert "2 pairs, 1 seed" in words
    spans = [line for line in figure.axes[0].lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2]
    assert len(spans) == 2  # both intervals of the first row; one seed has none


def test_a_comparison_without_a_pair_says_so(made, texts):
    lacking = boost_tests(made(seeds=2).query("treatment != 'twice'"))
    assert "no pair" in texts(boosts_forest({"glyphs": lacking}))


def test_nothing_to_draw_is_said():
    with pytest.raises(InputError, match="no test to draw"):
        boosts_forest({})
