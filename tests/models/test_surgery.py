"""Copy, freeze, re-initialise: the identities behind the treatments."""

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build, copy_prefix, freeze, state_of, train_mode


def make(seed, *, batch_norm=False, classes=5):
    return build(NetSpec(width=12, batch_norm=batch_norm), classes=classes, image_size=32, seed=seed)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))


def test_copying_no_layer_gives_a_fresh_net():
    net = make(1)
    copy_prefix(make(0), net, 0)
    assert same(net, make(1))


def test_copying_all_layers_gives_the_donor():
    net = make(1)
    copy_prefix(make(0), net, 8)
    assert same(net, make(0))


@pytest.mark.parametrize("n", range(1, 8))
def test_layers_up_to_the_cut_are_the_donors_and_the_rest_stays_fresh(n):
    donor, fresh, net = make(0), make(1), make(1)
    copy_prefix(donor, net, n)
    assert same(net[:n], donor[:n])
    assert same(net[n:], fresh[n:])


def test_a_copy_shares_no_memory_with_its_donor():
    donor, net = make(0), make(1)
    copy_prefix(donor, net, 8)
    with torch.no_grad():
        donor.conv1.conv.weight.zero_()
    assert net.conv1.conv.weight.abs().sum() > 0


def test_the_prefix_is_copied_across_different_numbers_of_classes():
    copy_prefix(make(0, classes=5), make(1, classes=9), 7)
    with pytest.raises(InputError, match="fc8"):
        copy_prefix(make(0, classes=5), make(1, classes=9), 8)


def test_batch_norm_statistics_are_copied_too():
    donor, net = make(0, batch_norm=True), make(1, batch_norm=True)
    donor.conv2.norm.running_mean.fill_(3.0)
    copy_prefix(donor, net, 2)
    assert net.conv2.norm.running_mean.unique().item() == 3.0


def test_freezing_stops_gradients_below_the_cut_only():
    net = make(0)
    freeze(net, 3)
    assert [all(p.requires_grad for p in layer.parameters()) for layer in net] == [False] * 3 + [True] * 5
    freeze(net, 0)
    assert all(p.requires_grad for p in net.parameters())


def test_a_frozen_prefix_keeps_its_batch_norm_statistics_while_the_rest_learns():
    net = make(0, batch_norm=True)
    before = state_of(net)
    train_mode(net, 3)
    net(torch.randn(8, 3, 32, 32))
    after = state_of(net)
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"conv4", "conv5", "fc6", "fc7"}


def test_dropout_stays_on_in_a_frozen_fully_connected_layer():
    net = make(0)
    train_mode(net, 7)
    assert net.fc6.dropout.training
    assert not net.conv1.training
    assert net.fc8.training


@pytest.mark.parametrize("n", [-1, 9, 2.0, "3", True])
def test_a_cut_outside_the_network_is_refused_by_name(n):
    for operation in (lambda: freeze(make(0), n), lambda: copy_prefix(make(0), make(1), n)):
        with pytest.raises(InputError, match=r"0\.\.8"):
            operation()
