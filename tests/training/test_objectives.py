"""Losses other than that of classes: what each predicts, how it is measured, and what goes wrong with a wrong one."""

import math

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.heads import HeadSpec, attach, build_head
from fctransfer_utils.training import Recipe
from fctransfer_utils.training.objectives import Objective, Targets, fit
from tests.made_images import stripes

RECIPE = Recipe(epochs=20, batch_size=20, learning_rate=0.02, crop_padding=0)


def numbers(seed, count=200, scale=30.0, offset=400.0):
    """Features, and a target that is linear in them: mean near ``offset``, deviation near ``scale``."""
    stream = torch.Generator().manual_seed(seed)
    inputs = torch.randn(count, 6, generator=stream)
    return Targets(inputs, offset + scale * (inputs @ torch.tensor([0.5, -0.5, 0.5, 0.5, 0.0, 0.0]))[:, None])


def labels(seed, count=200):
    """Three labels, each the sign of a feature; any of them may hold together."""
    inputs = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return Targets(inputs, (inputs[:, :3] > 0).float())


def fitted(name, learn, judge, *, output="linear", hidden=()):
    head = build_head(HeadSpec(hidden=hidden), features=6, classes=learn.targets.shape[1], seed=0)
    objective = Objective.of(name, learn.targets, output=output)
    return fit(head, learn, judge, objective=objective, recipe=RECIPE)


def test_a_number_is_learnt_in_its_own_unit():
    judge = numbers(1)
    found = fitted("regression", numbers(0), judge)
    assert found.values["explained"] > 0.99
    assert found.values["error"] < 3
    assert found.predictions.mean().item() == pytest.approx(400, abs=5)
    square = (found.predictions - judge.targets).square().mean().sqrt().item()
    assert found.values["error"] == pytest.approx(square)


def test_before_learning_a_standardised_regression_guesses_the_mean():
    learn = numbers(0)
    objective = Objective.of("regression", learn.targets)
    guess = objective.predict(torch.zeros(5, 1))
    assert torch.allclose(guess, learn.targets.mean().expand(5, 1))
    assert objective.loss(torch.zeros(200, 1), learn.targets).item() == pytest.approx(1, abs=0.02)


def test_raw_units_break_the_recipe_and_a_rectifier_cuts_off_what_lies_below_the_mean():
    learn, judge = numbers(0), numbers(1)
    raw = fitted("regression", learn, judge, output="raw units", hidden=(32,))
    assert raw.diverged or raw.values["explained"] < 0.9
    cut = fitted("regression", learn, judge, output="rectified")
    assert cut.predictions.min().item() >= learn.targets.mean().item() - 1e-3
    assert cut.values["explained"] < 0.7


def test_labels_that_go_together_need_a_sigmoid_each():
    learn, judge = labels(0), labels(1)
    several, one = (fitted(name, learn, judge) for name in ("multi-label", "one of many"))
    assert several.values["right"] > 0.9
    assert several.values["all_right"] > 0.8
    assert one.values["all_right"] < 0.7
    assert torch.allclose(one.predictions.sum(1), torch.ones(200), atol=1e-5)
    assert (one.predictions > 0.5).sum(1).max() <= 1


def test_measures_on_known_predictions():
    objective = Objective.of("multi-label", torch.tensor([[0.0, 1.0]]))
    found = objective.measures(torch.tensor([[0.9, 0.9], [0.1, 0.9]]), torch.tensor([[1.0, 1.0], [1.0, 1.0]]))
    assert found == {"right": 0.75, "all_right": 0.5}
    objective = Objective.of("regression", torch.tensor([[0.0], [2.0]]))
    found = objective.measures(torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [2.0]]))
    assert found == {"error": 1.0, "explained": 0.0}


def test_binary_cross_entropy_at_the_start_is_ln_2_and_softmax_shares_the_labels():
    targets = torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    assert Objective.of("multi-label", targets).loss(torch.zeros(1, 4), targets).item() == pytest.approx(math.log(2))
    assert Objective.of("one of many", targets).loss(torch.zeros(1, 4), targets).item() == pytest.approx(math.log(4))


def test_a_trunk_learns_too_and_frozen_layers_do_not():
    part = stripes(48)
    net = build(NetSpec(width=12, dropout=0), classes=4, image_size=32, seed=0)
    net = attach(net[:5], build_head(HeadSpec(), features=(32, 4, 4), classes=1, seed=0), image_size=32)
    bright = Targets(part.images, part.images.float().mean((1, 2, 3))[:, None])
    recipe = Recipe(epochs=6, batch_size=12, learning_rate=0.0005, crop_padding=0)
    kept = net.conv1.conv.weight.clone()
    for frozen in (0, 5):
        seen = []
        found = fit(
            net, bright, bright, objective=Objective.of("regression", bright.targets), frozen=frozen, recipe=recipe,
            mean=(0.3,) * 3, std=(0.2,) * 3, on_epoch=seen.append,
        )  # fmt: skip
        assert found.values["explained"] > 0.5
        assert [score.epoch for score in seen] == [1, 2, 3, 4, 5, 6]
        assert seen[-1].values == found.values
        assert torch.equal(found.net.conv1.conv.weight, kept) == (frozen == 5)
    assert torch.equal(net.conv1.conv.weight, kept)


def test_a_loss_that_is_not_finite_ends_the_run():
    learn = numbers(0)
    head = build_head(HeadSpec(hidden=(32,)), features=6, classes=1, seed=0)
    objective = Objective.of("regression", learn.targets, output="raw units")
    wild = Recipe(epochs=20, batch_size=20, learning_rate=5.0, crop_padding=0)
    found = fit(head, learn, learn, objective=objective, recipe=wild)
    assert found.diverged
    assert len(found.curve) < 20


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: Objective.of("ranking", torch.ones(2, 1)), "unknown objective 'ranking'"),
        (lambda: Objective.of("regression", torch.ones(4, 1)), "the same for every training image"),
        (lambda: Objective.of("regression", torch.rand(4)), r"targets have the shape \(4,\)"),
        (lambda: Objective.of("regression", torch.rand(4, 1), output="tanh"), "unknown last layer of a regression"),
        (lambda: Objective.of("multi-label", torch.tensor([[0.5]])), "are 0 or 1"),
        (lambda: fitted("regression", numbers(0)._replace(inputs=torch.zeros(3, 6)), numbers(1)), "3 inputs and 200"),
    ],
)
def test_bad_input_is_named(ask, words):
    with pytest.raises(InputError, match=words):
        ask()


def test_a_head_of_another_number_of_outputs_is_named():
    learn = labels(0)
    head = build_head(HeadSpec(), features=6, classes=5, seed=0)
    with pytest.raises(InputError, match="the last layer has 5 outputs, the targets have 3 columns"):
        fit(head, learn, learn, objective=Objective.of("multi-label", learn.targets), recipe=RECIPE)
