import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.tables import missing, ranges
from fctransfer_utils.analysis.transfer import (
    boosts,
    coadaptation,
    curves,
    effect_by_n,
    paired_effect,
    pairs,
    relative_to_base,
    specificity,
)
from fctransfer_utils.errors import InputError


def test_points_are_relative_to_the_base_of_the_same_target(made):
    found = relative_to_base(made(noise=0))
    assert np.allclose(found.query("treatment == 'AnB+'")["delta_points"], 2)
    assert np.allclose(found.query("treatment == 'base'")["delta_points"], 0)


def test_a_network_without_its_base_is_refused_or_told(made):
    table = made()
    lost = table.query("not (treatment == 'base' and seed == 1 and target == 'A')")
    with pytest.raises(InputError, match=r"base is absent for target A \(random0, seed 1\): 29 networks"):
        relative_to_base(lost)
    found = relative_to_base(lost, missing_base="omit")
    assert found.attrs["missing"]
    assert not ((found["seed"] == 1) & (found["target"] == "A")).any()
    assert len(found) == len(lost) - 29


def test_a_base_with_other_images_or_epochs_is_no_reference(made):
    table = made(seeds=1)
    table.loc[table["treatment"] == "base", "epochs"] = 99
    with pytest.raises(InputError, match="base is absent"):
        relative_to_base(table)


def test_curves_of_a_complete_table_find_the_true_effects(made):
    found = curves(made(seeds=4), "delta_points").set_index(["treatment", "n"])
    assert found.loc[("AnB", 7), "mean"] == pytest.approx(-9, abs=0.2)
    assert found.loc[("AnB", 7), "low"] < -9 < found.loc[("AnB", 7), "high"]
    assert (found["count"] == 8).all()
    assert not found.index.isin(["base"], level=0).any()


def test_one_seed_gives_means_without_intervals_even_with_both_directions(made):
    for table, count in ((made(seeds=1), 2), (made(seeds=1, targets="B"), 1)):
        for value in ("top1", "delta_points"):
            found = curves(table, value)
            assert (found["count"] == count).all()
            assert found[["low", "high"]].isna().all().all()


def test_raw_means_are_over_the_same_targets_in_every_cell(made):
    table = made(seeds=3, noise=0)
    partial = table.query("not (treatment == 'AnB' and n == 7 and target == 'A' and seed == 2)")
    found = curves(partial).set_index(["treatment", "n"])
    assert set(found["count"]) == {5}
    assert found.loc[("AnB+", 1), "mean"] - found.loc[("base", 0), "mean"] == pytest.approx(0.02)
    assert any("left out: target A (random0, seed 2)" in words for words in found.attrs["missing"])


def test_a_base_that_only_serves_as_donor_is_not_in_the_mean_of_the_bases(made):
    found = curves(made(seeds=1, targets="B", noise=0)).set_index("treatment")
    assert found.loc["base", "mean"] == pytest.approx(0.65)
    assert "Nothing but base was trained on target A (random0, seed 0)." in found.attrs["missing"]


def test_cells_that_lack_a_target_are_blank_rather_than_wrong(made):
    table = made(seeds=2, noise=0)
    crossed = table.query("not (treatment == 'AnB+' and target == 'A') and not (treatment == 'BnB+' and target == 'B')")
    found = curves(crossed).set_index("treatment")
    assert found.loc[["AnB+", "BnB+"], "mean"].isna().all()
    assert found.loc[["AnB", "BnB", "base"], "mean"].notna().all()
    assert any("AnB+ at n = 1-7 has no mean" in words for words in found.attrs["missing"])
    kept = curves(crossed, incomplete="keep").set_index("treatment")
    assert kept.loc["AnB+", "mean"].notna().all()


def test_pairs_share_split_seed_and_target(made):
    found = pairs(made(seeds=2, noise=0), "AnB", "BnB", [4, 7])
    assert len(found) == 2 * 2 * 2
    assert np.allclose(found.query("n == 7")["points"], -9)
    assert np.allclose(found.query("n == 4")["points"], -1)


def test_a_paired_effect_averages_within_targets_first(made):
    found = paired_effect(made(seeds=3, noise=0.1), "AnB+", "twice")
    assert found.count == 6
    assert found.low < 1 < found.high
    assert found.mean == pytest.approx(1, abs=0.15)


