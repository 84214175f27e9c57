"""Heads on a frozen and on a learning trunk: both ways agree where they must, and the curves are measured alike."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from made_images import stripes

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.models.heads import HeadSpec, build_head
from fctransfer_utils.training import Execution, Recipe
from fctransfer_utils.training.features import activations
from fctransfer_utils.training.heads import (
    Features,
    compare_on_features,
    compare_on_trunk,
    head_rows,
    score,
    train_head,
    train_heads,
    train_on_trunk,
    trunk_features,
)

RECIPE = Recipe(epochs=3, batch_size=16, learning_rate=0.01, crop_padding=0)
NORM = {"mean": (0.4,) * 3, "std": (0.25,) * 3}


@pytest.fixture(scope="module")
def trunk():
    return build(NetSpec(width=12), classes=4, image_size=32, seed=3)[:5].eval()


@pytest.fixture(scope="module")
def sets(trunk):
    """Features of made images to learn from and to be judged by."""
    found = []
    for part in (stripes(), stripes(seed=1)):
        values = activations(trunk, part.images, layers=["conv5"], **NORM)["conv5"]
        found.append(Features(values, part.labels))
    return found


def test_heads_learn_what_can_be_learnt_and_tell_their_cost(sets):
    specs = [HeadSpec(), HeadSpec((16,)), HeadSpec((32, 32), "tanh")]
    told = []
    results = train_heads(specs, *sets, classes=4, recipe=replace(RECIPE, epochs=10), on_head=told.append)
    assert [result.spec for result in results] == specs
    assert tuple(told) == results
    for result in results:
        assert result.top1 > 0.9
        assert result.curve[-1].train_loss < result.curve[0].train_loss
        assert [epoch.epoch for epoch in result.curve] == list(range(1, 11))
        assert 0 < result.curve[0].seconds < result.seconds
    assert [result.parameters for result in results] == [512 * 4 + 4, 512 * 16 + 16 + 68, 512 * 32 + 32 + 33 * 32 + 132]


def test_labels_without_rule_are_fitted_but_not_generalised():
    """The curve of a head that memorises: what "overfits" is read from."""
    stream = torch.Generator().manual_seed(3)
    learn, judge = (Features(torch.randn(60, 200, generator=stream), torch.arange(60) % 4) for _ in range(2))
    (result,) = train_heads([HeadSpec((64,))], learn, judge, classes=4, recipe=replace(RECIPE, epochs=30))
    assert result.curve[-1].train_top1 > 0.95
    assert result.top1 < 0.6


def test_the_curve_is_scored_in_eval_mode_at_the_end_of_each_epoch(sets):
    (result,) = train_heads([HeadSpec((16,), dropout=0.5)], *sets, classes=4, recipe=RECIPE)
    loss, top1 = score(result.net, sets[1])
    assert (result.curve[-1].validation_loss, result.curve[-1].validation_top1) == (loss, top1)
    with torch.no_grad():
        logits = result.net.eval()(sets[0].values)
    assert result.curve[-1].train_loss == pytest.approx(F.cross_entropy(logits, sets[0].labels).item())


def test_features_computed_once_give_the_same_steps_as_the_frozen_trunk_itself(trunk, sets):
    spec = HeadSpec((16,))
    (once,) = train_heads([spec], *sets, classes=4, recipe=RECIPE, seed=5)
    each = train_on_trunk(trunk, spec, stripes(), stripes(seed=1), classes=4, recipe=RECIPE, frozen=5, seed=5, **NORM)
    for one, other in zip(once.net, each.net[5:], strict=True):
        torch.testing.assert_close(one.linear.weight, other.linear.weight, rtol=1e-4, atol=1e-6)
    for one, other in zip(once.curve, each.curve, strict=True):
        assert one[:5] == pytest.approx(other[:5], rel=1e-4)


def test_a_learning_trunk_moves_in_a_copy_and_a_frozen_one_stands_still(trunk):
    before = state_of(trunk)
    for frozen in (0, 5):
        result = train_on_trunk(
            trunk, HeadSpec(), stripes(), stripes(seed=1), classes=4, recipe=RECIPE, frozen=frozen, **NORM
        )
        after = state_of(result.net[:5])
        assert all(torch.equal(before[key], after[key]) for key in before) == (frozen == 5)
        assert result.parameters == 512 * 4 + 4
        assert result.seconds > 0
    assert all(torch.equal(before[key], value) for key, value in state_of(trunk).items())


def test_the_seed_fixes_everything(sets):
    runs = [train_heads([HeadSpec((16,), dropout=0.2)], *sets, classes=4, recipe=RECIPE, seed=s)[0] for s in (0, 0, 1)]
    losses = [run.curve[-1].train_loss for run in runs]
    assert losses[0] == losses[1] != losses[2]


def test_the_number_of_steps_can_be_set(sets):
    few, many = (train_heads([HeadSpec()], *sets, classes=4, recipe=replace(RECIPE, steps=s))[0] for s in (1, 40))
    assert many.curve[-1].train_loss < few.curve[-1].train_loss


def test_a_diverging_head_ends_at_once_and_says_so(sets):
    huge = [Features(part.values * 1e20, part.labels) for part in sets]
    (result,) = train_heads([HeadSpec((32,) * 3)], *huge, classes=4, recipe=replace(RECIPE, learning_rate=90.0))
    assert result.diverged
    assert len(result.curve) < 3


def test_rows_carry_the_head_and_the_labels_of_the_caller(sets):
    (result,) = train_heads([HeadSpec((16, 8))], *sets, classes=4, recipe=RECIPE)
    rows = head_rows(result, trunk="frozen")
    assert len(rows) == 3
    assert (rows[0]["trunk"], rows[0]["head"], rows[0]["hidden"], rows[0]["width"]) == ("frozen", "16-8 relu", 2, 16)
    assert rows[-1]["validation_top1"] == result.top1


def test_a_comparison_has_a_row_per_head_and_epoch_and_looks_at_the_test_images_once(trunk, sets):
    specs = [HeadSpec(), HeadSpec((16,))]
    (test,) = trunk_features(trunk, stripes(seed=2), **NORM)
    torch.testing.assert_close(trunk_features(trunk, stripes(), **NORM)[0].values, sets[0].values)
    on_features = compare_on_features(specs, *sets, test, classes=4, recipe=RECIPE, condition="frozen")
    parts = stripes(), stripes(seed=1), stripes(seed=2)
    learning = compare_on_trunk(trunk, specs, *parts, classes=4, recipe=RECIPE, condition="learning", **NORM)
    for rows in (on_features, learning):
        assert [(row["head"], row["epoch"]) for row in rows] == [
            (spec.label, epoch) for spec in specs for epoch in (1, 2, 3)
        ]
        assert {row["test_images"] for row in rows} == {96}
        assert len({row["test_top1"] for row in rows[:3]}) == 1
    assert on_features[0]["condition"] == "frozen"
    assert learning[-1]["test_top1"] > 0.5


def test_what_does_not_fit_is_refused_with_its_sizes(trunk, sets):
    learn, judge = sets
    head = build_head(HeadSpec(), features=100, classes=4, seed=0)
    narrow, short = Features(judge.values[:, :9], judge.labels), Features(judge.values, judge.labels[:3])
    for make, words in (
        (lambda: train_heads([], learn, judge, classes=4, recipe=RECIPE), "no head"),
        (lambda: train_head(head, learn, judge, spec=HeadSpec(), recipe=RECIPE), "takes 100 features.*512"),
        (lambda: train_heads([HeadSpec()], learn, narrow, classes=4, recipe=RECIPE), r"\(512,\).*\(9,\)"),
        (lambda: train_heads([HeadSpec()], learn, short, classes=4, recipe=RECIPE), "96 rows and 3 labels"),
        (lambda: train_heads([HeadSpec(pool="gap")], learn, judge, classes=4, recipe=RECIPE), "no maps"),
        (lambda: train_on_trunk(trunk, HeadSpec(), stripes(0), stripes(), classes=4, recipe=RECIPE, **NORM), "no imag"),
    ):
        with pytest.raises(InputError, match=words):
            make()


def test_where_it_runs_is_the_callers_choice(trunk):
    result = train_on_trunk(
        trunk, HeadSpec(), stripes(), stripes(seed=1), classes=4, recipe=RECIPE, execution=Execution(), **NORM
    )
    assert not result.diverged
