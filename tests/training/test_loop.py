"""One loop for every treatment: what learns, what stands still, and what the seed fixes."""

import math
from dataclasses import replace

import pytest
import torch
from made_images import stripes

from fctransfer_utils.data.image_set import Labelled
from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.training import Execution, Recipe, train
from fctransfer_utils.training.descent import Descent
from fctransfer_utils.training.learner import make_optimiser
from fctransfer_utils.training.loop import learning_rate

RECIPE = Recipe(epochs=2, batch_size=16, learning_rate=0.005, crop_padding=2)
CPU = Execution("cpu", "float32")


def net(seed=0, **options):
    return build(NetSpec(width=12, dropout=0.0, **options), classes=4, image_size=32, seed=seed)


def learn(model, *, recipe=RECIPE, frozen=0, seed=0, execution=CPU, data=None, **options):
    data = data or stripes()
    return train(
        model, data, stripes(seed=1), recipe=recipe, frozen=frozen, seed=seed, flip=False,
        mean=(0.4,) * 3, std=(0.25,) * 3, execution=execution, **options,
    )  # fmt: skip


def test_a_network_learns_what_can_be_learnt():
    result = learn(net(), recipe=replace(RECIPE, epochs=6))
    assert result.top1 > 0.9
    assert result.curve[-1].train_loss < result.curve[0].train_loss
    assert [point.epoch for point in result.curve] == [1, 2, 3, 4, 5, 6]


def test_shuffled_labels_are_not_learnt():
    data = stripes()
    shuffled = Labelled(data.images, data.labels[torch.randperm(96, generator=torch.Generator().manual_seed(3))])
    assert learn(net(), recipe=replace(RECIPE, epochs=6), data=shuffled).top1 < 0.6


@pytest.mark.parametrize("frozen", [1, 4, 7])
def test_frozen_layers_are_bit_equal_after_training_and_all_others_have_moved(frozen):
    model = net(batch_norm=True)
    before = state_of(model)
    learn(model, frozen=frozen)
    after = state_of(model)
    names = [name for name, _ in model.named_children()]
    for key in before:
        still = names.index(key.split(".")[0]) < frozen
        assert torch.equal(before[key], after[key]) == still, key


def test_freezing_gives_the_same_gradient_steps_as_a_zero_learning_rate_below_the_cut():
    """The frozen prefix runs without gradients; the suffix must not notice."""
    fast, slow = net(), net()
    learn(fast, frozen=3)
    data, kept = stripes(), state_of(slow[:3])

    class Restoring(Descent):
        def step(self, rate):
            super().step(rate)
            slow[:3].load_state_dict(kept)

    from fctransfer_utils.training import learner

    original = learner.make_optimiser
    learner.make_optimiser = lambda model, recipe: Restoring(original(model, recipe).groups, momentum=recipe.momentum)
    try:
        learn(slow, data=data)
    finally:
        learner.make_optimiser = original
    for a, b in zip(fast.parameters(), slow.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_the_same_seed_gives_the_same_weights_and_curve_and_another_seed_does_not():
    runs = []
    for seed in (0, 0, 1):
        model = net()
        torch.rand(seed + 5)  # what happened before must not matter
        result = learn(model, seed=seed)
        runs.append((state_of(model), [(p.train_loss, p.test_top1) for p in result.curve]))
    assert runs[0][1] == runs[1][1]
    assert all(torch.equal(runs[0][0][k], runs[1][0][k]) for k in runs[0][0])
    assert runs[0][1] != runs[2][1]


def test_the_number_of_threads_outside_does_not_matter():
    states = []
    before = torch.get_num_threads()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        model = net()
        learn(model)
        states.append(state_of(model))
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])


def test_training_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    learn(build(NetSpec(width=12), classes=4, image_size=32, seed=0))
    assert torch.equal(before, torch.random.get_rng_state())


def test_bfloat16_and_channels_last_agree_with_float32():
    losses = [
        learn(net(), execution=execution).curve[0].train_loss
        for execution in (CPU, Execution("cpu", "float32", True), Execution("cpu", "bfloat16", True))
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    assert losses[2] == pytest.approx(losses[0], rel=0.05)


def test_a_run_that_blows_up_says_so_and_stops():
    result = learn(net(), recipe=replace(RECIPE, learning_rate=100.0, momentum=0.99, warmup=0.0, epochs=8))
    assert result.diverged
    assert len(result.curve) < 8
    assert not math.isfinite(result.train_loss)


def test_the_linear_schedule_rises_then_falls_to_nearly_nothing():
    recipe = Recipe(epochs=1, learning_rate=1.0, warmup=0.1)
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 10
    assert rates[0] < 0.2
    assert rates[-1] < 0.02
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_the_step_schedule_divides_by_ten_after_each_third():
    recipe = Recipe(epochs=1, learning_rate=1.0, schedule="step")
    rates = [learning_rate(recipe, step, 9) for step in range(9)]
    assert rates == pytest.approx([1.0] * 3 + [0.1] * 3 + [0.01] * 3)


def test_weight_decay_spares_biases_and_batch_norm():
    groups = make_optimiser(net(batch_norm=True), RECIPE).groups
    assert [group.weight_decay for group in groups] == [RECIPE.weight_decay, 0.0]
    assert {p.dim() > 1 for p in groups[0].parameters} == {True}
    assert {p.dim() > 1 for p in groups[1].parameters} == {False}


def test_what_cannot_be_trained_gets_one_error():
    with pytest.raises(InputError, match="nothing to train"):
        learn(net(), frozen=8)
    empty = Labelled(torch.zeros(0, 3, 32, 32, dtype=torch.uint8), torch.zeros(0, dtype=torch.int64))
    with pytest.raises(InputError, match="training set has no images"):
        learn(net(), data=empty)


@pytest.mark.parametrize(
    "bad", [{"epochs": 0}, {"schedule": "cosine"}, {"batch_size": 0}, {"momentum": 1.0}, {"learning_rate": -1.0}]
)
def test_a_bad_recipe_names_the_value(bad):
    ((name, value),) = bad.items()
    with pytest.raises(InputError, match=f"{name}.*{value}"):
        Recipe(**bad)
