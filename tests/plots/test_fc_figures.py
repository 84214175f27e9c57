"""The figures of the FC study and of the paper's Table 2 show what their tables hold."""

import pytest

from fctransfer_utils.analysis import fc, fc_effects, zhang
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import fc as draw
from fctransfer_utils.plots import fc_causes as causes
from fctransfer_utils.plots.zhang import table2
from tests.made_fc import LABELS, TARGETS, fc_table, made_distances


@pytest.fixture(scope="module")
def rows():
    return fc.fc_rows(fc_table())


@pytest.fixture(scope="module")
def best(rows):
    return fc.chosen(rows)


@pytest.fixture(scope="module")
def distances():
    table = made_distances()
    return table[table["arm"] == "mean"]


def points_of(axes):
    """The single points drawn in ``axes``: (x, y)."""
    lines = [line for line in axes.lines if len(line.get_xdata()) == 1]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in lines]


def test_the_scheme_shows_five_arms_on_one_trunk(texts):
    shown = texts(draw.arms_scheme())
    assert shown.count("conv1 to conv5") == len(fc.ARMS)
    assert shown.count("fc8") == len(fc.ARMS)
    assert shown.count("fc6") == shown.count("fc7") == 2
    assert shown.count("GAP") == 3
    assert shown.count("conv6") == 1


def test_the_paper_s_table_is_drawn_twice_and_once_with_intervals(texts):
    figure = table2(zhang.paper_gaps(zhang.paper_table2()))
    left, right = figure.axes
    for axes in (left, right):
        assert sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() != "None") == 15
    assert len(left.collections) == 3
    assert len(right.collections) == 0
    assert left.get_xticklabels()[0].get_text() == "Caltech-101"


def test_top1_has_a_panel_per_protocol_and_number_of_labels(best, distances):
    figure = draw.top1_by_target(fc_effects.top1_table(best), distances)
    assert len(figure.axes) == 3 * len(LABELS)
    assert len(points_of(figure.axes[0])) == 5 * len(TARGETS)
    assert figure.axes[0].get_title(loc="left") == "P1, 5 labels per class"
    names = [label.get_text() for label in figure.axes[-1].get_xticklabels()]
    assert names == [fc.plain_target(name) for name in sorted(TARGETS, key=TARGETS.get)]
    with pytest.raises(InputError, match="no network of P1, P2 or P3 to draw"):
        draw.top1_by_target(fc_effects.top1_table(best[best["protocol"] == "P7"]))


def test_gaps_stand_by_group_each_target_headed_by_its_mean(best, distances, texts):
    figure = draw.gaps(fc_effects.gap_by_target(best), distances)
    words = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert words[:3] == ["held-out classes, mean (3)", "5 labels", "20 labels"]
    assert len(words) == len(TARGETS) * (1 + len(LABELS))
    assert words[-3] == "glyph-fonts, mean (3)"
    for group in ("near", "far", "views", "fine"):
        assert group in texts(figure)
    with pytest.raises(InputError, match="no pair of arms A and B"):
        draw.gaps(fc_effects.gap_by_target(best[best["arm"] == "A"]))


def test_the_main_figure_has_a_line_per_protocol_and_names_its_targets(best, distances, texts):
    table = fc_effects.by_distance(best, distances)
    figure = draw.against_distance(table, fc_effects.distance_slopes(best, distances))
    (axes,) = figure.axes
    assert len(points_of(axes)) == 3 * len(TARGETS)
    drawn = sorted(round(y, 6) for _, y in points_of(axes))
    assert drawn == sorted(round(value, 6) for value in table["mean"])
    shown = texts(figure)
    assert shown.count("slope +") == 3
    assert "glyph-scenes (far)" in shown
    assert "grey (other views)" in shown
    with pytest.raises(InputError, match="no target with a measured distance and both arms"):
        draw.against_distance(table.iloc[:0])


def test_one_target_gets_a_point_and_no_line(best, distances):
    table = fc_effects.by_distance(best, distances.iloc[:1])
    (axes,) = draw.against_distance(table).axes
    assert len(points_of(axes)) == 3
    assert not [line for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata()) == 2]


def test_explanations_count_seeds_and_mark_four_fifths_of_the_gain(best, texts):
    figure = causes.explanations(fc_effects.explanations(best), fc_effects.transfer_or_capacity(best))
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()][:2] == ["P1 B (3)", "P1 C (3)"]
    ways = [label.get_text() for label in right.get_yticklabels()]
    assert ways == [f"{words} (3)" for words in causes.DRAWN.values()]
    assert "80 % of B's gain" in texts(figure)
    alone = best[best["arm"] == "A"]
    with pytest.raises(InputError, match="no arm can be compared with arm A"):
        causes.explanations(fc_effects.explanations(alone), fc_effects.transfer_or_capacity(alone))


def test_explanations_of_a_and_b_alone_are_drawn(best):
    part = best[best["arm"].isin(["A", "B"])]
    left, _ = causes.explanations(fc_effects.explanations(part), fc_effects.transfer_or_capacity(part)).axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["P1 B (3)", "P2 B (3)", "P3 B (3)"]


def test_probes_have_a_column_per_group(best):
    figure = causes.probes(fc_effects.layer_probes(best))
    assert len(figure.axes) == 2 * 4
    assert [axes.get_title(loc="left") for axes in figure.axes[:4]] == ["near", "far", "other views", "fine-grained"]
    with pytest.raises(InputError, match="no probe to draw"):
        causes.probes(fc_effects.layer_probes(best[best["protocol"] == "P3"]))


def test_rates_end_with_the_own_choice(rows):
    figure = causes.learning_rates(fc_effects.by_rate(rows))
    assert len(figure.axes) == 2 * 4
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["0.003", "0.01", "own\nchoice"]
    with pytest.raises(InputError, match="no network was trained at a learning rate"):
        causes.learning_rates(fc_effects.by_rate(rows).iloc[:0])
