"""The figures of the study ``keep`` and of the guide show what their tables hold."""

import pytest

from fctransfer_utils.analysis import keep
from fctransfer_utils.analysis.guide import guide_table
from fctransfer_utils.analysis.guide_evidence import gather
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots import keep as draw
from fctransfer_utils.plots.guide import decision_figure
from tests.made_keep import FAR, NEAR, keep_table, made_distances


@pytest.fixture(scope="module")
def rows():
    return keep.keep_rows(keep_table())


def test_the_scheme_has_a_row_for_every_arm(texts):
    shown = texts(draw.arms_scheme())
    for arm in (*keep.ARMS, "scratch"):
        assert arm in shown
    assert shown.count("fc8") == 6  # every arm has its own last layer
    assert shown.split().count("fc7") == 6  # four boxes and two names


def test_cut_curves_have_a_panel_per_target_and_number_of_labels(rows, texts, intervals):
    figure = draw.cut_curves(rows, made_distances())
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title(loc="left") == "random0:B\n5 labels per class"
    assert "distance 0.40" in figure.axes[0].get_ylabel()
    assert "distance 1.40" in figure.axes[2].get_ylabel()
    assert intervals(figure) == 4 * 4
    assert "Missing" not in texts(figure)


def test_the_values_drawn_are_the_means(rows):
    figure = draw.cut_curves(rows, targets=[NEAR])
    heights = {round(float(y), 1) for line in figure.axes[0].lines for y in line.get_ydata()}
    means = keep.top1_by_choice(rows[(rows["target_set"] == NEAR) & (rows["labels_per_class"] == 5)])["mean"]
    assert {round(100 * mean, 1) for mean in means} <= heights


def test_a_growing_table_is_drawn_and_says_what_it_lacks(rows, texts):
    part = rows[(rows["arm"] != "fc6") & (rows["protocol"] != "scratch")]
    assert "Missing: fc6, fine-tuned, fc6, frozen, from scratch: absent" in texts(draw.cut_curves(part))


def test_of_many_targets_the_nearest_the_middle_and_the_farthest_are_drawn():
    assert draw._some(list("abcdefg"), ()) == ["a", "d", "g"]
    assert draw._some(list("abcdefg"), ["f"]) == ["f"]
    with pytest.raises(InputError, match="unknown target set 'z'"):
        draw._some(list("abc"), ["z"])


def test_the_slider_shows_all_targets_of_one_number_of_labels(rows):
    figure = draw.cuts_with_labels(rows, 20, made_distances())
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "random0:B\ndistance 0.40", "letters-symbols:B\ndistance 1.40"
    ]  # fmt: skip
    with pytest.raises(InputError, match="unknown number of labels per class 7; allowed: 5, 20"):
        draw.cuts_with_labels(rows, 7)


def test_contrasts_put_near_targets_above_far_ones(rows):
    figure = draw.contrasts(keep.last_hidden(rows), made_distances(), against="keeping fc7")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "random0:B, 5 labels (3)", "random0:B, 20 labels (3)",
        "letters-symbols:B, 5 labels (3)", "letters-symbols:B, 20 labels (3)",
    ]  # fmt: skip
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["replaced", "left out"]
    with pytest.raises(InputError, match="no pair of networks to compare"):
        draw.contrasts(keep.last_hidden(rows[rows["arm"] == "conv5"]), against="keeping fc7")


def test_the_guide_shows_answers_and_the_lack_of_them(texts):
    evidence = gather({"keep": keep_table()}, made_distances())
    table = guide_table(evidence, distances=(0.4, 0.9, 1.4), labels=(5, 20))
    figure = decision_figure(table)
    shown = texts(figure)
    assert shown.count("no evidence") == 4
    assert shown.count("keep to fc7") == 4  # near, with any labels and any compute
    assert "Little compute" in shown
    assert "Enough compute" in shown
    assert FAR not in shown
    dashed = sum(patch.get_linestyle() == "--" for axes in figure.axes for patch in axes.patches)
    assert dashed == (~table["clear"].astype(bool)).sum()
    with pytest.raises(InputError, match="the guide has no question"):
        decision_figure(table.iloc[:0])
