import numpy as np
import pytest
from made_dip import LONG, NET, USUAL, dip_table

from fctransfer_utils.analysis.dip import (
    conditions,
    cuts_of,
    effects_of_dip,
    head_start_words,
    losses,
    middle_cuts,
    of_dip,
    over_base,
    schedules,
)
from fctransfer_utils.errors import InputError


def test_each_net_and_schedule_is_a_condition_of_its_own():
    found = [condition for condition, _ in conditions(dip_table())]
    assert [(c.net, c.epochs, c.times) for c in found] == [
        (NET, USUAL, 1), (NET, LONG, 3), (f"{NET}-bn", USUAL, 1), (f"{NET}-bn", LONG, 3),
    ]  # fmt: skip
    assert [c.usual for c in found] == [True, False, True, False]
    assert [c.batch_norm for c in found] == [False, False, True, True]
    assert str(found[1]) == f"without batch norm, {LONG} epochs, 3 times as long"


def test_effects_are_paired_with_the_base_of_the_same_net_and_epochs():
    found = effects_of_dip(dip_table(noise=0)).set_index(["batch_norm", "epochs", "treatment", "n", "value"])["mean"]
    assert found[(False, USUAL, "BnB", 4, "top1")] == pytest.approx(-3)
    assert found[(False, LONG, "BnB", 4, "top1")] == pytest.approx(-1)
    assert found[(False, USUAL, "stitch", 5, "top1")] == pytest.approx(-1)
    assert found[(True, USUAL, "BnB", 5, "top1")] == pytest.approx(0.2)
    assert found[(False, USUAL, "BnB", 4, "train_loss")] == pytest.approx(0.4)
    assert len(found) == 8 * 2 * 2


def test_effects_have_intervals_from_two_seeds_on():
    several, one = effects_of_dip(dip_table(seeds=4)), effects_of_dip(dip_table(seeds=1))
    top1 = several[several["value"] == "top1"]
    assert (top1["low"] < top1["mean"]).all()
    assert (several["count"] == 4).all()
    assert one[["low", "high"]].isna().all().all()
    assert (one["count"] == 1).all()


def test_what_is_absent_is_told_with_its_condition():
    table = dip_table(seeds=2)
    holed = table.query("not (treatment == 'warm' and n == 5 and seed == 1 and net == @NET)")
    found = effects_of_dip(holed)
    assert found.attrs["missing"] == (
        f"Without batch norm, {USUAL} epochs: warm at n = 5 is absent for target A (random0, seed 1).",
    )
    lost = effects_of_dip(table.query("not (treatment == 'base' and epochs == @LONG)"))
    assert any("base is absent, so nothing can be compared" in words for words in lost.attrs["missing"])
    assert lost.query("epochs == @LONG")["mean"].isna().all()


def test_a_complete_study_lacks_nothing():
    assert effects_of_dip(dip_table()).attrs["missing"] == ()


def test_a_unit_without_one_of_the_cuts_is_left_out_of_the_mean():
    table = dip_table(seeds=3, noise=0).query("net == @NET and epochs == @USUAL")
    holed = table.query("not (treatment == 'BnB' and n == 5 and seed == 2)")
    assert len(over_base(holed, "BnB", (4, 5))) == 2
    assert len(over_base(holed, "BnB", (4,))) == 3
    assert len(over_base(holed, "BnB", (4, 5), "train_loss")) == 2


def test_a_network_without_a_loss_is_no_pair_of_losses():
    table = dip_table(seeds=2, noise=0).query("net == @NET and epochs == @USUAL").copy()
    table.loc[(table["treatment"] == "BnB") & (table["seed"] == 1), "train_loss"] = np.nan
    assert len(over_base(table, "BnB", (4,), "train_loss")) == 1
    assert len(over_base(table, "BnB", (4,))) == 2


def test_the_middle_is_four_and_five_where_there_are_any():
    assert middle_cuts(dip_table(cuts=(3, 4, 5, 6))) == (4, 5)
    assert middle_cuts(dip_table(cuts=(4, 7))) == (4,)
    assert middle_cuts(dip_table(cuts=(1, 7))) == (1, 7)
    assert cuts_of(dip_table(cuts=(3, 4)), ["warm"]) == (3, 4)


def test_the_middle_is_where_every_schedule_and_remedy_has_networks():
    table = dip_table(cuts=(4, 5))
    assert middle_cuts(table.query("not (treatment == 'warm' and n == 5)")) == (4,)
    assert middle_cuts(table.query("not (epochs == @LONG and n == 4)")) == (5,)
    apart = table.query("not (treatment == 'warm' and n == 5) and not (treatment == 'stitch' and n == 4)")
    assert middle_cuts(apart) == (4, 5)


def test_only_what_bears_on_the_dip_is_kept(made):
    found = of_dip(made(seeds=2, targets=("B",)))
    assert set(found["treatment"]) == {"base", "BnB"}
    assert set(found["target"]) == {"B"}
    assert len(of_dip(made(seeds=1).query("treatment == 'base'"))) == 2


def test_the_head_start_is_what_more_epochs_give_a_base():
    found = schedules(dip_table(noise=0, gain_of_time=2.0), (4, 5)).set_index(["batch_norm", "comparison"])["mean"]
    assert found[(False, f"base, {LONG} epochs - base, {USUAL}")] == pytest.approx(2)
    assert found[(False, f"BnB, {LONG} epochs - BnB, {USUAL}")] == pytest.approx(4)
    assert found[(False, f"BnB, {USUAL} epochs - base, {LONG}")] == pytest.approx(-5)
    assert len(found) == 6


def test_without_a_longer_schedule_there_is_no_head_start_to_tell():
    found = schedules(dip_table().query("epochs == @USUAL"), (4, 5))
    assert not len(found)
    assert head_start_words(found).startswith("No network learnt for longer")


def test_the_head_start_is_told_in_a_sentence():
    words = head_start_words(schedules(dip_table(noise=0), (4, 5)))
    assert words.startswith(
        f"More epochs alone (base, {LONG} epochs - base, {USUAL}) give +2.0 points [2.0, 2.0], 4 pairs;"
    )
    assert f"BnB, {USUAL} epochs - base, {LONG} is -5.0 points" in words
    one = head_start_words(schedules(dip_table(seeds=1, noise=0), (4, 5)))
    assert "-5.0 points, 1 pair (no interval)" in one


def test_the_published_networks_underfit_where_they_dip(paper):
    found = effects_of_dip(of_dip(paper)).set_index(["value", "n"])
    assert found.loc[("top1", 5), "mean"] == pytest.approx(-2.97, abs=0.005)
    assert found.loc[("train_loss", 5), "low"] > 0.6
    assert (found["count"] == 4).all()
    mean = losses(paper).set_index(["treatment", "n"])["train_loss"]
    assert mean[("BnB", 4)] == pytest.approx(0.67, abs=0.005)
    assert mean[("BnB", 5)] == pytest.approx(1.07, abs=0.005)
    assert mean[("base", 0)] == pytest.approx(0.43, abs=0.005)


def test_an_empty_table_is_refused():
    with pytest.raises(InputError, match="has no rows"):
        conditions(dip_table().iloc[:0])
