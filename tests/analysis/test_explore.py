"""What the controls of notebook 12 show: the plan of the layers, numbers with their intervals, filters, options."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis import explore
from fctransfer_utils.analysis.first_layer import pack
from fctransfer_utils.analysis.guide import recommend
from fctransfer_utils.analysis.guide_evidence import gather
from fctransfer_utils.analysis.transfer import paired_effect
from fctransfer_utils.errors import InputError
from tests.made_keep import keep_table, made_distances

CUT_TREATMENTS = ("BnB", "BnB+", "AnB", "AnB+")


def study(*, seeds=3, targets="AB"):
    """Every treatment at every cut; AnB loses a point per layer, half B is easier by 5 points."""
    rng = np.random.default_rng(3)
    rows = []
    for seed in range(seeds):
        for target in targets:
            cells = [("base", 0), *((name, n) for name in CUT_TREATMENTS for n in range(1, 8)), ("twice", 8)]
            for name, n in cells:
                drop = n if name == "AnB" else 0
                top1 = 0.6 + 0.05 * (target == "B") - drop / 100 + rng.normal(0, 0.003)
                source = {"base": "", "AnB": "BA"["AB".index(target)]}.get(name.rstrip("+"), target)
                rows.append(("random0", seed, source, target, name, n, top1))
    columns = ["split", "seed", "source", "target", "treatment", "n", "top1"]
    about = {"data": "glyphs", "image_size": 32, "net": "mini", "images_per_class": 0, "epochs": 8}
    return pd.DataFrame(rows, columns=columns).assign(**about)


@pytest.fixture(scope="module")
def filters():
    """Two tasks and two seeds; training adds one smooth wave to every filter of the second task only."""
    rng = np.random.default_rng(0)
    across = np.cos(np.arange(5) * 1.2)[None, None, None, :] * np.ones((1, 3, 5, 1))
    parts = []
    for task, strength in (("still", 0.0), ("moved", 40.0)):
        for seed in (0, 1):
            begun = rng.normal(size=(4, 3, 5, 5))
            packed = pack({explore.BEFORE: begun, explore.AFTER: begun + strength * across})
            parts.append(packed.assign(task=task, seed=seed))
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize("n", [1, 4, 7])
def test_the_first_n_layers_are_copied_and_only_those_without_a_plus_stand_still(n):
    for name in CUT_TREATMENTS:
        layers = explore.layers_of(name, n)
        assert [layer["origin"] for layer in layers] == [name[0]] * n + ["new"] * (8 - n)
        assert [layer["frozen"] for layer in layers] == [not name.endswith("+")] * n + [False] * (8 - n)
    assert {layer["origin"] for layer in explore.layers_of("base", n)} == {"new"}
    assert {layer["origin"] for layer in explore.layers_of("twice", n)} == {"B"}


@pytest.mark.parametrize("n", [0, 8, True, 2.5])
def test_a_cut_that_leaves_nothing_to_copy_or_to_learn_is_refused(n):
    with pytest.raises(InputError, match=rf"n = {n} is outside 1\.\.7"):
        explore.layers_of("AnB", n)


def test_points_are_paired_with_the_own_base():
    table = study()
    numbers = explore.accuracies(table)
    row = explore.at_cut(numbers, n=5, shown="points").set_index("treatment").loc["AnB"]
    effect = paired_effect(table, "AnB", "base", [5])
    assert (row["mean"], row["low"], row["high"], row["count"]) == (effect.mean, effect.low, effect.high, 6)
    assert row["mean"] == pytest.approx(-5, abs=0.5)
    assert row["words"] == f"{effect.mean:+.1f} [{effect.low:+.1f}, {effect.high:+.1f}], 6 pairs"


def test_top1_is_in_per_cent_and_base_and_twice_stand_at_every_cut():
    table = study()
    numbers = explore.accuracies(table)
    for n in range(1, 8):
        rows = explore.at_cut(numbers, n=n, shown="top1").set_index("treatment")
        assert tuple(rows.index) == explore.DRAWN
        assert rows.loc["base", "mean"] == pytest.approx(100 * table[table.treatment == "base"].top1.mean())
        assert rows.loc["twice", "mean"] == pytest.approx(100 * table[table.treatment == "twice"].top1.mean())


@pytest.mark.parametrize(("targets", "mark"), [("B", "(one seed, no interval)"), ("AB", "(one seed, 2 ")])
def test_one_seed_has_its_mark_in_place_of_an_interval(targets, mark):
    numbers = explore.accuracies(study(seeds=1, targets=targets))
    assert numbers["low"].isna().all()
    assert numbers["words"].str.contains(mark, regex=False).all()
    assert numbers["words"].str.endswith("no interval)").all()


def test_no_number_is_told_without_its_interval_or_its_mark():
    told = explore.told_cut(explore.accuracies(study()), n=3, shown="points")
    assert told.startswith("n = 3, top-1 minus the own base (points): BnB ")
    assert told.count("[") == len(told.split("; ")) == 5


def test_an_unknown_number_to_show_is_refused():
    with pytest.raises(InputError, match="unknown number to show 'loss'; allowed: top1, points"):
        explore.at_cut(explore.accuracies(study(seeds=1)), n=3, shown="loss")


def test_a_task_that_makes_filters_smooth_changes_their_gabor_r2(filters):
    found = explore.filter_changes(filters).set_index("task")
    assert found["networks"].tolist() == [2, 2]
    assert found.loc["still", "change"].mean == 0
    assert found.loc["still", "movement"] == 0
    assert found.loc["moved", "change"].mean > 0.2
    assert found.loc["moved", "movement"] > 1
    assert explore.said_change(found.loc["moved", "change"]).endswith("2 networks")


def test_filters_of_an_unknown_task_or_seed_are_refused(filters):
    with pytest.raises(InputError, match="unknown task 'birds'; allowed: still, moved"):
        explore.filters_at(filters, task="birds", seed=0)
    with pytest.raises(InputError, match="unknown seed 7; allowed: 0, 1"):
        explore.filters_at(filters, task="still", seed=7)


def test_a_network_is_wholly_like_itself_and_less_like_another_start(filters):
    assert explore.likeness(filters, ("still", 0), ("still", 0)) == pytest.approx(1)
    assert explore.likeness(filters, ("still", 0), ("still", 1)) < 0.6
    assert explore.likeness(filters, ("moved", 0), ("moved", 1)) > 0.9


def test_options_are_compared_with_the_recommended_one_in_pairs():
    evidence = gather({"keep": keep_table()}, made_distances())
    answer = recommend(distance=0.4, labels_per_class=5, compute="enough", evidence=evidence)
    gaps = explore.option_gaps(evidence, answer)
    assert gaps.iloc[0][["option", "mean"]].tolist() == [answer.option, 0.0]
    assert gaps["mean"].is_monotonic_decreasing
    second = gaps.iloc[1]
    assert second["option"] == answer.next_best
    assert second["low"] < second["mean"] < second["high"] < 0


def test_without_evidence_there_are_no_options():
    evidence = gather({"keep": keep_table()}, made_distances())
    answer = recommend(distance=0.4, labels_per_class=3000, evidence=evidence)
    assert not len(explore.option_gaps(evidence, answer))
