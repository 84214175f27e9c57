"""Many heads trained at once on frozen features: each as it would end alone."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.errors import InputError
from fctransfer_utils.training.loop import train
from fctransfer_utils.training.probes import fit_heads
from fctransfer_utils.training.recipe import Recipe

torch.set_num_threads(1)
RECIPE = Recipe(epochs=3, batch_size=20, learning_rate=0.05, weight_decay=0.01, warmup=0.2, shift=0)
RATES = [0.01, 0.05, 0.2]


def head(seed, dropout=0.0, width=12):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(10, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 3))


def rows(count=3, images=70):
    chance = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (images,), generator=chance)
    return torch.randn(count, images, 10, generator=chance) + labels[None, :, None], labels


def alone(net, x, y, rate):
    """One head by torch's own optimiser."""
    steps, order = 12, torch.Generator().manual_seed(4)
    optimiser = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min((step + 1) / 3, (12 - step) / 10))
    found = []
    for step in range(steps):
        if step % 4 == 0:
            batches, total = torch.randperm(len(y), generator=order).tensor_split(4), 0.0
        chosen = batches[step % 4]
        loss = F.cross_entropy(net(x[chosen]), y[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += loss.item() * len(chosen) / len(y)
        if step % 4 == 3:
            found.append(total)
    return found


@pytest.mark.parametrize("shared", [False, True])
def test_each_ends_as_by_torchs_own_optimiser(shared):
    features, labels = rows()
    heads = [head(seed) for seed in range(3)]
    lone = copy.deepcopy(heads)
    histories = fit_heads(heads, features[0] if shared else features, labels, RECIPE, rates=RATES, seed=4)
    for k, (net, other, rate) in enumerate(zip(heads, lone, RATES, strict=True)):
        expected = alone(other, features[0 if shared else k], labels, rate)
        assert [row["loss"] for row in histories[k].curve] == pytest.approx(expected, abs=1e-6)
        for one, value in zip(net.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(one, value, rtol=0, atol=1e-6)


def test_each_ends_as_by_our_loop_dropout_included():
    features, labels = rows()
    heads = [head(seed, dropout=0.4) for seed in range(3)]
    lone = copy.deepcopy(heads)
    histories = fit_heads(heads, features, labels, RECIPE, seed=4)
    for k, net in enumerate(lone):
        history = train(net, Images(features[k], labels, ("a", "b", "c")), RECIPE, seed=4)
        assert [r["loss"] for r in histories[k].curve] == pytest.approx([r["loss"] for r in history.curve], abs=1e-6)
        for one, value in zip(heads[k].parameters(), net.parameters(), strict=True):
            torch.testing.assert_close(one, value, rtol=0, atol=1e-6)


def test_each_may_have_labels_of_its_own():
    features, labels = rows()
    several = torch.stack([labels, labels.flip(0), (labels + 1) % 3])
    together, lone = [head(0) for _ in range(3)], [head(0) for _ in range(3)]
    fit_heads(together, features, several, RECIPE)
    for k, net in enumerate(lone):
        fit_heads([net], features[k], several[k], RECIPE)
        torch.testing.assert_close(together[k][1].weight, net[1].weight, rtol=0, atol=1e-6)


def test_one_that_diverges_leaves_the_others_alone():
    features, labels = rows()
    heads, lone = [head(seed) for seed in range(2)], [head(seed) for seed in range(2)]
    histories = fit_heads(heads, features[:2], labels, RECIPE, rates=[0.05, 1e20])
    fit_heads(lone[:1], features[0], labels, RECIPE)
    assert [history.diverged for history in histories] == [False, True]
    torch.testing.assert_close(heads[0][1].weight, lone[0][1].weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("heads", "said"),
    [([head(0), head(0, width=9)], "different shapes"), ([nn.Sequential(nn.Linear(10, 3), nn.Tanh())], "Tanh")],
)
def test_heads_that_cannot_be_stacked_are_refused(heads, said):
    with pytest.raises(InputError, match=said):
        fit_heads(heads, *rows(len(heads)), RECIPE)


def test_heads_that_do_not_fit_the_features_are_refused_with_both_sizes():
    with pytest.raises(InputError, match="read 7 numbers .* features of 10"):
        fit_heads([nn.Sequential(nn.Linear(7, 3))], *rows(1), RECIPE)
