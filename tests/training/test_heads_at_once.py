"""Linear heads trained at once on frozen features: each as it would end alone."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.errors import InputError
from fctransfer_utils.training.loop import train
from fctransfer_utils.training.probes import fit_heads
from fctransfer_utils.training.recipe import Recipe

torch.set_num_threads(1)
RECIPE = Recipe(epochs=3, batch_size=20, learning_rate=0.05, weight_decay=0.01, warmup=0.2, shift=0)
RATES = [0.01, 0.05, 0.2]


def head(seed, inputs=10):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(inputs, 3))


def rows(images=70):
    chance = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (images,), generator=chance)
    return torch.randn(images, 10, generator=chance) + labels[:, None], labels


def test_each_ends_as_by_our_loop():
    features, labels = rows()
    heads = [head(seed) for seed in range(3)]
    lone = copy.deepcopy(heads)
    histories = fit_heads(heads, features, labels, RECIPE, rates=RATES, seed=4)
    for net, other, rate, ours in zip(heads, lone, RATES, histories, strict=True):
        history = train(other, Images(features, labels, ("a", "b", "c")), replace(RECIPE, learning_rate=rate), seed=4)
        assert [row["loss"] for row in ours.curve] == pytest.approx([row["loss"] for row in history.curve], abs=1e-6)
        for one, value in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one, value, rtol=0, atol=1e-6)


def test_one_that_diverges_leaves_the_others_alone():
    features, labels = rows()
    heads, lone = [head(seed) for seed in range(2)], head(0)
    histories = fit_heads(heads, features, labels, RECIPE, rates=[0.05, 1e38])
    fit_heads([lone], features, labels, RECIPE)
    assert [history.diverged for history in histories] == [False, True]
    torch.testing.assert_close(heads[0][0].weight, lone[0].weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("heads", "said"),
    [
        ([nn.Linear(10, 3), nn.Linear(10, 4)], "different shapes"),
        ([nn.Sequential(nn.Linear(10, 3), nn.Tanh())], "Linear, Tanh"),
        ([head(0, inputs=7)], "read 7 numbers .* features of 10"),
    ],
)
def test_heads_that_cannot_be_stacked_are_refused(heads, said):
    with pytest.raises(InputError, match=said):
        fit_heads(heads, *rows(), RECIPE)
