import math

import pytest
from made_studies import BASES, CHANCE, made_studies

from fctransfer_utils.analysis.claims_distant import LEFT, claims_of_distant
from fctransfer_utils.analysis.distant import gap_by_n, published_tables, tables_of
from fctransfer_utils.errors import InputError


def verdicts(tables, chance=CHANCE):
    return {claim.id: claim.verdict for claim in claims_of_distant(tables, chance=chance)}


def test_a_table_with_the_papers_effects_reproduces_its_claims_and_he_filters_only_some():
    found = verdicts(tables_of(*made_studies(seeds=5)))
    assert found.pop("untrained-at-chance-he") == "not reproduced"
    assert set(found.values()) == {"reproduced"}
    assert len(found) == 9


def test_distant_halves_that_lose_no_more_than_random_ones_do_not_reproduce():
    halves, _, filters = made_studies(seeds=5)
    same = halves.assign(split="letters-symbols")
    found = verdicts(tables_of(halves, same, filters))
    assert found["distant-loses-more"] == "inconclusive"
    better = same.assign(top1=same["top1"].where(same["treatment"] != "AnB", same["top1"] + 0.2))
    found = verdicts(tables_of(halves, better, filters))
    assert found["distant-loses-more"] == "not reproduced"


def test_one_seed_decides_nothing_but_is_told():
    found = {c.id: c for c in claims_of_distant(tables_of(*made_studies(seeds=1, noise=0)), chance=CHANCE)}
    assert {claim.verdict for claim in found.values()} == {"inconclusive"}
    assert found["distant-loses-more"].ours.mean == pytest.approx(-14)
    assert "one split and seed" in str(found["distant-loses-more"].ours)
    assert "the value agrees" in found["distant-loses-more"].note


def test_near_chance_is_less_than_a_tenth_of_what_base_has_over_chance():
    halves, distant, filters = made_studies(seeds=3, noise=0)
    high = filters["treatment"].str.startswith("random-g") & (filters["n"] > 2)
    base = filters["target"].map(BASES)
    for share, verdict in ((LEFT - 0.02, "reproduced"), (LEFT + 0.02, "not reproduced")):
        left = filters.assign(top1=filters["top1"].where(~high, CHANCE + share * (base - CHANCE)))
        assert verdicts(tables_of(halves, distant, left))["untrained-at-chance-gaussian"] == verdict


def test_a_claim_without_its_networks_names_them():
    halves, distant, filters = made_studies(seeds=2)
    tables = tables_of(halves, distant[distant["treatment"] != "BnB"], filters[filters["treatment"] != "random"])
    found = {claim.id: claim for claim in claims_of_distant(tables, chance=CHANCE)}
    assert "BnB is absent (distant halves)" in found["distant-specificity"].note
    assert "random is absent (untrained filters)" in found["distant-beats-untrained-he"].note
    assert found["distant-beats-untrained-he"].ours is None
    assert found["distant-beats-untrained-gaussian"].ours is not None


def test_fewer_cuts_are_judged_and_named():
    tables = tables_of(*(table[table["n"].isin((0, 1, 4, 7))] for table in made_studies(seeds=3)))
    found = {claim.id: claim for claim in claims_of_distant(tables, chance=CHANCE)}
    assert found["distant-loses-more"].note.endswith("Judged at n = 7 only.")
    assert found["untrained-at-chance-gaussian"].note.endswith("Judged at n = 4, 7 only.")
    assert "only" not in found["distant-top-costs"].note


@pytest.mark.parametrize("cuts", [(0,), (0, 1), (0, 7), (0, 1, 2, 6)])
def test_a_table_that_grows_is_judged_at_every_size(cuts):
    tables = tables_of(*(table[table["n"].isin(cuts)] for table in made_studies(seeds=1)))
    found = claims_of_distant(tables, chance=CHANCE)
    assert len(found) == 10
    assert {claim.verdict for claim in found} == {"inconclusive"}
    assert all(claim.ours is not None or claim.note.startswith("Cannot be judged") for claim in found)


def test_the_papers_numbers_are_those_of_its_logs():
    tables = published_tables()
    for claim in claims_of_distant(tables, chance=1 / 1000):
        if claim.paper.startswith("not measured"):
            assert claim.ours is None
        elif "n = 1," in claim.paper:
            losses = gap_by_n(tables.filters, [1, 2], treatment="random-gaussian")["mean"].tolist()
            assert claim.paper == f"{losses[0]:.1f} points at n = 1, {losses[1]:.1f} at n = 2"
        else:
            assert claim.paper.startswith(f"{claim.ours.mean:+.1f} points")


@pytest.mark.parametrize("chance", [0, 1, 4, math.nan])
def test_chance_is_a_fraction(chance):
    with pytest.raises(InputError, match="1 divided by the number of classes"):
        claims_of_distant(tables_of(*made_studies(seeds=1)), chance=chance)
