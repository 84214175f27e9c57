"""The claims about the firewall come out as made measures were made."""

import pandas as pd
import pytest

from fctransfer_utils.analysis.claims_firewall import (
    MEASURES,
    RULES,
    claims_of_firewall,
    effect_of,
    explanations,
    interval,
    rules_table,
)
from tests.made_firewall import LOCALISED, RETRIEVED, made_measures


def by_id(claims):
    return {claim.id: claim for claim in claims}


def verdicts(claims):
    return {claim.id: claim.verdict for claim in claims}


def test_every_claim_is_reproduced_where_it_was_put_in():
    found = verdicts(claims_of_firewall(made_measures()))
    assert found == {rule.id: "reproduced" for rule in RULES}


def test_the_rules_can_be_read_before_any_number():
    table = rules_table()
    assert len(table) == len(RULES)
    assert set(table["expected"]) == {"above 0", "below 0"}
    assert table["claim"].is_unique


def test_every_claim_fails_where_the_opposite_was_put_in():
    found = verdicts(claims_of_firewall(made_measures(sign=-1.0)))
    # what moves more gains on the same targets still, so the correlation turns as well
    assert found == {rule.id: "not reproduced" for rule in RULES}


def test_effects_have_the_size_that_was_put_in():
    found = by_id(claims_of_firewall(made_measures()))
    assert found["fc-localises"].ours.mean == pytest.approx(LOCALISED, abs=1)
    assert found["fc-retrieves"].ours.mean == pytest.approx(RETRIEVED, abs=1)
    assert found["trunk-moves-less"].ours.mean == pytest.approx(-5)
    assert found["response-spreads-entropy"].ours.mean == pytest.approx(0.06, abs=0.01)
    assert found["response-spreads-top10"].ours.mean == pytest.approx(-10, abs=1)
    assert found["sum-punishes-gap"].ours.mean == pytest.approx(6, abs=1)
    assert {claim.ours.count for claim in found.values()} == {3}


def test_one_seed_decides_nothing():
    claims = claims_of_firewall(made_measures(seeds=1))
    assert {claim.verdict for claim in claims} == {"inconclusive"}
    assert all("one seed cannot decide" in claim.note for claim in claims)


def test_an_absent_table_leaves_its_claims_open():
    tables = made_measures()
    for name in MEASURES:
        claims = claims_of_firewall({key: value for key, value in tables.items() if key != name})
        open_ones = {claim.id for claim in claims if claim.ours is None}
        assert open_ones == {rule.id for rule in RULES if rule.table == name}
        assert all(claim.verdict == "inconclusive" for claim in claims if claim.ours is None)


def test_an_absent_arm_leaves_every_claim_open():
    claims = claims_of_firewall(made_measures(arms="A"))
    judged = {claim.id for claim in claims if claim.ours is not None}
    assert judged == {"sum-punishes-gap"}  # it asks about arm A alone


def test_the_arm_with_most_of_the_gain_explains_it():
    found = verdicts(explanations(made_measures()))
    assert found == {
        "localisation-explained-by-C": "reproduced",  # 90 % of the gain
        "localisation-explained-by-D": "not reproduced",
        "localisation-explained-by-E": "not reproduced",
        "retrieval-explained-by-C": "reproduced",
        "retrieval-explained-by-D": "not reproduced",
        "retrieval-explained-by-E": "not reproduced",
    }


def test_where_b_gains_nothing_there_is_nothing_to_explain():
    claims = explanations(made_measures(sign=-1.0))
    assert {claim.verdict for claim in claims} == {"inconclusive"}
    assert all("nothing to explain" in claim.note for claim in claims)


def test_arms_are_paired_within_their_seed():
    table = pd.DataFrame(
        {
            "split": "random0",
            "seed": [0, 0, 1, 1, 2],
            "arm": ["A", "B", "A", "B", "A"],
            "map": [0.1, 0.2, 0.7, 0.9, 0.5],
        }
    )
    effect = effect_of(table, "map")
    assert effect.tolist() == pytest.approx([0.1, 0.2])  # seed 2 has no B
    assert interval(effect, unit="").count == 2
    assert interval(effect.iloc[:0]) is None
