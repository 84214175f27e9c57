"""Cut, copied, frozen: frozen means frozen, in every family of networks."""

import operator

import pytest
import torch
import torch.nn.functional as F
from made_families import FAMILIES, batch, family
from made_stripes import same_state, state
from torch import nn

from fctransfer_utils.models.alexnet import build
from fctransfer_utils.models.layers import blocks
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.models.surgery import cut, freeze, frozen_layers, learning, train_mode, transplant

LABELS = torch.tensor([0, 1, 2, 0])
NORMS = nn.modules.batchnorm._BatchNorm


def layers_of(name, *, classes, seed):
    if name == "ours":
        return build(NetSpec(width=6), classes=classes, size=16, seed=seed), 16
    net, size = family(name, classes=classes, seed=seed)
    return blocks(net), size


def steps(net, images, *, count=3, **options):
    """Steps of training with momentum and weight decay."""
    descent = torch.optim.SGD(learning(net), lr=0.05, momentum=0.9, weight_decay=0.1, **options)
    for _ in range(count):
        train_mode(net)
        F.cross_entropy(net(images), LABELS).backward()
        descent.step()
        descent.zero_grad(set_to_none=False)
    return descent


every_network = pytest.mark.parametrize("name", [*FAMILIES, "ours"])


@every_network
def test_a_transplanted_frozen_prefix_is_the_donors_after_training_and_the_rest_is_not(name):
    donor, size = layers_of(name, classes=5, seed=0)
    images = batch(size)
    for n in (len(donor) // 2, len(donor) - 1):
        net, _ = layers_of(name, classes=3, seed=1)
        fresh = state(net)
        transplant(donor, net, n)
        freeze(net, n)
        held = {id(values) for group in steps(net, images).param_groups for values in group["params"]}
        assert same_state(net[:n].state_dict(), donor[:n].state_dict())  # statistics of norms too
        assert not any(map(operator.is_, net[:n].parameters(), donor[:n].parameters()))  # a copy
        assert all(values.grad is None for values in net[:n].parameters())
        assert held.isdisjoint(map(id, net[:n].parameters()))
        assert held == set(map(id, net[n:].parameters()))
        still = [key for key, values in net[n:].state_dict().items() if torch.equal(values, fresh[key])]
        assert not [key for key in still if not key.endswith("relative_position_index")]
        with torch.no_grad():
            assert torch.equal(cut(net, n)[0].eval()(images), cut(donor, n)[0].eval()(images))


@every_network
def test_frozen_norms_keep_their_statistics_others_move_and_dropout_stays_on(name):
    net, size = layers_of(name, classes=3, seed=0)
    n = len(net) // 2
    freeze(net, n)
    before = state(net)
    with torch.no_grad():
        train_mode(net)
        net(batch(size))
    for layers, moves in ((net[:n], False), (net[n:], True)):
        for key in layers.state_dict():
            if key.endswith(("running_mean", "running_var", "num_batches_tracked")):
                assert torch.equal(net.state_dict()[key], before[key]) != moves
        assert all(part.training == moves for part in layers.modules() if isinstance(part, NORMS))
    assert all(part.training for part in net.modules() if isinstance(part, nn.Dropout))


@pytest.mark.parametrize(
    "rule", [lambda net: [net[2]], lambda net: [part for part in net.modules() if isinstance(part, NORMS)]]
)
def test_a_rule_of_ones_own_trains_what_it_names_and_nothing_else(rule):
    net, size = layers_of("torchvision ResNet", classes=3, seed=0)
    freeze(net, len(net))
    parts = [part.requires_grad_(True) for part in rule(net)]
    named = {id(values) for part in parts for values in part.state_dict(keep_vars=True).values()}
    before = state(net)
    steps(net, batch(size))
    after = net.state_dict(keep_vars=True)
    assert {id(values) for key, values in after.items() if not torch.equal(values, before[key])} == named


def test_freezing_again_higher_or_lower_leaves_what_the_last_one_says():
    net, _ = layers_of("ours", classes=3, seed=0)
    for n in (5, 2, 8, 0):
        freeze(net, n)
        assert frozen_layers(net) == n
        assert len(learning(net)) == 2 * (8 - n)  # a weight and a bias in each layer


@pytest.mark.parametrize("n", [-1, 9])
def test_a_cut_that_is_none_is_an_error(n):
    net, _ = layers_of("ours", classes=3, seed=0)
    for use in (lambda: cut(net, n), lambda: freeze(net, n), lambda: transplant(net, net, n)):
        with pytest.raises(ValueError, match="0 to 8"):
            use()
