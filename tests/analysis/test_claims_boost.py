import math

import numpy as np
import pytest

from fctransfer_utils.analysis.claims import rule
from fctransfer_utils.analysis.claims_boost import (
    boost_tests,
    boosts_by_n,
    both_estimates,
    claims_of_boost,
    cuts_of_design,
)
from fctransfer_utils.analysis.estimates import mean_interval
from fctransfer_utils.analysis.power import by_replicate, differences


def test_a_true_boost_is_found_and_each_part_of_it(made):
    verdicts = {claim.id: claim.verdict for claim in claims_of_boost(made(seeds=5, twice=1.0))}
    assert verdicts == {
        "fine-tuned-boost": "reproduced",
        "boost-beyond-selffer": "reproduced",
        "boost-beyond-twice": "reproduced",
        "selffer-no-boost": "inconclusive",  # the made BnB+ gains 1 point, the margin
    }


def test_a_boost_of_training_twice_is_not_called_transfer(made):
    table = made(seeds=5, twice=2.5)
    lift = table["treatment"] == "BnB+"
    table.loc[lift, "top1"] += 0.02
    verdicts = {claim.id: claim.verdict for claim in claims_of_boost(table)}
    assert verdicts["fine-tuned-boost"] == "reproduced"
    assert verdicts["boost-beyond-selffer"] == "not reproduced"
    assert verdicts["boost-beyond-twice"] == "not reproduced"
    assert verdicts["selffer-no-boost"] == "not reproduced"


def test_the_rules_are_those_of_the_transfer_claims_on_other_cuts(made):
    table = made(seeds=3).query("n in (0, 3, 7, 8)")
    found = {claim.id: claim for claim in claims_of_boost(table)}
    claim = found["boost-beyond-selffer"]
    assert claim.statement == rule("boost-beyond-selffer").statement.replace("n = 1-7", "n = 3, 7")
    assert claim.ours.count == 6
    assert claim.where == "08_reading_the_logs"
    whole = claims_of_boost(made(seeds=3))
    assert [claim.statement for claim in whole[:3]] == [
        rule(id).statement for id in ("fine-tuned-boost", "boost-beyond-selffer", "boost-beyond-twice")
    ]


def test_one_seed_decides_nothing(made):
    assert {claim.verdict for claim in claims_of_boost(made(seeds=1, noise=0))} == {"inconclusive"}


def test_the_published_networks_cannot_be_judged(paper):
    found = {claim.id: claim for claim in claims_of_boost(paper, cuts=range(1, 8))}
    assert found["boost-beyond-selffer"].ours is None
    assert "Cannot be judged" in found["boost-beyond-selffer"].note
    assert "AnB+" in found["boost-beyond-selffer"].note


def test_cuts_are_those_with_most_pairs(made):
    whole = made(seeds=3)
    assert cuts_of_design(whole) == (1, 2, 3, 4, 5, 6, 7)
    first = whole["seed"] == 0
    assert cuts_of_design(whole[first | whole["n"].isin([0, 1, 3, 5, 7, 8])]) == (1, 3, 5, 7)
    growing = whole[~((whole["seed"] == 2) & (whole["target"] == "B") & whole["n"].between(2, 6))]
    assert cuts_of_design(growing) == (1, 2, 3, 4, 5, 6, 7)


def test_two_seeds_at_few_cuts_come_before_one_seed_at_all(made):
    whole = made(seeds=2)
    assert cuts_of_design(whole[(whole["seed"] == 0) | whole["n"].isin([0, 7, 8])]) == (7,)


def test_crossed_targets_leave_the_cuts_there_are(paper, made):
    assert cuts_of_design(paper) == (1, 2, 3, 4, 5, 6, 7)
    assert cuts_of_design(made(seeds=1).query("treatment == 'base'")) == ()


def test_claims_of_a_table_without_fine_tuned_networks_say_what_is_missing(made):
    for claim in claims_of_boost(made(seeds=2).query("treatment in ('base', 'BnB')")):
        assert claim.ours is None
        assert "absent" in claim.note


def test_tests_give_both_intervals(made):
    table = made(seeds=5, noise=0.4)
    found = boost_tests(table).set_index("comparison")
    points = differences(table, "AnB+", "BnB+", range(1, 8))
    over_seeds = mean_interval(by_replicate(points))
    row = found.loc["AnB+ - BnB+"]
    assert (row["pairs"], row["seeds"]) == (10, 5)
    assert row["low"] == pytest.approx(mean_interval(points).low)
    assert row["low_seeds"] == pytest.approx(over_seeds.low)
    assert row["mean"] == pytest.approx(over_seeds.mean)
    one, other = both_estimates(points)
    assert (one.count, other.count) == (10, 5)


def test_holm_corrects_for_the_comparisons(made):
    found = boost_tests(made(seeds=3, noise=0.1))
    assert np.allclose(found["p"], 2 / 2**6)
    assert np.allclose(found["p_holm"], 3 * 2 / 2**6)


def test_one_seed_has_neither_interval_nor_p(made):
    found = boost_tests(made(seeds=1))
    assert found[["low", "high", "low_seeds", "high_seeds", "p", "p_holm"]].isna().all().all()
    assert found["mean"].notna().all()


def test_an_absent_comparison_has_no_pair(made):
    row = boost_tests(made(seeds=2).query("treatment != 'twice'")).set_index("comparison").loc["AnB+ - twice"]
    assert row["pairs"] == 0
    assert math.isnan(row["mean"])


def test_by_n_is_corrected_over_everything_tested(made):
    frames = boosts_by_n(made(seeds=3, noise=0.1), cuts=(3, 7))
    assert [frame["effect"].iloc[0] for frame in frames] == ["AnB+ - BnB+", "AnB+ - twice", "BnB+ - base"]
    p = [value for frame in frames for value in frame["p_holm"]]
    assert len(p) == 6
    assert np.allclose(p, 6 * 2 / 2**6)
