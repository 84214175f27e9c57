import pytest
from made_dip import DIP, LONG, NET, USUAL, dip_table

from fctransfer_utils.analysis.claims_dip import (
    LONG_DIP,
    LONG_UNDERFIT,
    NORM,
    REMEDIES,
    claims_of_dip,
    verdict_on_optimisation,
)

NO_DIP = {**DIP, (False, USUAL, "BnB"): (1.0, -0.1), (False, LONG, "BnB"): (1.5, -0.1)}
HEAD_START = {**NO_DIP, (False, LONG, "BnB"): (-2.0, -0.1)}
NOT_OPTIMISATION = {
    **DIP,
    (False, USUAL, "BnB"): (-3.0, -0.1),
    (False, LONG, "BnB"): (-4.0, -0.1),
    (False, USUAL, "warm"): (-3.5, -0.1),
    (False, USUAL, "stitch"): (-5.0, 0.1),
}


def verdicts(table) -> dict[str, str]:
    return {claim.id: claim.verdict for claim in claims_of_dip(table)}


def test_a_dip_that_is_optimisation_is_called_so():
    table = dip_table()
    assert set(verdicts(table).values()) == {"reproduced"}
    assert len(verdicts(table)) == 8
    assert "optimisation" in verdict_on_optimisation(claims_of_dip(table))
    dip = claims_of_dip(table)[0]
    assert dip.ours.mean == pytest.approx(-3, abs=0.2)
    assert "n = 4-5" in dip.statement


def test_the_training_loss_is_judged_in_nats():
    under = next(claim for claim in claims_of_dip(dip_table()) if claim.id == "dip-underfits")
    assert str(under.ours) == "+0.40 nats [0.40, 0.40], 4 pairs"


def test_without_a_dip_nothing_that_helps_is_called_reproduced():
    table = dip_table(effects=NO_DIP)
    found = verdicts(table)
    assert found["coadaptation-dip"] == "not reproduced"
    assert found["dip-underfits"] == "not reproduced"
    assert {found[id] for id in (*REMEDIES, NORM)} == {"inconclusive"}
    notes = {claim.id: claim.note for claim in claims_of_dip(table)}
    assert "no dip here, so nothing to remove" in notes["dip-closes-with-time"]
    sentence = verdict_on_optimisation(claims_of_dip(table))
    assert sentence.startswith("With the usual schedule there is no dip")
    assert sentence.endswith("there is none either.")


def test_a_dip_behind_a_head_start_shows_with_the_longest_schedule():
    table = dip_table(effects=HEAD_START)
    found = verdicts(table)
    assert (found["coadaptation-dip"], found[LONG_DIP]) == ("not reproduced", "reproduced")
    assert (found[LONG_UNDERFIT], found[REMEDIES[0]]) == ("not reproduced", "inconclusive")
    sentence = verdict_on_optimisation(claims_of_dip(table))
    assert "BnB lies below base" in sentence
    assert "not what the paper supposes" in sentence
    worse = dip_table(effects={**HEAD_START, (False, LONG, "BnB"): (-2.0, 0.3)})
    assert "as in an optimisation problem" in verdict_on_optimisation(claims_of_dip(worse))


def test_a_dip_for_another_reason_is_not_called_optimisation():
    table = dip_table(effects=NOT_OPTIMISATION)
    found = verdicts(table)
    assert found["coadaptation-dip"] == "reproduced"
    assert {found[id] for id in (*REMEDIES, "dip-underfits")} == {"not reproduced"}
    assert "not what the paper supposes" in verdict_on_optimisation(claims_of_dip(table))


def test_mixed_signs_are_called_mixed():
    table = dip_table(effects={**DIP, (False, USUAL, "BnB"): (-3.0, -0.1)})
    assert "mixed" in verdict_on_optimisation(claims_of_dip(table))


def test_one_seed_decides_nothing():
    table = dip_table(seeds=1)
    assert set(verdicts(table).values()) == {"inconclusive"}
    assert "open" in verdict_on_optimisation(claims_of_dip(table))


def test_the_published_networks_dip_and_underfit_and_nothing_else_was_tried(paper):
    found = {claim.id: claim for claim in claims_of_dip(paper)}
    assert found["coadaptation-dip"].verdict == found["dip-underfits"].verdict == "reproduced"
    assert all(found[id].ours is None for id in (*REMEDIES, NORM))
    assert found["dip-closes-with-time"].note == "Cannot be judged: no network learnt for longer."
    assert found["batch-norm-removes"].note == "Cannot be judged: no network has batch norm."
    assert "stitch is absent" in found["stitching-restores"].note
    assert "was not tried" in verdict_on_optimisation(list(found.values()))


@pytest.mark.parametrize(
    ("query", "absent"),
    [
        ("treatment != 'warm'", "warm-start-restores"),
        ("treatment != 'stitch'", "stitching-restores"),
        ("epochs == @USUAL", "dip-closes-with-time"),
        ("net == @NET", "batch-norm-removes"),
    ],
)
def test_a_part_that_is_missing_leaves_the_others_judged(query, absent):
    names = {"USUAL": USUAL, "NET": NET}
    found = {c.id: c for c in claims_of_dip(dip_table().query(query, local_dict=names))}
    wanted = {absent} | ({LONG_DIP, LONG_UNDERFIT} if "epochs" in query else set())
    assert {id for id, claim in found.items() if claim.ours is None} == wanted
    assert all("Cannot be judged" in found[id].note for id in wanted)


def test_a_study_of_batch_norm_alone_is_judged_by_itself():
    found = {c.id: c for c in claims_of_dip(dip_table().query("net != @NET", local_dict={"NET": NET}))}
    assert found["coadaptation-dip"].ours.mean == pytest.approx(0.2, abs=0.2)
    assert found["batch-norm-removes"].ours is None


def test_a_growing_table_is_judged_at_every_size():
    whole = dip_table(seeds=2).sort_values(["seed", "epochs"]).reset_index(drop=True)
    for size in range(2, len(whole), 3):
        assert len(claims_of_dip(whole.iloc[:size])) == 8
