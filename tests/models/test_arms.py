"""The arms of the FC study: one trunk, five endings that differ in one thing at a time."""

import pytest
import torch
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import ARMS, NetSpec, build
from fctransfer_utils.models.arms import TRUNK, matched_filters


def arm(name, *, classes=7, image_size=32, width=12):
    return build(NetSpec("alexnet_map", width=width, arm=name), classes=classes, image_size=image_size, seed=0)


def parameters(net):
    return sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize("image_size", [32, 64])
@pytest.mark.parametrize("name", ARMS)
def test_every_arm_has_a_last_map_of_8_by_8_places_and_gives_class_scores(name, image_size):
    net, images = arm(name, image_size=image_size), torch.zeros(2, 3, image_size, image_size)
    assert net[:TRUNK](images).shape == (2, 96, 8, 8)
    assert net(images).shape == (2, 7)


def test_all_arms_start_from_the_same_trunk():
    first = arm("A")[:TRUNK].state_dict()
    for name in "BCDE":
        other = arm(name)[:TRUNK].state_dict()
        assert all(torch.equal(first[key], other[key]) for key in first)


def test_the_layers_behind_the_trunk_are_those_that_the_arm_names():
    for name, plan in ARMS.items():
        behind = [layer for layer, _ in arm(name).named_children()][TRUNK:]
        assert behind == [*plan.hidden, "fc8"]


@pytest.mark.parametrize("name", "ACE")
def test_an_arm_that_averages_does_not_see_where_things_are(name):
    net = arm(name).eval()[TRUNK:]
    maps = torch.rand(1, 96, 8, 8)
    turned = maps.flip(-1)
    same = torch.allclose(net(maps), net(turned), atol=1e-5)
    assert same == (name != "E")  # E's two convolutions still look at neighbourhoods


@pytest.mark.parametrize("name", "BD")
def test_an_arm_that_flattens_sees_where_things_are(name):
    net = arm(name).eval()[TRUNK:]
    maps = torch.rand(1, 96, 8, 8)
    assert not torch.allclose(net(maps), net(maps.flip(-1)), atol=1e-5)


@pytest.mark.parametrize("width", [12, 24, 48])
def test_arm_e_has_the_hidden_parameters_of_arm_b_within_two_per_cent(width):
    hidden = {name: parameters(arm(name, width=width)[TRUNK:-1]) for name in "BE"}
    assert hidden["E"] == pytest.approx(hidden["B"], rel=0.02)


def test_matched_filters_solve_the_balance_of_parameters():
    channels, side, units = 96, 8, 128
    filters = matched_filters(channels, side, units)
    convolutions = 9 * channels * filters + filters + 9 * filters**2 + filters
    dense = channels * 16 * units + units + units**2 + units
    beside = 9 * channels * (filters + 16) + 9 * (filters + 16) ** 2
    assert abs(convolutions - dense) < abs(beside - dense)


def test_averaging_is_flattening_with_tied_weights():
    linear = arm("A")[TRUNK].linear
    maps = torch.rand(3, 96, 8, 8)
    flat = nn.Linear(96 * 64, 7)
    with torch.no_grad():
        flat.weight.copy_((linear.weight / 64)[:, :, None].expand(-1, -1, 64).flatten(1))
        flat.bias.copy_(linear.bias)
        torch.testing.assert_close(arm("A")[TRUNK:](maps), flat(maps.flatten(1)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "alexnet_map", "arm": "F"}, "unknown arm 'F'"),
        ({"name": "alexnet_map"}, "unknown arm ''"),
        ({"name": "alexnet_mini", "arm": "A"}, "leave it out for alexnet_mini"),
        ({"name": "alexnet_map", "arm": "A", "width": 13}, "multiple of 12"),
    ],
)
def test_an_arm_that_does_not_exist_is_named(options, words):
    with pytest.raises(InputError, match=words):
        NetSpec(**options)