def test_a_target_that_lacks_a_cut_is_not_averaged(made):
    table = made(seeds=2, noise=0)
    partial = table.query("not (treatment == 'AnB' and n == 7 and seed == 1 and target == 'A')")
    assert paired_effect(partial, "AnB", "base", [1, 7]).mean == pytest.approx((0.1 - 9) / 2)
    assert paired_effect(partial, "AnB", "base", [1, 7]).count == 3


def test_an_absent_treatment_gives_no_estimate_and_says_so(made):
    table = made().query("treatment != 'BnB'")
    found = specificity(table)
    assert (found["count"] == 0).all()
    assert found["mean"].isna().all()
    assert found.attrs["missing"] == ("BnB is absent.",)
    assert "no target has both AnB and BnB" in str(paired_effect(table, "AnB", "BnB"))


def test_coadaptation_and_specificity_add_up_to_the_transfer_drop(made):
    table = made(seeds=2)
    total = effect_by_n(table, "AnB", "base")["mean"]
    assert np.allclose(coadaptation(table)["mean"] + specificity(table)["mean"], total)


def test_both_ways_of_table_1_agree_on_a_balanced_table_only(made):
    table = made(seeds=3, noise=0)
    both = boosts(table).pivot(index=["comparison", "cuts"], columns="way", values="mean")
    assert np.allclose(both["paired"], both["unpaired"])
    assert (boosts(table)["note"] == "").all()
    lopsided = boosts(table.query("not (treatment == 'AnB+' and target == 'A')"))
    rows = lopsided.query("comparison == 'AnB+ - base' and cuts == '1-7'").set_index("way")
    assert rows.loc["paired", "mean"] == pytest.approx(2)
    assert rows.loc["unpaired", "mean"] == pytest.approx(2 + 2.5)  # half B is easier by 5 points
    assert "targets differ" in rows.loc["unpaired", "note"]


def test_a_mean_over_cuts_is_not_given_when_one_is_absent(made):
    rows = boosts(made().query("not (treatment == 'AnB+' and n == 4)")).query("comparison == 'AnB+ - base'")
    rows = rows.set_index(["way", "cuts"])
    assert np.isnan(rows.loc[("unpaired", "3-7"), "mean"])
    assert rows.loc[("unpaired", "3-7"), "note"] == "AnB+ at n = 4 is absent."
    assert rows.loc[("paired", "5-7"), "mean"] == pytest.approx(2, abs=0.2)


def test_missing_says_what_in_words(made):
    table = made(seeds=2).query("not (treatment == 'AnB' and n in [3, 5, 6] and seed == 1)")
    table = table.query("not (treatment == 'twice' and seed == 0 and target == 'A')")
    assert missing(table, ["AnB", "twice", "random"]) == [
        "AnB at n = 3, 5-6 is absent for target A (random0, seed 1), target B (random0, seed 1).",
        "random is absent.",
        "twice is absent for target A (random0, seed 0).",
    ]
    assert missing(made()) == []
    assert ranges([3, 1, 2, 7, 5, 6]) == "1-3, 5-7"


def test_a_diverged_network_counts_as_absent(made):
    table = made(seeds=2)
    table.loc[table["treatment"] == "twice", "top1"] = np.nan
    assert "twice is absent." in missing(table, ["twice"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="top1"), "no column top1"),
        (lambda t: t.assign(treatment="CnC"), "unknown treatment 'CnC'"),
        (lambda t: t.assign(top1=t["top1"] * 100), "fractions"),
        (lambda t: pd.concat([t, t.head(1)]), "2 rows stand for the same network"),
        (lambda t: pd.concat([t, t.assign(data="cifar10")]), r"mixes 2 values of data \(glyphs, cifar10\)"),
    ],
)
def test_a_table_that_cannot_be_averaged_is_refused(made, change, words):
    with pytest.raises(InputError, match=words):
        curves(change(made(seeds=1)))


def test_a_table_read_back_from_csv_gives_the_same(made, tmp_path):
    table = made(seeds=2)
    table.to_csv(tmp_path / "t.csv", index=False)
    pd.testing.assert_frame_equal(curves(pd.read_csv(tmp_path / "t.csv")), curves(table))
