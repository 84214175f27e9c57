import math

import pytest

from fctransfer_utils.analysis.claims import (
    MARGIN,
    VERDICTS,
    Claim,
    claims_of_transfer,
    claims_table,
    rule,
    verdict_of,
)
from fctransfer_utils.analysis.estimates import Estimate
from fctransfer_utils.errors import InputError


@pytest.mark.parametrize(
    ("low", "high", "above", "below", "close"),
    [
        (0.2, 0.8, 0, 1, 0),
        (-0.5, 0.5, 2, 2, 0),
        (0.5, 1.5, 0, 1, 2),
        (1.2, 3.0, 0, 1, 1),
        (-3.0, -1.2, 1, 0, 1),
        (math.nan, math.nan, 2, 2, 2),
    ],
)
def test_the_verdict_is_read_off_the_interval(low, high, above, below, close):
    estimate = Estimate((low + high) / 2, low, high, 5)
    found = [verdict_of(estimate, side) for side in ("above", "below", "close")]
    assert found == [VERDICTS[i] for i in (above, below, close)]


def test_a_table_with_the_papers_effects_reproduces_every_claim(made):
    found = claims_of_transfer(made(seeds=5))
    assert {claim.id: claim.verdict for claim in found} == {claim.id: "reproduced" for claim in found}
    assert len(found) >= 8


def test_no_effect_beyond_training_twice_is_not_called_transfer(made):
    verdicts = {c.id: c.verdict for c in claims_of_transfer(made(seeds=5, twice=2.6))}
    assert verdicts["boost-beyond-twice"] == "not reproduced"
    assert verdicts["fine-tuned-boost"] == "reproduced"


@pytest.mark.parametrize("targets", ["B", "AB"])
def test_one_seed_decides_nothing_but_is_told(made, targets):
    found = claims_of_transfer(made(seeds=1, targets=targets, noise=0))
    assert {claim.verdict for claim in found} == {"inconclusive"}
    drop = next(claim for claim in found if claim.id == "frozen-top-costs")
    assert drop.ours.mean == pytest.approx(-9)
    assert "the value agrees" in drop.note


def test_a_claim_without_its_networks_says_what_is_missing(made):
    found = {claim.id: claim for claim in claims_of_transfer(made(seeds=3).query("treatment != 'twice'"))}
    assert found["boost-beyond-twice"].ours is None
    assert "twice is absent" in found["boost-beyond-twice"].note
    assert found["fine-tuned-boost"].verdict == "reproduced"


def test_the_margin_is_about_twice_the_spread_of_the_published_bases(paper):
    spread = 100 * paper.query("treatment == 'base'")["top1"].std()
    assert spread == pytest.approx(0.55, abs=0.02)
    assert pytest.approx(2 * spread, rel=0.15) == MARGIN


def test_claims_read_as_a_table(made):
    found = claims_table(claims_of_transfer(made(seeds=1)))
    assert list(found) == ["claim", "source", "paper", "ours", "verdict", "where", "note"]
    assert found.map(lambda cell: isinstance(cell, str)).all().all()


def test_unknown_words_are_refused():
    with pytest.raises(InputError, match="allowed: reproduced"):
        Claim("x", "", "", "", None, "maybe", "")
    with pytest.raises(InputError, match="unknown side 'over'"):
        verdict_of(None, "over")
    with pytest.raises(InputError, match="unknown claim 'boost'"):
        rule("boost")


def test_a_table_that_grows_is_judged_at_every_size(made):
    """A run in progress lacks whole cuts, and then whole treatments: every claim still gets a sentence."""
    whole = made(seeds=1, targets="B")
    for cuts in ((0, 8), (0, 1, 7, 8), (0, 1, 2, 4, 7, 8)):
        found = claims_of_transfer(whole[whole["n"].isin(cuts)])
        assert len(found) >= 8
        assert {claim.verdict for claim in found} == {"inconclusive"}
        assert all(claim.ours is not None or claim.note.startswith("Cannot be judged") for claim in found)
