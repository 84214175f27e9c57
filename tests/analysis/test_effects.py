"""Effects by replicate: what is paired with what, what is left out, and how often the interval is right."""

import numpy as np
import pandas as pd
import pytest
from made_networks import row, study

from fctransfer_utils.analysis import effects
from fctransfer_utils.analysis.stats import t_interval
from fctransfer_utils.errors import InputError


def test_both_directions_are_averaged_before_the_interval():
    own = {(0, "A"): 50, (0, "B"): 60, (1, "A"): 40, (1, "B"): 70}
    other = {(0, "A"): 48, (0, "B"): 56, (1, "A"): 39, (1, "B"): 70}
    rows = [
        row(name, share / 100, n=4, replicate=r, target=target)
        for name, shares in (("BnB", own), ("AnB", other))
        for (r, target), share in shares.items()
    ]
    found = effects.effect(pd.DataFrame(rows), "AnB", "BnB").iloc[0]
    by_hand = t_interval([(-2 - 4) / 2, (-1 - 0) / 2])
    assert found[["mean", "low", "high", "count"]].tolist() == pytest.approx(list(by_hand))


def test_base_is_compared_with_every_n_and_controls_with_each_other():
    table = study({"base": 0.5, "long": 0.52, "twice": 0.53, "AnB+": lambda n: 0.5 + n / 100}, cuts=(3, 7))
    over_base = effects.effect(table, "AnB+", "base").set_index("n")["mean"]
    assert over_base.to_dict() == pytest.approx({3: 3, 7: 7})
    assert effects.effect(table, "AnB+", "twice").set_index("n")["mean"].to_dict() == pytest.approx({3: 0, 7: 4})
    assert effects.effect(table, "long", "base")[["n", "mean"]].to_numpy().tolist() == [[0, pytest.approx(2)]]
    assert effects.effect(table, "twice", "long")["mean"].tolist() == pytest.approx([1])
    assert effects.effect(table, "base", "AnB+")["mean"].tolist() == pytest.approx([-3, -7])


def test_without_n_a_replicate_counts_once_for_all_cuts():
    table = study({"BnB": 0.5, "AnB": lambda n: 0.5 - n / 100}, cuts=(2, 6))
    found = effects.effect(table, "AnB", "BnB", by=())
    assert found["mean"].tolist() == pytest.approx([-4])
    assert found["count"].tolist() == [5]


def test_only_cuts_of_both_treatments_are_compared():
    table = pd.concat([study({"AnB": 0.5}), study({"AnB+": 0.5}, cuts=(3, 7))])
    assert effects.effect(table, "AnB+", "AnB")["n"].tolist() == [3, 7]


def test_a_replicate_that_lacks_a_direction_is_not_used_and_named():
    table = study({"base": 0.6, "BnB": 0.6, "AnB": 0.5}, cuts=(7,))
    gone = (table["treatment"] == "AnB") & (table["replicate"] == 2) & (table["target"] == "A")
    found = effects.effect(table[~gone], "AnB", "BnB").iloc[0]
    assert found["count"] == 4
    assert "replicate 2" in found["left_out"]
    assert "n = 7 on A" in found["left_out"]
    assert sorted(effects.by_replicate(table[~gone], "AnB", "BnB")["replicate"]) == [0, 1, 3, 4]


def test_a_diverged_network_is_left_out_and_its_replicate_is_named():
    table = study({"base": 0.6, "BnB": 0.6, "AnB": 0.5}, cuts=(3, 7))
    lost = (table["treatment"] == "AnB") & (table["n"] == 7) & (table["replicate"] == 0) & (table["target"] == "B")
    table.loc[lost, ["diverged", "top1"]] = [True, 0.05]  # the loss was not finite, whatever its accuracy
    found = effects.effect(table, "AnB", "BnB").set_index("n")
    assert found["count"].tolist() == [5, 4]
    assert found["left_out"].tolist() == ["", "replicate 0 lacks AnB or BnB at n = 7 on B"]
    kept = effects.effect(table[table["replicate"] != 0], "AnB", "BnB").set_index("n")
    assert found.loc[7, "mean"] == pytest.approx(kept.loc[7, "mean"])


