"""The claims about kept layers come out as a made study was made."""

import pytest

from fctransfer_utils.analysis.claims_keep import RULES, claims_of_keep
from fctransfer_utils.analysis.keep import keep_rows
from tests.made_keep import FAR, NEAR, keep_table, made_distances


def verdicts(table, distances=None):
    claims = claims_of_keep(keep_rows(table), made_distances() if distances is None else distances)
    return {claim.id: claim for claim in claims}


def test_every_claim_is_judged_as_the_table_was_made():
    found = verdicts(keep_table())
    assert {id: claim.verdict for id, claim in found.items()} == {
        "old-hidden-beat-new-dense": "reproduced",
        "far-few-frozen-fc": "not reproduced",
        "far-cut-lower": "reproduced",
        "replace-last-hidden-far": "reproduced",
        "new-hidden-need-labels": "reproduced",
        "freeze-when-few": "reproduced",
        "fine-tune-when-many": "reproduced",
        "kept-beats-scratch": "reproduced",
    }
    assert list(found) == [rule.id for rule in RULES]


def test_effects_have_the_size_that_was_put_in():
    found = verdicts(keep_table())
    assert found["far-cut-lower"].ours.mean == pytest.approx(-25, abs=0.5)  # +10 near, -15 far, one unit apart
    assert found["far-cut-lower"].ours.count == 3
    assert found["freeze-when-few"].ours.mean == pytest.approx(4, abs=0.2)
    assert found["new-hidden-need-labels"].ours.mean == pytest.approx((9 + 9) / 2 / 2, abs=0.2)  # two doublings
    assert found["old-hidden-beat-new-dense"].ours.mean == pytest.approx((18 - 5) / 2, abs=0.3)


def test_one_seed_decides_nothing_about_distance():
    found = verdicts(keep_table(seeds=1))
    for name in ("far-cut-lower", "replace-last-hidden-far"):
        assert found[name].verdict == "inconclusive"
        assert "one seed cannot decide" in found[name].note


def test_one_target_or_one_number_of_labels_leaves_slopes_open():
    found = verdicts(keep_table(targets=(NEAR,)))
    assert found["far-cut-lower"].ours is None
    assert found["far-cut-lower"].note == "Cannot be judged: nothing to compare."
    assert found["freeze-when-few"].verdict == "reproduced"
    assert verdicts(keep_table(labels=(5,)))["new-hidden-need-labels"].ours is None


def test_a_target_without_a_measured_distance_is_no_point_of_a_slope():
    distances = made_distances()
    assert verdicts(keep_table(), distances[distances["target_set"] == FAR])["far-cut-lower"].ours is None
