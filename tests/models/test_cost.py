"""Parameters and multiply-adds: the published totals, and a count by hand."""

import pytest
import torch
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models.cost import KNOWN, known_network, layer_costs, shapes_only, totals

PUBLISHED = {  # parameters: all, and those of FC layers
    "AlexNet": (61_100_840, 58_631_144),
    "VGG-16": (138_357_544, 123_642_856),
    "VGG-19": (143_667_240, 123_642_856),
    "ResNet-50": (25_557_032, 2_049_000),
    "MobileNetV3-large": (5_483_032, 2_511_080),
}
GIGA_ADDS = {  # as torchvision states them beside its weights
    "AlexNet": 0.714, "VGG-16": 15.47, "VGG-19": 19.632, "ResNet-50": 4.089, "MobileNetV3-large": 0.217,
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_networks_have_the_published_numbers(name):
    net, image_size = known_network(name)
    found = totals(layer_costs(net, image_size=image_size))
    assert (sum(found["parameters"].values()), found["parameters"]["fc"]) == PUBLISHED[name]
    assert sum(found["multiply_adds"].values()) / 1e9 == pytest.approx(GIGA_ADDS[name], abs=6e-4 * 10)


def test_our_network_is_counted_too():
    name = next(name for name in KNOWN if name.startswith("ours"))
    net, image_size = known_network(name)
    costs = layer_costs(net, image_size=image_size)
    assert [cost.kind for cost in costs] == ["conv"] * 5 + ["fc"] * 3
    assert sum(cost.parameters for cost in costs) == sum(p.numel() for p in net.parameters())


def test_a_count_by_hand():
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, groups=3, padding=1), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(6 * 16, 5, bias=False)
    )
    conv, norm, linear = layer_costs(net, image_size=4)
    assert (conv.parameters, conv.multiply_adds, conv.output) == (6 * 1 * 9 + 6, 6 * 16 * 9, (6, 4, 4))
    assert (norm.kind, norm.parameters, norm.multiply_adds) == ("other", 12, 0)
    assert (linear.parameters, linear.multiply_adds) == (6 * 16 * 5, 6 * 16 * 5)
    assert totals([conv, norm, linear])["parameters"] == {"conv": 60, "fc": 480, "other": 12}


def test_counting_leaves_the_network_alone_and_copies_no_numbers():
    net = nn.Sequential(nn.Flatten(), nn.Linear(12, 2)).train()
    before = net[1].weight.clone()
    layer_costs(net, image_size=2)
    assert net.training
    assert net[1].weight.device.type == "cpu"
    assert torch.equal(net[1].weight, before)
    assert not net[1]._forward_hooks
    shadow = shapes_only(net)
    assert {p.device.type for p in shadow.parameters()} == {"meta"}
    assert isinstance(shadow[1].weight, nn.Parameter)


def test_a_shared_layer_counts_for_each_use_and_its_parameters_are_shared():
    shapes = shapes_only(nn.Sequential(*[nn.Linear(2, 2)] * 2))
    assert shapes[0].weight is shapes[1].weight


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: known_network("VGG16"), "VGG16.*Did you mean 'VGG-16'"),
        (lambda: layer_costs(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), image_size=3), "3x3x3 does not fit"),
    ],
)
def test_bad_input_is_named(make, words):
    with pytest.raises(InputError, match=words):
        make()
