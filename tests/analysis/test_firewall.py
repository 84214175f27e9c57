"""The measures beside the paper's, what the measure does by construction, and sentences that follow the numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.claims_firewall import claims_of_firewall, explanations
from fctransfer_utils.analysis.firewall import (
    arm_means,
    beating,
    beside_paper,
    by_arm,
    effect,
    effects,
    paper_tables,
    sharpness,
    take_home,
)
from fctransfer_utils.errors import InputError
from tests.made_firewall import made_measures

MIDDLE = "one box in the middle for all pictures"
PAPER = Path(__file__).parents[2] / "figures" / "data" / "zhang2017_tables3_4.csv"


@pytest.fixture(scope="module")
def tables():
    return made_measures()


def sentences(tables):
    return take_home(tables, claims_of_firewall(tables), explanations(tables))


def test_the_paper_stands_beside_ours(tables):
    found = beside_paper(paper_tables(PAPER), tables).set_index("what")
    assert len(found) == 6
    half = found.loc["boxes with IoU above 0.5"]
    assert (half["paper_with"], half["paper_without"]) == (76.79, 54.88)
    assert half["gap"] == pytest.approx(20, abs=1)
    assert half["ours_with"] - half["ours_without"] == pytest.approx(half["gap"])
    assert half["low"] < half["gap"] < half["high"]
    first = found.loc["retrieval, avg+max, top-1"]
    assert first["paper_gap"] == pytest.approx(33.52)
    assert set(found["seeds"]) == {3}


def test_one_arm_alone_leaves_our_gap_empty():
    found = beside_paper(paper_tables(PAPER), made_measures(arms="A"))
    assert found["gap"].isna().all()
    assert found["ours_without"].notna().all()


def test_a_damaged_paper_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="restore figures/data/zhang2017_tables3_4.csv"):
        paper_tables(tmp_path / "none.csv")
    pd.DataFrame({"table": [3]}).to_csv(tmp_path / "short.csv")
    with pytest.raises(InputError, match="no column model"):
        paper_tables(tmp_path / "short.csv")


def test_means_have_intervals_over_seeds(tables):
    found = arm_means(tables["concentration"], "entropy", which="forward").set_index("arm")
    assert found.loc["B", "mean"] - found.loc["A", "mean"] == pytest.approx(0.06, abs=0.01)
    assert (found["count"] == 3).all()
    alone = arm_means(made_measures(seeds=1)["concentration"], "entropy", which="forward")
    assert alone["low"].isna().all()


def test_each_size_of_object_has_its_own_best_spread():
    best = {}
    for size, curve in sharpness().groupby("size"):
        assert curve["entropy"].is_monotonic_increasing
        best[size] = curve.loc[curve["iou"].idxmax(), "entropy"]
        assert curve["iou"].max() > 0.4
    assert best[0.25] < best[0.5] < best[0.75]


def test_a_sharp_response_on_a_large_object_loses_although_it_is_right():
    large = sharpness().query("size == 0.75")
    assert large["iou"].iloc[0] < 0.15
    assert sharpness().query("size == 0.25")["iou"].iloc[-1] < 0.1  # and a wide one on a small object


def test_arms_stand_in_columns_and_seeds_are_averaged(tables):
    wide = by_arm(tables["boxes"], "share", rows="method", scale=100, threshold=0.5)
    assert list(wide) == ["method", "A", "B", "C", "D", "E"]
    own = tables["boxes"].query("method == 'scda' and threshold == 0.5 and arm == 'B'")["share"]
    assert wide.set_index("method").loc["scda", "B"] == pytest.approx(100 * own.mean())
    assert np.isnan(wide.set_index("method").loc["cam", "B"])  # it has none


def test_every_measure_has_its_effect_in_words(tables):
    found = effects(tables)
    assert len(found) == 7
    assert found["difference"].str.contains("3 pairs").all()
    assert effects({})["difference"].str.contains("no estimate").all()


def test_an_effect_that_was_not_measured_is_of_nothing(tables):
    assert effect({}, "boxes", "share").count == 0
    assert effect(tables, "boxes", "share", method="none").count == 0
    assert effect(tables, "boxes", "share", method="scda", threshold=0.5).mean == pytest.approx(20, abs=1)


def test_five_sentences_follow_the_numbers(tables):
    for_it, against = sentences(tables), sentences(made_measures(sign=-1.0))
    assert len(for_it) == len(against) == 5
    assert "localise better" in for_it[0]
    assert "localise worse" in against[0]
    assert "still lead" in for_it[1]
    assert "41%" in for_it[1]  # about 8 of 20 points
    assert "no lead to begin with" in against[1]
    assert "arm C alone gives at least 80 %" in for_it[2]
    assert "no gain is shown" in against[2]
    assert "moves less" in for_it[3]
    assert "moves more" in against[3]
    assert "agrees with both numbers" in for_it[4]
    assert "fails here" in against[4]


def test_arms_are_held_against_one_box_in_the_middle(tables):
    assert beating(tables["boxes"])[0][MIDDLE] == list("ABCDE")
    high = tables["boxes"].copy()
    high.loc[high["method"] == "centre", "share"] = 0.55
    found, count = beating(high)
    assert (found[MIDDLE], found["the whole picture"], count) == (["B", "C"], list("ABCDE"), 5)
    assert f"of 5 arms, these do better: B and C than {MIDDLE}" in sentences({**tables, "boxes": high})[0]


def test_an_untrained_network_that_no_arm_beats_is_not_passed_over(tables):
    boxes = tables["boxes"]
    untrained = boxes[(boxes["arm"] == "A") & (boxes["method"] == "scda")].assign(arm="untrained", share=0.9)
    said = sentences({**tables, "boxes": pd.concat([boxes, untrained], ignore_index=True)})[0]
    assert said.endswith("none than an untrained network.")
    assert "untrained" not in sentences(tables)[0]


def test_a_lead_that_vanishes_when_asked_by_class_is_said_so(tables):
    boxes = tables["boxes"].copy()
    boxes.loc[(boxes["method"] == "gradcam") & (boxes["arm"] == "B"), "share"] = 0.1
    assert "is gone" in sentences({**tables, "boxes": boxes})[1]


def test_one_seed_and_no_study_are_said_in_the_sentences():
    alone = sentences(made_measures(seeds=1))
    assert all("decides nothing" in sentence for sentence in alone[:4])
    assert "is left open" in alone[4]
    same = made_measures(seeds=1)
    same["boxes"]["share"] = 0.5
    assert "make no difference" in sentences(same)[0]
    bare = sentences({})
    assert "not measured" in bare[0]
    assert "could be measured" in bare[4]
    unknown = made_measures()
    unknown["retrieval"] = unknown["retrieval"][unknown["retrieval"]["arm"].isin(["A", "B", "D"])]
    assert "arm D does not give 80 % of it" in sentences(unknown)[2]
    assert np.isnan(effect({}, "retrieval", "map").mean)
