"""Whose layers a network has, told by their bits."""

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import LAYER_NAMES, NetSpec, build, copy_prefix, freeze, state_of
from fctransfer_utils.models.origins import differing_layers, layer_table, origins


def make(seed, *, batch_norm=False):
    return build(NetSpec(width=12, batch_norm=batch_norm), classes=5, image_size=32, seed=seed)


def test_a_network_does_not_differ_from_itself_or_its_state():
    net = make(0)
    assert differing_layers(net, net) == differing_layers(net, state_of(net)) == ()


def test_one_changed_bit_is_found_in_its_layer():
    net, state = make(0), state_of(make(0))
    state["conv4.conv.bias"][3] = torch.nextafter(torch.tensor(0.0), torch.tensor(1.0))
    assert differing_layers(net, state) == ("conv4",)


def test_a_changed_buffer_counts():
    net, state = make(0, batch_norm=True), state_of(make(0, batch_norm=True))
    state["fc6.norm.running_mean"][0] += 1
    assert differing_layers(net, state) == ("fc6",)


def test_networks_of_two_architectures_are_not_compared():
    with pytest.raises(InputError, match="only one of the two"):
        differing_layers(make(0), make(0, batch_norm=True))


@pytest.mark.parametrize("n", range(9))
def test_the_copied_prefix_is_told_from_the_fresh_suffix(n):
    net, donors = make(2), {"A": make(0), "B": make(1)}
    copy_prefix(donors["B"], net, n)
    freeze(net, n - 1 if n else 0)
    found = origins(net, donors)
    assert [box["layer"] for box in found] == list(LAYER_NAMES)
    assert [box["origin"] for box in found] == ["B"] * n + ["new"] * (8 - n)
    assert [box["frozen"] for box in found] == [index < n - 1 for index in range(8)]
    assert found[0]["shape"] == (12, 3, 5, 5)


def test_the_table_of_layers_follows_the_signal_and_counts_every_parameter():
    net = make(0).train()
    rows = layer_table(net, image_size=32)
    assert [row["n"] for row in rows] == list(range(1, 9))
    assert rows[0]["output"] == (12, 16, 16)
    assert rows[-1]["output"] == (5,)
    assert sum(row["parameters"] for row in rows) == sum(p.numel() for p in net.parameters())
    assert net.training


def test_a_large_network_is_described_without_memory_for_its_weights():
    with torch.device("meta"):
        net = build(NetSpec("caffenet", width=0), classes=1000, image_size=227, seed=0)
    rows = layer_table(net, image_size=227)
    assert rows[5]["weights"] == (4096, 9216)
    assert sum(row["parameters"] for row in rows) == 60_965_224
