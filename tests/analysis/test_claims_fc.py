"""The verdicts on Zhang et al.'s claims follow the rules of the plan."""

import math

import pytest

from fctransfer_utils.analysis import claims_fc
from fctransfer_utils.analysis.estimates import Estimate
from fctransfer_utils.analysis.fc import chosen, fc_rows
from tests.made_fc import fc_table


def judged(**made):
    return {one.claim.id: one for one in claims_fc.judged_of_fc(chosen(fc_rows(fc_table(**made))))}


def verdicts(**made):
    return {id: one.claim.verdict for id, one in judged(**made).items()}


def of(mean, reach, count=6):
    return Estimate(mean, mean - reach, mean + reach, count)


def test_a_table_made_as_the_paper_says_supports_it():
    found = judged()
    for protocol in ("P1", "P2", "P3"):
        near, far = found[f"near-no-fc-{protocol}"], found[f"far-fc-{protocol}"]
        assert near.claim.verdict == far.claim.verdict == "reproduced"
        assert near.parts["D(near)"].mean == pytest.approx(-1, abs=0.2)
        assert far.parts["D(far)"].mean == pytest.approx(3, abs=0.2)
        assert far.parts["DiD"].mean == pytest.approx(4, abs=0.3)
        assert far.claim.note.endswith("supports.")
    assert found["far-few-frozen-fc-best"].claim.verdict == "not reproduced"  # frozen B lies below A fine-tuned


def test_a_table_without_any_gain_refutes_it():
    found = verdicts(gain={"near": 0.0, "far": 0.0})
    assert {found[f"far-fc-{protocol}"] for protocol in ("P1", "P2", "P3")} == {"not reproduced"}


def test_a_gain_that_is_as_large_near_by_is_no_matter_of_distance():
    found = judged(gain={"near": 3.0})
    assert found["far-fc-P3"].parts["D(far)"].low > 0.5
    assert found["far-fc-P3"].claim.verdict == "not reproduced"  # DiD is 0
    assert found["near-no-fc-P3"].claim.verdict == "not reproduced"


def test_a_large_gain_of_the_frozen_head_makes_it_the_best_with_few_labels():
    assert verdicts(gain={"far": 12.0})["far-few-frozen-fc-best"] == "reproduced"


@pytest.mark.parametrize(
    ("far", "did", "verdict"),
    [
        (of(2, 1), of(2, 1), "reproduced"),
        (of(0.4, 0.3), of(2, 1), "inconclusive"),  # above 0, but less than half a point
        (of(2, 1), of(2, 2.5), "inconclusive"),
        (of(0.1, 0.3), of(2, 1), "not reproduced"),  # at most 0.4
        (of(2, 1), of(-1, 1.2), "not reproduced"),
        (of(0.0, 3), of(0.0, 3), "inconclusive"),
        (Estimate(5, math.nan, math.nan, 1), Estimate(5, math.nan, math.nan, 1), "inconclusive"),
    ],
)
def test_rule_2_looks_at_both_intervals_and_at_half_a_point(far, did, verdict):
    assert claims_fc.far_verdict(far, did) == verdict


@pytest.mark.parametrize(
    ("near", "verdict"), [(of(-1, 0.5), "reproduced"), (of(1, 0.5), "not reproduced"), (of(0, 1), "inconclusive")]
)
def test_rule_1_looks_at_the_side_of_the_interval(near, verdict):
    assert claims_fc.near_verdict(near) == verdict


@pytest.mark.parametrize(
    ("tuned", "frozen", "verdict"),
    [
        (of(2, 1), of(2, 1), "reproduced"),
        (of(-2, 1), of(2, 1), "not reproduced"),
        (of(0.5, 1), of(2, 1), "inconclusive"),
    ],
)
def test_rule_3_wants_both_lower_bounds_above_nothing(tuned, frozen, verdict):
    assert claims_fc.few_verdict(tuned, frozen) == verdict


def test_one_seed_decides_nothing():
    found = judged(seeds=1)
    assert {one.claim.verdict for one in found.values()} == {"inconclusive"}
    assert all(one.claim.note.endswith("one seed cannot decide.") for one in found.values())


def test_what_lacks_a_group_cannot_be_judged():
    near_only = judged(targets=("glyphs[50x110] random0:B",))
    assert near_only["far-fc-P1"].claim.ours is None
    assert near_only["far-fc-P1"].claim.note == "Cannot be judged, no pair of networks for D(far), DiD."
    assert near_only["near-no-fc-P1"].claim.verdict == "reproduced"


def test_the_family_tells_holm_beside_and_sign_flips_from_six_seeds_on():
    few, many = (claims_fc.family(tuple(judged(seeds=seeds).values())) for seeds in (3, 6))
    assert few["flip"].isna().all()
    assert many["flip"].tolist() == pytest.approx([2 / 2**6] * 7)
    assert (few["holm"] >= few["p"]).all()
    assert few["holm"].max() == pytest.approx(few["p"].max())
    assert set(few["word"]) == {"supports", "refutes at this scale"}


def test_a_claim_of_two_parts_has_the_larger_p():
    found = judged(gain={"far": 3.0, "near": 2.9})["far-fc-P2"]
    alone = judged(gain={"far": 3.0, "near": -1.0})["far-fc-P2"]
    assert found.p > 0.01 > alone.p
