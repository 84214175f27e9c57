"""Claims while a study is still growing."""

import pytest

from fctransfer_utils.analysis.claims import claims_of_transfer


@pytest.mark.parametrize("cuts", [(1, 4, 7), (4, 5), (1,)])
def test_a_study_without_all_cuts_gives_claims_that_cannot_be_judged(made, cuts):
    table = made(seeds=3)
    table = table[table["n"].isin([0, *cuts, 8])]
    found = {claim.id: claim for claim in claims_of_transfer(table)}
    assert found
    unjudged = [claim for claim in found.values() if claim.ours is None]
    assert unjudged
    assert {claim.verdict for claim in unjudged} == {"inconclusive"}
