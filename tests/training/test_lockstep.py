"""Heads trained side by side become what each becomes alone."""

import copy
from dataclasses import replace

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.heads import HeadSpec, build_head
from fctransfer_utils.training.heads import Features, train_head
from fctransfer_utils.training.lockstep import Learner, standardised, together_top1, train_together
from fctransfer_utils.training.recipe import Recipe

RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=0.05, crop_padding=0)
SPECS = {
    "linear": HeadSpec(),
    "two hidden": HeadSpec(hidden=(16, 12)),
    "two hidden with dropout": HeadSpec(hidden=(16, 16), dropout=0.5),
    "averaged": HeadSpec(pool="gap", hidden=(16,)),
}


def made(seed, *, maps=False, count=42):
    stream = torch.Generator().manual_seed(seed)
    shape = (count, 6, 4, 4) if maps else (count, 20)
    labels = torch.arange(count) % 3
    values = torch.randn(shape, generator=stream) + labels.view(-1, *[1] * (len(shape) - 1))
    return Features(values.relu(), labels)


def learners(spec, rates=(0.02, 0.1), seeds=(0, 1)):
    maps = spec.pool == "gap"
    parts = {seed: (made(seed, maps=maps), made(100 + seed, maps=maps)) for seed in seeds}
    size = tuple(parts[seeds[0]][0].values.shape[1:])
    return [
        Learner(build_head(spec, features=size, classes=3, seed=seed), *parts[seed], seed, rate)
        for seed in seeds
        for rate in rates
    ]


@pytest.mark.parametrize("name", SPECS)
def test_side_by_side_gives_what_one_at_a_time_gives(name):
    spec = SPECS[name]
    together = learners(spec)
    alone = copy.deepcopy(together)
    taught = train_together(together, recipe=RECIPE)
    for learner, found, single in zip(together, taught, alone, strict=True):
        recipe = replace(RECIPE, learning_rate=single.rate)
        reference = train_head(single.head, single.learn, single.judge, spec=spec, recipe=recipe, seed=single.seed)
        for ours, theirs in zip(learner.head.parameters(), single.head.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
        assert found.curve[-1].test_top1 == reference.top1
        assert found.curve[-1].test_loss == pytest.approx(reference.curve[-1].validation_loss, rel=1e-4)


def test_who_learns_beside_a_head_does_not_change_a_bit_of_it():
    spec = SPECS["two hidden with dropout"]
    everyone, few = learners(spec), learners(spec)[2:3]
    train_together(everyone, recipe=RECIPE)
    train_together(few, recipe=RECIPE)
    for ours, theirs in zip(everyone[2].head.parameters(), few[0].head.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_head_that_diverges_leaves_the_others_as_they_are():
    wild = learners(SPECS["linear"], rates=(0.05, 1e20))
    calm = learners(SPECS["linear"], rates=(0.05,))
    found = train_together(wild, recipe=replace(RECIPE, epochs=3))
    train_together(calm, recipe=replace(RECIPE, epochs=3))
    assert [taught.diverged for taught in found] == [False, True, False, True]
    for ours, theirs in zip(wild[0].head.parameters(), calm[0].head.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_end_of_an_arm_can_be_taught_side_by_side_from_its_maps():
    net = build(NetSpec("alexnet_map", width=12, arm="B", dropout=0.2), classes=3, image_size=32, seed=0)
    labels = torch.arange(24) % 3
    maps = Features(torch.rand(24, 96, 8, 8) * labels.view(-1, 1, 1, 1) / 2, labels)
    heads = [copy.deepcopy(net[5:]) for _ in range(2)]
    train_together(
        [Learner(head, maps, maps, seed, 0.01) for seed, head in enumerate(heads)], recipe=replace(RECIPE, epochs=40)
    )
    assert min(together_top1(heads, [maps, maps])) > 0.9


def test_standardised_features_have_mean_0_and_deviation_1_on_the_training_part():
    learn, judge = made(0), made(1)
    learn.values[:, 3] = 7.0
    ours, theirs = standardised(learn, judge)
    kept = [k for k in range(20) if k != 3]
    torch.testing.assert_close(ours.values[:, kept].mean(0), torch.zeros(19), atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.values[:, kept].std(0, correction=0), torch.ones(19))
    assert not ours.values[:, 3].any()
    assert not theirs.values[:, 3].any()


def test_what_cannot_learn_side_by_side_is_named():
    with pytest.raises(InputError, match="no head to train"):
        train_together([], recipe=RECIPE)
    with pytest.raises(InputError, match="BatchNorm1d cannot be trained side by side"):
        train_together(learners(HeadSpec(hidden=(4,), batch_norm=True)), recipe=RECIPE)
    mixed = [*learners(SPECS["linear"]), *learners(SPECS["two hidden"])]
    with pytest.raises(InputError, match="need the same layers"):
        train_together(mixed, recipe=RECIPE)
    short = [learners(SPECS["linear"])[0], learners(SPECS["linear"])[0]._replace(learn=made(0, count=30))]
    with pytest.raises(InputError, match="need the same features"):
        train_together(short, recipe=RECIPE)
