"""The tables of the study ``keep`` find the effects that were put into a made one."""

import numpy as np
import pytest

from fctransfer_utils.analysis import keep
from fctransfer_utils.errors import InputError
from tests.made_keep import EFFECTS, FAR, NEAR, keep_table, made_distances


@pytest.fixture(scope="module")
def rows():
    return keep.keep_rows(keep_table())


def test_means_of_every_choice_come_back(rows):
    found = keep.top1_by_choice(rows)
    assert len(found) == 2 * 2 * 11
    cell = found[(found["target_set"] == NEAR) & (found["labels_per_class"] == 5) & (found["choice"] == "fc7, frozen")]
    assert cell["mean"].item() == pytest.approx(0.2 + 0.005 + 0.40, abs=0.003)
    assert cell["low"].item() < cell["mean"].item() < cell["high"].item()
    assert cell["count"].item() == 3
    assert list(found["arm"][:11]) == [a for arm in keep.ARMS for a in (arm, arm)] + ["scratch"]


def test_a_difference_is_paired_within_its_unit(rows):
    """The seeds differ by half a point each; in a paired difference that drops out."""
    points = keep.paired(rows, ("fc7", "frozen"), ("conv5", "frozen"), labels=5)
    assert list(points.index.names) == ["split", "seed", "target_set"]
    near = points.xs(NEAR, level="target_set")
    assert near.mean() == pytest.approx(10, abs=0.3)
    assert near.std() < 0.5
    assert keep.effect(rows, ("fc7", "frozen"), ("scratch", "scratch"), labels=5).count == 3  # seeds


def test_drawing_the_last_hidden_layer_anew_pays_far_away_only(rows):
    found = keep.last_hidden(rows).set_index(["target_set", "labels_per_class", "protocol", "change"])["mean"]
    for target, place, labels in ((NEAR, 0, 5), (FAR, 1, 20)):
        effects = EFFECTS[target]
        for change, arm in (("replaced", "fc6+new fc7"), ("left out", "fc6")):
            wanted = effects[arm][place] - effects["fc7"][place]
            assert found[target, labels, "frozen", change] == pytest.approx(wanted, abs=0.4)


def test_new_hidden_layers_are_compared_on_the_same_cut(rows):
    found = keep.new_hidden(rows).set_index(["target_set", "labels_per_class", "protocol", "change"])["mean"]
    assert found[NEAR, 5, "frozen", "after conv5"] == pytest.approx(-8, abs=0.4)
    assert found[NEAR, 20, "frozen", "after conv5"] == pytest.approx(1, abs=0.4)


def test_freezing_pays_with_few_labels_only(rows):
    found = keep.freezing(rows).groupby("labels_per_class")["mean"].mean()
    assert found[5] == pytest.approx(4, abs=0.3)
    assert found[20] == pytest.approx(-5, abs=0.3)


def test_the_best_choice_is_named_with_those_that_are_as_good(rows):
    best = keep.best_choices(rows).set_index(["target_set", "labels_per_class"])
    assert best.loc[(NEAR, 5), "best"] == "fc7, frozen"
    assert best.loc[(FAR, 20), "best"] == "conv5, fine-tuned"
    assert best.loc[(NEAR, 5), "second"] == "fc7, fine-tuned"
    assert best.loc[(NEAR, 5), "margin"] == pytest.approx(4, abs=0.4)
    assert best.loc[(NEAR, 5), "over_scratch"] == pytest.approx(40, abs=0.4)
    assert best.loc[(NEAR, 5), "as_good"] == ""


def test_without_seeds_small_margins_are_not_clear():
    best = keep.best_choices(keep.keep_rows(keep_table(seeds=1))).set_index(["target_set", "labels_per_class"])
    assert np.isnan(best.loc[(NEAR, 20), "low"])
    assert "fc6+new fc7, fine-tuned" in best.loc[(NEAR, 20), "as_good"]  # a point below the leader


def test_targets_are_ordered_by_measured_distance(rows):
    assert keep.targets_of(rows, made_distances()) == [NEAR, FAR]
    assert keep.targets_of(rows) == sorted([NEAR, FAR])
    assert keep.with_distance(rows, made_distances())["domain"].isin([0.4, 1.4]).all()
    assert keep.short_target(NEAR) == "random0:B"
    assert keep.short_target("folder:caltech101") == "caltech101"


def test_a_growing_table_says_what_it_lacks(rows):
    part = rows[~((rows["arm"] == "fc7") & (rows["labels_per_class"] == 20) & (rows["target_set"] == NEAR))]
    (said,) = keep.missing_choices(part)
    assert said == f"fc7, fine-tuned, fc7, frozen: absent for {NEAR} with 20 labels per class."
    assert keep.missing_choices(rows) == ()
    assert len(keep.best_choices(part)) == 4
    lacking = keep.last_hidden(part)
    assert (lacking["count"] == 0).sum() == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="arm"), "no column arm"),
        (lambda t: t.assign(arm="pool5"), "unknown arm 'pool5'"),
        (lambda t: t.assign(protocol="thawed"), "unknown protocol 'thawed'"),
        (lambda t: t.assign(top1=57.0), "outside 0..1; give fractions"),
        (lambda t: t.assign(net=["a", "b"] * (len(t) // 2)), "mixes 2 values of net"),
        (lambda t: t.assign(seed=0), "two rows stand for"),
        (lambda t: t.iloc[:0], "no network is selected"),
    ],
)
def test_a_table_that_cannot_be_used_is_named(change, words):
    with pytest.raises(InputError, match=words):
        keep.keep_rows(change(keep_table(labels=(5,))))


def test_unknown_choices_are_named():
    assert len(keep.choices()) == 10
    with pytest.raises(InputError, match="unknown arm 'fc8'"):
        keep.choices(["fc8"])
