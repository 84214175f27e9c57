"""The known numbers of the published networks come out of our own functions."""

import pytest

from fctransfer_utils.analysis.claims import claims_of_transfer
from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.analysis.tables import checked
from fctransfer_utils.analysis.transfer import boosts, coadaptation, curves, gain_over_own_base, specificity
from fctransfer_utils.errors import InputError

# points over the base of the same target, and networks, at n = 1..7
DELTAS = {
    "BnB": [(0.35, 4), (0.03, 4), (-0.21, 4), (-1.85, 4), (-2.97, 4), (-0.45, 4), (0.00, 4)],
    "AnB": [(0.31, 8), (-0.12, 8), (-0.62, 8), (-2.53, 8), (-4.71, 8), (-4.45, 8), (-8.26, 8)],
    "BnB+": [(0.26, 1), (0.64, 1), (1.21, 2), (1.36, 1), (1.10, 2), (0.85, 2), (1.15, 1)],
    "AnB+": [(0.32, 1), (0.63, 2), (1.30, 2), (1.03, 2), (1.05, 1), (1.20, 1), (1.24, 1)],
}


@pytest.mark.parametrize("treatment", DELTAS)
def test_points_over_the_own_base_at_every_n(paper, treatment):
    found = curves(paper, "delta_points").set_index(["treatment", "n"])
    for n, (mean, count) in enumerate(DELTAS[treatment], start=1):
        row = found.loc[(treatment, n)]
        assert row["mean"] == pytest.approx(mean, abs=0.0051)
        assert row["count"] == count


def test_the_mean_of_the_eight_bases(paper):
    bases = curves(paper).set_index("treatment").loc["base"]
    assert bases["mean"] == pytest.approx(0.6251, abs=5e-5)
    assert bases["count"] == 8


@pytest.mark.parametrize(("comparison", "points"), [("AnB+ - base", (1.6, 1.8, 2.1)), ("AnB+ - BnB+", (1.4, 1.4, 1.7))])
def test_table_1_as_the_paper_has_it(paper, comparison, points):
    rows = boosts(paper).query("comparison == @comparison and way == 'unpaired'").set_index("cuts")["mean"]
    assert [round(rows[cuts], 1) for cuts in ("1-7", "3-7", "5-7")] == list(points)


def test_both_fine_tuned_treatments_gain_the_same_over_their_own_bases(paper):
    for treatment in ("AnB+", "BnB+"):
        found = gain_over_own_base(paper, treatment)
        assert found.mean == pytest.approx(0.97, abs=0.005)
        assert found.count == 10
        assert not found.has_interval


def test_the_paper_never_compares_its_fine_tuned_treatments_on_one_target(paper):
    rows = boosts(paper).query("comparison == 'AnB+ - BnB+'").set_index(["way", "cuts"])
    assert rows.loc[("paired", "1-7"), "count"] == 0
    assert "no target has both" in rows.loc[("paired", "1-7"), "note"].lower()
    note = rows.loc[("unpaired", "1-7"), "note"]
    assert "AnB+ on target B (random0, seed 0) and target B (random1, seed 0)" in note
    assert "BnB+ on target A (random0, seed 0) and target A (random1, seed 0)" in note


def test_coadaptation_and_specificity_are_separate_estimates(paper):
    dip, drop = coadaptation(paper).set_index("n"), specificity(paper).set_index("n")
    assert dip.loc[5, "mean"] == pytest.approx(-2.97, abs=0.005)
    assert abs(dip.loc[7, "mean"]) < 0.01
    assert drop.loc[7, "mean"] == pytest.approx(-8.24, abs=0.005)
    assert list(dip["count"]) == list(drop["count"]) == [4] * 7  # BnB exists on the A halves only
    assert dip.loc[5, "p"] == pytest.approx(2 / 2**4)


def test_the_rules_give_the_verdicts_that_the_published_networks_allow(paper):
    verdicts = {claim.id: claim.verdict for claim in claims_of_transfer(paper)}
    assert verdicts == {
        "first-layers-general": "reproduced",
        "coadaptation-dip": "reproduced",
        "dip-in-the-middle": "reproduced",
        "specificity-grows": "reproduced",
        "frozen-top-costs": "reproduced",
        "fine-tuned-boost": "inconclusive",
        "boost-beyond-selffer": "inconclusive",
        "boost-beyond-twice": "inconclusive",
    }


def test_the_other_experiments_come_with_the_same_columns():
    natural = paper_table(experiment="natural_manmade")
    drop = curves(natural, "delta_points").set_index("n").loc[7, "mean"]
    assert drop == pytest.approx(-25, abs=0.2)
    random = curves(paper_table(experiment="random_filters"), "delta_points").set_index("n")["mean"]
    assert random[1] == pytest.approx(-8.5, abs=0.05)
    assert random[2] == pytest.approx(-17.4, abs=0.05)
    assert len(checked(paper_table(experiment="all"))) == 148


def test_the_final_and_the_best_ten_are_both_there(paper):
    final = paper_table(top1="final")
    assert (final["top1"] <= paper["top1"] + 0.001).mean() > 0.95
    assert not final["top1"].equals(paper["top1"])


@pytest.mark.parametrize(
    "wrong", [{"top1": "best"}, {"experiment": "random"}, {"path": "nowhere.csv"}], ids=lambda w: next(iter(w))
)
def test_bad_input_is_named(wrong):
    with pytest.raises(InputError, match=next(iter(wrong.values()))):
        paper_table(**wrong)