def test_order_of_rows_is_nothing():
    table = study({"base": 0.6, "BnB": 0.6, "AnB": lambda n: 0.6 - n / 50})
    found = effects.effect(table, "AnB", "BnB")
    pd.testing.assert_frame_equal(found, effects.effect(table.sample(frac=1, random_state=0), "AnB", "BnB"))


def test_data_sets_are_told_apart_or_refused():
    table = pd.concat([study({"BnB": 0.6, "AnB": 0.5}), study({"BnB": 0.6, "AnB": 0.4}, data="photographs")])
    with pytest.raises(InputError, match="data"):
        effects.effect(table, "AnB", "BnB")
    found = effects.effect(table, "AnB", "BnB", by=("data", "n"))
    assert found.groupby("data")["mean"].mean().to_dict() == pytest.approx({"glyphs": -10, "photographs": -20})


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.drop(columns="replicate"), "replicate"),
        (lambda t: t.assign(top1=100 * t["top1"]), "share"),
        (lambda t: pd.concat([t, t]), "several rows"),
        (lambda t: t[t["treatment"] != "BnB"], "BnB"),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(spoil, said):
    with pytest.raises(InputError, match=said):
        effects.effect(spoil(study({"base": 0.6, "BnB": 0.6, "AnB": 0.5})), "AnB", "BnB")


def test_levels_are_means_over_replicates_of_both_directions():
    table = study({"base": 0.6, "AnB": lambda n: 0.6 - n / 100}, cuts=(2, 5))
    found = effects.levels(table).set_index(["treatment", "n"])["mean"]
    assert found.to_dict() == pytest.approx({("base", 0): 60, ("AnB", 2): 58, ("AnB", 5): 55})


def test_loss_has_its_own_unit():
    table = study({"AnB": 0.5}).assign(loss=lambda t: 1.0 + t["n"])
    found = effects.levels(table, measure="loss", scale=1)
    assert found["mean"].tolist() == pytest.approx([2, 3, 4, 5, 6, 7, 8])


@pytest.mark.parametrize(("shared", "luck", "pairs"), [(1.0, 0.2, (0.0, 0.9)), (0.2, 1.5, (0.98, 1.0))])
def test_interval_over_replicates_covers_where_that_over_pairs_does_not(shared, luck, pairs):
    """Both directions share the split and both base networks, so that ten pairs of five replicates are not ten values.

    ``shared``: how far the distance of the halves varies, which is the same both ways; intervals over pairs are too
    narrow then. ``luck``: how far base networks do, which speak for one direction and against the other; too wide.
    """
    chance, worlds, replicates, true = np.random.default_rng(0), 500, 5, -8.0
    shape = (worlds, replicates)
    distance = shared * chance.normal(0, 1, shape)
    base = {half: luck * chance.normal(0, 1, shape) for half in "AB"}
    world, replicate = np.indices(shape).reshape(2, -1)
    parts = []
    for target, other in ("AB", "BA"):
        accuracies = {"BnB": 50 + base[target], "AnB": 50 + true + distance + base[other]}
        for treatment, top1 in accuracies.items():
            top1 = (top1 + chance.normal(0, 0.3, shape)).ravel() / 100
            its = {"n": world + 1, "replicate": replicate, "target": target, "treatment": treatment, "top1": top1}
            parts.append(pd.DataFrame(its))
    table = pd.concat(parts)
    ours = effects.effect(table, "AnB", "BnB")
    assert ((ours["low"] < true) & (true < ours["high"])).mean() == pytest.approx(0.95, abs=0.025)
    wide = table.pivot(index=["n", "replicate", "target"], columns="treatment", values="top1")
    by_pairs = (100 * (wide["AnB"] - wide["BnB"])).groupby("n").agg(list).map(t_interval)
    lowest, highest = pairs
    assert lowest <= np.mean([low < true < high for _, low, high, _ in by_pairs]) <= highest


def test_a_set_that_lacks_a_treatment_has_no_rows():
    table = pd.concat([study({"base": 0.6, "AnB": 0.5}).assign(data="one"), study({"base": 0.6}).assign(data="two")])
    found = effects.effect(table, "AnB", "base", by=("data", "n"))
    assert set(found["data"]) == {"one"}
    assert set(effects.effect(table, "AnB", "base", by=("data",))["data"]) == {"one"}
