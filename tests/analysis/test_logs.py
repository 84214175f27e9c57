"""The published networks read once more: every number that notebook 08 tells of them."""

import numpy as np
import pytest

from fctransfer_utils.analysis.logs import (
    chance_of_targets,
    decomposition,
    half_name,
    left_out,
    levels,
    own_gains,
    shared_targets,
    targets_by_treatment,
)
from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.errors import InputError


def test_the_fine_tuned_treatments_never_learnt_the_same_half(paper):
    assert shared_targets(paper, "AnB+", "BnB+") == []
    assert len(shared_targets(paper, "AnB", "BnB")) == 4
    found = targets_by_treatment(paper).set_index(["treatment", "half"])["networks"].to_dict()
    assert found == {
        ("BnB+", "half 0A"): 7, ("BnB+", "half 1A"): 3, ("AnB+", "half 0B"): 7, ("AnB+", "half 1B"): 3,
    }  # fmt: skip


def test_the_cuts_of_a_half_are_told(paper):
    rows = targets_by_treatment(paper).set_index(["treatment", "half"])["cuts"]
    assert rows[("BnB+", "half 0A")] == "1-7"
    assert rows[("BnB+", "half 1A")] == "3, 5-6"


def test_both_gain_the_same_over_their_own_bases(paper):
    found = own_gains(paper).groupby("treatment")["delta_points"]
    assert found.count().to_dict() == {"AnB+": 10, "BnB+": 10}
    assert found.mean()["AnB+"] == pytest.approx(0.973, abs=0.001)
    assert found.mean()["BnB+"] == pytest.approx(0.973, abs=0.001)


def test_the_reported_boost_is_the_difference_of_the_bases(paper):
    parts = decomposition(paper).set_index(["yardstick", "cuts"])
    assert np.allclose(parts["targets"] + parts["rest"], parts["reported"])
    row = parts.loc[("base", "1-7")]
    assert row["reported"] == pytest.approx(1.38, abs=0.005)
    assert row["targets"] == pytest.approx(1.38, abs=0.005)
    assert row["rest"] == pytest.approx(0.0, abs=0.005)
    assert (row["networks"], row["networks_against"]) == (10, 10)


def test_the_other_yardstick_leaves_a_little_more(paper):
    rest = decomposition(paper).set_index(["yardstick", "cuts"])["rest"]
    assert rest[("frozen", "1-7")] == pytest.approx(0.31, abs=0.005)
    assert (rest < 0.4).all()


def test_the_last_top1_says_the_same_as_the_best_ten():
    final = decomposition(paper_table(top1="final")).set_index(["yardstick", "cuts"])
    assert final.loc[("base", "1-7"), "rest"] == pytest.approx(0.02, abs=0.005)
    assert final.loc[("base", "1-7"), "reported"] == pytest.approx(1.38, abs=0.005)


def test_both_yardsticks_agree_on_which_half_is_easy(paper):
    found = levels(paper).set_index("half")
    assert found["base"].idxmax() == found["frozen"].idxmax() == "half 0B"
    assert found["base"].idxmin() == found["frozen"].idxmin() == "half 0A"
    assert found["base"].corr(found["frozen"]) == pytest.approx(0.91, abs=0.01)
    assert (found["networks"] == 7).all()


def test_no_single_network_carries_the_finding(paper):
    found = left_out(paper)
    assert (found["kind"] == "network").sum() == 20
    assert (found["kind"] == "half").sum() == 4
    assert np.allclose(found["targets"] + found["rest"], found["reported"])
    assert found["rest"].abs().max() < 0.1
    assert found["reported"].min() > 0.6
    assert not found["left_out"].duplicated().any()


def test_other_halves_would_rarely_have_set_them_as_far_apart(paper):
    share, ways = chance_of_targets(paper)
    assert ways == 8 * 7 * 6 * 5
    assert share == pytest.approx(22 / 1680)


def test_on_a_balanced_table_the_targets_differ_by_nothing(made):
    table = made(seeds=2, noise=0)
    parts = decomposition(table).set_index(["yardstick", "cuts"])
    assert np.allclose(parts["targets"], 0)
    assert np.allclose(parts["rest"], 1)  # AnB+ gains 2 points and BnB+ 1
    assert len(shared_targets(table, "AnB+", "BnB+")) == 4


def test_crossed_targets_are_found_out_by_both_yardsticks(made):
    """Half B is easier by 5 points: AnB+ only there and BnB+ only on A would report 5 points more than there are."""
    table = made(seeds=2, noise=0)
    crossed = table.query("not (treatment == 'AnB+' and target == 'A') and not (treatment == 'BnB+' and target == 'B')")
    parts = decomposition(crossed, sets_of_cuts=((1, 7),)).set_index("yardstick")
    assert np.allclose(parts["reported"], 6)
    assert np.allclose(parts["rest"], 1)


def test_a_lucky_base_moves_one_yardstick_and_not_the_other(made):
    table = made(seeds=1, noise=0)
    lucky = (table["treatment"] == "base") & (table["target"] == "B")
    table.loc[lucky, "top1"] += 0.02
    crossed = table.query("not (treatment == 'AnB+' and target == 'A') and not (treatment == 'BnB+' and target == 'B')")
    rest = decomposition(crossed, sets_of_cuts=((1, 7),)).set_index("yardstick")["rest"]
    assert rest["base"] == pytest.approx(-1)
    assert rest["frozen"] == pytest.approx(1)


def test_halves_without_frozen_transplants_have_no_second_level(made):
    found = levels(made(seeds=1).query("treatment != 'AnB'"))
    assert found["frozen"].isna().all()
    assert found["base"].notna().all()


def test_a_half_is_called_as_in_the_paper():
    assert half_name("random3", "B") == "half 3B"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda t: own_gains(t, ("twice",)), "no twice network at n = 1-7"),
        (lambda t: own_gains(t, ("CnC",)), "unknown treatment 'CnC'"),
        (lambda t: decomposition(t, yardsticks=("mean",)), "unknown yardstick 'mean'"),
        (lambda t: levels(t.query("treatment != 'base'")), "no base network"),
        (lambda t: shared_targets(t.query("treatment == 'base'"), "AnB+", "BnB+"), "no AnB\\+ network"),
    ],
)
def test_bad_input_is_named(paper, call, words):
    with pytest.raises(InputError, match=words):
        call(paper)
