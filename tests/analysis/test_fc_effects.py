"""Gaps, explanations, probes and rates of a made study come out as it was made, and what it lacks is said."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis import fc, fc_effects
from fctransfer_utils.analysis.fc_missing import designed, missing_cells
from tests.made_fc import GROUP, LABELS, RATE, RATES, TARGETS, fc_table, made_distances


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


def test_the_gap_of_every_target_is_that_of_its_group(best):
    gaps = fc_effects.gap_by_target(best)
    assert len(gaps) == 3 * len(TARGETS) * (1 + len(LABELS))
    wanted = gaps["group"].map({"near": -1.0, "far": 3.0, "views": 1.0, "fine": 0.5})
    assert np.abs(gaps["mean"] - wanted).max() < 0.4
    assert dict(zip(gaps["target_set"], gaps["group"], strict=True)) == GROUP


def test_gaps_of_groups_leave_out_groups_without_a_target(best):
    gaps = fc_effects.gap_by_group(best[best["group"].isin(["near", "source"])])
    assert set(gaps["group"]) == {"near"}
    assert gaps["mean"].tolist() == pytest.approx([-1] * len(gaps), abs=0.3)


def test_the_main_figure_has_every_measured_target_once_per_protocol(best, distances):
    table = fc_effects.by_distance(best, distances)
    assert table.groupby("protocol").size().tolist() == [len(TARGETS)] * 3
    assert table.groupby("protocol")["domain"].apply(lambda column: column.is_monotonic_increasing).all()
    assert len(fc_effects.by_distance(best, distances.iloc[:2])) == 2 * 3


def test_the_slope_against_distance_is_the_least_squares_one(best, distances):
    found = fc_effects.distance_slopes(best, distances)
    gain = np.array([{"near": -1.0, "far": 3.0, "views": 1.0, "fine": 0.5}[GROUP[name]] for name in TARGETS])
    wanted = np.polyfit(list(TARGETS.values()), gain, 1)[0]
    assert found["mean"].tolist() == pytest.approx([wanted] * 3, abs=0.2)
    assert found["count"].tolist() == [3, 3, 3]
    alone = fc_effects.distance_slopes(best, distances.iloc[:1])
    assert alone["count"].tolist() == [0, 0, 0]


def test_hidden_layers_explain_the_gain_that_was_made_of_them(best):
    table = fc_effects.explanations(best).set_index(["protocol", "arm"])
    for protocol in fc.MAIN:
        assert table.loc[(protocol, "B"), "word"] == "gains"
        assert table.loc[(protocol, "C"), "word"] == "explains"
        assert table.loc[(protocol, "C"), "share"] == pytest.approx(0.9, abs=0.1)
        assert table.loc[(protocol, "D"), "word"] == table.loc[(protocol, "E"), "word"] == "does not explain"
        assert table.loc[(protocol, "E"), "over_low"] < 0


def test_where_b_gains_nothing_there_is_nothing_to_explain(best):
    table = fc_effects.explanations(best, group="near")
    assert set(table["word"]) == {"nothing to explain"}
    assert table.loc[table["arm"] != "B", "share"].isna().all()
    assert set(fc_effects.transfer_or_capacity(best, group="near")["word"]) == {"nothing to explain", ""}


def test_one_seed_explains_nothing_and_an_absent_arm_is_not_measured():
    single = fc.chosen(fc.fc_rows(fc_table(seeds=1, arms="ABC")))
    words = fc_effects.explanations(single).set_index(["protocol", "arm"])["word"]
    assert words["P3", "B"] == words["P3", "C"] == "undecided"
    assert words["P3", "D"] == "not measured"


def test_new_hidden_layers_match_and_fc_at_the_target_alone_falls_behind(best):
    table = fc_effects.transfer_or_capacity(best).set_index("choice")
    assert table.loc["P4 of B", "word"] == "matches"
    assert table.loc["P5 of the FC head", "word"] == "falls behind"
    assert table.loc["P5 of the FC head", "mean"] == pytest.approx(-4 - 3, abs=0.3)
    assert table.loc["P7 of B", "word"] == ""


def test_conversion_is_measured_against_going_on_for_as_long(best):
    table = fc_effects.conversion(best).set_index("what")
    assert table.loc["converted minus continued", "mean"] == pytest.approx(-2, abs=0.3)
    assert table.loc["continued minus arm B", "mean"] == pytest.approx(1, abs=0.3)
    assert table.loc["arm A minus arm B", "mean"] == pytest.approx(-2, abs=0.3)


def test_the_source_table_has_every_arm(best):
    table = fc_effects.source_table(best).set_index("arm")
    assert list(table.index) == list(fc.ARMS)
    assert table.loc["C", "mean"] == pytest.approx(0.8 + 0.018, abs=0.003)


def test_probes_are_compared_layer_by_layer_where_both_arms_have_the_layer(best):
    table = fc_effects.layer_probes(best)
    far = table[(table["group"] == "far") & (table["arm"] == "B")].set_index("layer")
    assert list(far.index) == ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    assert far.loc["conv5", "mean"] == pytest.approx(3, abs=0.3)
    assert far.loc["conv1", "mean"] == pytest.approx(0, abs=0.3)
    assert far.loc["conv3", "mean"] == pytest.approx(3 * 2 / 5, abs=0.3)
    assert far.loc[["fc6", "fc7"], "mean"].isna().all()
    assert table.loc[table["arm"] == "A", "mean"].isna().all()


def test_probes_of_all_layers_are_those_with_the_most_labels(best):
    table = fc_effects.layer_probes(best).set_index(["group", "arm", "layer"])
    rows = best[(best["group"] == "far") & (best["arm"] == "A") & (best["protocol"] == "P1")]
    most = rows[rows["labels_per_class"] == max(LABELS)]
    assert table.loc[("far", "A", "conv5"), "top1"] == pytest.approx(most["top1"].mean())


def test_one_rate_for_all_can_make_a_gain_that_no_one_has():
    flipped = fc.fc_rows(fc_table(flip=True, gain={"near": 0.0, "far": 0.0}))
    table = fc_effects.by_rate(flipped)
    gaps = table[(table["arm"] == "B") & (table["protocol"] == "P3") & (table["group"] == "far")].set_index("rate")
    assert gaps.loc[RATES[0], "mean"] == pytest.approx(RATE, abs=0.3)
    assert gaps.loc[RATES[1], "mean"] == pytest.approx(-RATE, abs=0.3)
    assert gaps[gaps.index.isna()]["mean"].item() == pytest.approx(0, abs=0.3)


def test_levels_at_a_rate_are_over_the_labels_that_all_arms_have():
    every = fc.fc_rows(fc_table())
    few = min(LABELS)
    less = every[every["arm"].isin(["A", "B"]) | (every["labels_per_class"] == few)]
    table = fc_effects.by_rate(less)
    alone = fc_effects.by_rate(every[every["labels_per_class"] == few])
    pd.testing.assert_series_equal(table["top1"], alone["top1"])
    assert not table["mean"].equals(alone["mean"])  # B - A is over all labels that both have


def test_chosen_rates_are_counted_by_arm():
    counts = fc_effects.chosen_rates(fc.fc_rows(fc_table(flip=True))).set_index(["protocol", "arm"])
    every = 3 * len(TARGETS) * len(LABELS)
    assert counts.loc[("P3", "B")].to_dict() == {"0.003": every, "0.01": 0, "networks": every}
    assert counts.loc[("P3", "A")].to_dict() == {"0.003": 0, "0.01": every, "networks": every}


def test_a_complete_table_lacks_nothing(rows):
    assert missing_cells(rows) == ()
    assert len(designed()) == 5 * (1 + 2 + 2) + 3 + (5 * 4 + 2 * 3) + 1


def test_a_cut_off_table_says_what_it_lacks(rows):
    cut = rows[
        ~((rows["seed"] == 2) & rows["arm"].isin(list("CDE")))
        & ~((rows["protocol"] == "P4") & (rows["target_set"] == "glyph-scenes[8x110]") & (rows["arm"] == "B"))
        & (rows["protocol"] != "converted")
        & ~((rows["target_set"] == "glyph-fonts[8x110]") & (rows["labels_per_class"] == 20))
    ]
    found = missing_cells(cut)
    assert "source of arms C, D, E: absent for seed 2." in found
    assert "converted of arm B: absent." in found
    assert "P1, P2, P3, P6, P7, P8 of arms C, D, E; P4 of arms C, E: absent for seed 2." in found
    assert "P4 of arm B: absent for glyph-scenes[8x110] with 5 labels per class (seed 0) and 5 more." in found
    assert "glyph-fonts[8x110] has no networks with 20 labels per class." in found


def test_rates_that_were_not_trained_yet_are_counted(rows):
    cut = rows.drop(rows[(rows["protocol"] == "P3") & (rows["learning_rate"] == RATES[0])].index[:7])
    networks = ((5 * 5 + 3 + 1) * len(LABELS) + 5 * 4 + 3 * 2) * 3 * len(TARGETS)
    assert missing_cells(cut) == (f"7 of {networks} networks lack some of the 2 learning rates.",)
