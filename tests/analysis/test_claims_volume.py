import numpy as np
import pytest
from made_volume import ALL, volume_table

from fctransfer_utils.analysis.claims import claims_table
from fctransfer_utils.analysis.claims_volume import ADVICE, claims_of_volume, rules_for
from fctransfer_utils.analysis.published import paper_table
from fctransfer_utils.analysis.volume import volume_rows


def claims_of(table):
    return {claim.id: claim for claim in claims_of_volume(volume_rows(table, all_images=ALL))}


def test_a_table_that_was_made_so_reproduces_every_claim():
    table = volume_table(seeds=5)
    deep = (table["treatment"] == "AnB") & (table["n"] == 5)
    table.loc[deep & (table["images_per_class"] == 0), "top1"] -= 0.1
    found = claims_of(table)
    assert {name: claim.verdict for name, claim in found.items()} == dict.fromkeys(found, "reproduced")
    assert len(found) == 8


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("less-data-costs", 10),
        ("every-step-costs", 20),
        ("gain-grows-with-less-data", 3.5),
        ("transfer-when-few", 28.5),
        ("freeze-when-few", 5.5),
        ("fine-tune-when-many", 6.5),
        ("cut-lower-with-more-data", 1),
        ("boost-with-all", 2),
    ],
)
def test_each_effect_is_the_true_one(name, points):
    assert claims_of(volume_table(noise=0))[name].ours.mean == pytest.approx(points)


def test_the_other_way_round_it_is_not_reproduced():
    table = volume_table(seeds=4)
    swap = {"AnB": "AnB+", "AnB+": "AnB"}
    found = claims_of(table.assign(treatment=table["treatment"].replace(swap)).query("n != 7"))
    assert found["freeze-when-few"].verdict == "not reproduced"
    assert found["fine-tune-when-many"].verdict == "not reproduced"


def test_one_seed_decides_nothing():
    found = claims_of(volume_table(seeds=1))
    assert {claim.verdict for claim in found.values()} == {"inconclusive"}
    assert all("one split and seed cannot decide" in claim.note for claim in found.values())


def test_what_cannot_be_judged_says_what_is_absent():
    table = volume_table()
    found = claims_of(table[table["treatment"] != "AnB"])
    claim = found["freeze-when-few"]
    assert claim.ours is None
    assert claim.verdict == "inconclusive"
    assert "freeze (AnB) is absent" in claim.note
    assert found["less-data-costs"].verdict == "reproduced"


@pytest.mark.parametrize("images", [(0,), (4,)])
def test_one_number_of_images_says_nothing_about_data(images):
    found = claims_of(volume_table(images=images))
    assert all(claim.ours is None for claim in found.values())


def test_one_cut_cannot_say_which_cut_is_better():
    found = claims_of(volume_table().query("n in (0, 3)"))
    assert found["cut-lower-with-more-data"].ours is None
    assert found["freeze-when-few"].ours is not None


def test_a_target_that_lacks_a_number_of_images_is_left_out_of_slopes():
    table = volume_table(seeds=3)
    gap = (table["seed"] == 2) & (table["images_per_class"] == 4) & (table["treatment"] == "AnB+")
    found = claims_of(table[~gap])
    assert found["gain-grows-with-less-data"].ours.count == 2
    assert found["fine-tune-when-many"].ours.count == 3


def test_the_papers_numbers_are_those_of_the_published_networks():
    published = paper_table(experiment="reduced_data")
    learnt = published[published["images_per_class"] >= 250]
    slope = np.polyfit(np.log2(learnt["images_per_class"]), 100 * learnt["top1"], 1)[0]
    rules = {rule.id: rule.paper for rule in rules_for((3, 5))}
    assert f"+{slope:.1f} points per halving" in rules["less-data-costs"]
    assert f"+{100 * learnt['top1'].diff().min():.1f} points" in rules["every-step-costs"]


def test_advice_that_the_paper_does_not_give_is_marked_so():
    sources = claims_table(claims_of_volume(volume_rows(volume_table(), all_images=ALL)))["source"]
    assert (sources == ADVICE).sum() == 5
