"""A frozen prefix is run once where its output never changes, and nothing about the result changes with it."""

from dataclasses import replace

import pytest
import torch
from made_images import stripes

from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.training import Execution, Recipe, prefix, train
from fctransfer_utils.training.prefix import constant_layers

PLAIN = Recipe(epochs=2, batch_size=20, learning_rate=0.005, crop_padding=0)


def net(dropout=0.0, **options):
    return build(NetSpec(width=12, dropout=dropout, **options), classes=4, image_size=32, seed=0)


def learn(model, frozen, recipe=PLAIN, flip=False, precision="float32"):
    result = train(
        model, stripes(), stripes(seed=1), recipe=recipe, frozen=frozen, seed=0, flip=flip,
        mean=(0.4,) * 3, std=(0.25,) * 3, execution=Execution("cpu", precision),
    )  # fmt: skip
    return state_of(model), [(point.train_loss, point.test_loss, point.test_top1) for point in result.curve]


def forward_calls(model, number):
    calls = []
    model[number - 1].register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("frozen", [1, 5, 7])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_running_the_prefix_once_gives_the_same_network_and_curve(monkeypatch, precision, frozen, dropout):
    once = learn(net(dropout, batch_norm=True), frozen, precision=precision)
    monkeypatch.setattr(prefix, "MOST_BYTES", 0)
    always = learn(net(dropout, batch_norm=True), frozen, precision=precision)
    assert once[1] == always[1]
    assert all(torch.equal(once[0][name], always[0][name]) for name in once[0])


def test_without_augmentation_a_prefix_is_run_once_per_image_and_with_it_in_every_epoch():
    few, many, flipped = net(), net(), net()
    counted = [forward_calls(model, 2) for model in (few, many, flipped)]
    learn(few, 3)
    learn(many, 3, recipe=replace(PLAIN, crop_padding=2))
    learn(flipped, 3, flip=True)
    assert [len(calls) for calls in counted] == [5 + 1, 2 * (5 + 1), 2 * (5 + 1)]  # 96 images: 5 batches, 1 of test


def test_dropout_ends_what_can_be_kept():
    assert constant_layers(net(0.5), 7) == 5
    assert constant_layers(net(0.0), 7) == 7
    assert constant_layers(net(0.5), 3) == 3


def test_frozen_layers_above_the_new_one_stand_still_and_let_the_gradient_through():
    model = net(batch_norm=True)
    before = state_of(model)
    after, curve = learn(model, (1, 2, 4, 5, 6, 7, 8))
    names = [name for name, _ in model.named_children()]
    moved = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert moved == {names[2]}
    assert curve[-1][0] < curve[0][0]


def test_an_epoch_may_be_a_number_of_steps_instead_of_one_pass():
    steps = []
    model = net()
    model[7].register_forward_hook(lambda module, *_: steps.append(1) if module.training else None)
    learn(model, 0, recipe=replace(PLAIN, steps=13))
    assert len(steps) == 2 * 13


def test_as_many_steps_as_a_pass_takes_are_a_pass():
    assert learn(net(), 2, recipe=replace(PLAIN, steps=5))[1] == learn(net(), 2)[1]
