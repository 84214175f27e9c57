"""What a fully connected layer is, and the sizes and costs that the papers and libraries publish."""

import copy
from collections import OrderedDict

import pytest
import torch
import torchvision
from made_families import batch, family
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models.alexnet import build, caffenet
from fctransfer_utils.models.dense import (
    as_convolution,
    convolutional,
    multiply_adds,
    parameters,
    receptive_fields,
    tied,
)
from fctransfer_utils.models.heads import head_layers
from fctransfer_utils.models.layers import blocks, check_size
from fctransfer_utils.models.spec import NetSpec

PUBLISHED = ("alexnet", "vgg16", "vgg19", "resnet50", "mobilenet_v3_large", "densenet121", "vit_b_16", "swin_t")


def published(name):
    """torchvision's network on the device "meta": shapes without numbers."""
    with torch.device("meta"):
        return torchvision.models.get_model(name, weights=None)


@torch.no_grad()
def test_an_fc_layer_is_a_convolution_and_slides_over_a_larger_map():
    linear = nn.Linear(4 * 9, 5)
    window = as_convolution(linear, 4, 3)
    maps = torch.randn(2, 4, 6, 8)
    scores = window(maps)
    assert scores.shape == (2, 5, 4, 6)
    for row, column in ((0, 0), (2, 3), (3, 5)):
        patch = maps[:, :, row : row + 3, column : column + 3]
        assert torch.allclose(scores[:, :, row, column], linear(patch.flatten(1)), atol=1e-5)


def test_the_convolution_is_the_same_memory():
    linear = nn.Linear(4 * 9, 5, bias=False)
    window = as_convolution(linear, 4, 3)
    assert window.bias is None
    linear.weight.data.mul_(2)
    assert torch.equal(window.weight.flatten(1), linear.weight)
    with pytest.raises(InputError, match="36 inputs.*4 x 2 x 2"):
        as_convolution(linear, 4, 2)


NETWORKS = {
    "ours": lambda: (build(NetSpec(width=6), classes=5, size=32), 32),
    "ours, fc behind its own pooling": lambda: (build(NetSpec(kind="map", width=6), classes=5, size=32), 32),
    "torchvision AlexNet": lambda: (blocks(family("torchvision AlexNet")[0]), 27),
    "torchvision VGG": lambda: (blocks(family("torchvision VGG")[0]), 56),
}


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_network_becomes_convolutional_and_gives_a_map_of_scores(name):
    net, size = NETWORKS[name]()
    net.eval()
    slid, images = convolutional(net).eval(), batch(2 * size)
    assert not any(isinstance(part, nn.Linear) for part in slid.modules())
    assert sum(values.numel() for values in slid.parameters()) == sum(values.numel() for values in net.parameters())
    small = images[..., :size, :size]
    assert torch.allclose(slid(small)[..., 0, 0], net(small), atol=1e-5)
    scores = slid(images)
    assert scores.shape[:2] == (4, 5)
    assert scores.shape[2] == scores.shape[3] > 1
    assert [name for name, _ in slid.named_children()] == [name for name, _ in net.named_children()]


@torch.no_grad()
def test_a_score_of_the_map_is_that_of_its_crop_where_no_border_is_near():
    """Without padding a fully convolutional network is the network on every crop, a stride apart."""
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(4 * 25, 6), nn.ReLU()),
        nn.Sequential(nn.Linear(6, 3)),
    )
    images = batch(20)
    scores = convolutional(net)(images)
    for row, column in ((0, 0), (1, 3), (4, 4)):
        crop = images[..., 2 * row : 2 * row + 12, 2 * column : 2 * column + 12]
        assert torch.allclose(scores[..., row, column], net(crop), atol=1e-5)


def test_vgg_on_twice_its_image_gives_8_x_8_scores():
    vgg = convolutional(blocks(published("vgg16")))
    assert vgg.fc6[0].weight.shape == (4096, 512, 7, 7)
    assert vgg(torch.empty(1, 3, 448, 448, device="meta")).shape == (1, 1000, 8, 8)


def test_what_cannot_become_convolutional_is_an_error():
    for net in (build(NetSpec(kind="map", head="gap"), classes=3, size=32), blocks(family("torchvision ResNet")[0])):
        with pytest.raises(InputError, match="averages its map"):
            convolutional(net)
    with pytest.raises(InputError, match="'fc8'"):
        convolutional(blocks(family("timm VGG")[0]))


def test_a_head_that_does_not_fit_its_trunk_is_an_error_with_both_sizes():
    trunk, head = (
        build(NetSpec(width=6), classes=3, size=32)[:5],
        head_layers("flat", channels=8, side=4, classes=3, hidden=9),
    )
    with pytest.raises(InputError, match="128 inputs .* 16 x 2 x 2"):
        convolutional(nn.Sequential(OrderedDict(trunk.named_children()) | head))


@torch.no_grad()
def test_the_smallest_map_of_a_converted_network_is_one_window():
    slid = convolutional(build(NetSpec(width=6), classes=3, size=32)).eval()
    with pytest.raises(InputError, match="24 pixels are too small.* at least 25 "):  # 25, 13, 7, 4 places: fc6's window
        check_size(slid, 24)
    assert slid(batch(25)).shape[2:] == (1, 1)


def test_images_of_another_size_have_no_cost():
    with pytest.raises(InputError, match="48 pixels do not fit"):
        multiply_adds(build(NetSpec(width=6), classes=3, size=32), 48)


def test_a_map_without_places_is_an_error():
    with pytest.raises(InputError, match="0 x 0"):
        tied(nn.Linear(6, 5), 0)
    with pytest.raises(InputError, match="4 x -3 x -3"):
        as_convolution(nn.Linear(36, 5), 4, -3)


@torch.no_grad()
def test_converting_leaves_the_network_as_it_is():
    net = blocks(family("torchvision VGG")[0]).train()
    net[0].eval()
    modes, state = [part.training for part in net.modules()], copy.deepcopy(net.state_dict())
    convolutional(net)
    assert [part.training for part in net.modules()] == modes
    assert all(torch.equal(values, state[name]) for name, values in net.state_dict().items())


@torch.no_grad()
def test_global_average_pooling_is_the_flattened_layer_with_tied_weights():
    maps, linear = torch.randn(3, 6, 4, 4), nn.Linear(6, 5)
    flat = tied(linear, 4)
    assert torch.allclose(flat(maps.flatten(1)), linear(maps.mean((2, 3))), atol=1e-5)
    places = flat.weight.view(5, 6, 16)
    assert torch.equal(places, places[..., :1].expand_as(places))
    assert torch.allclose(flat(maps.flip(3).flatten(1)), flat(maps.flatten(1)), atol=1e-5)  # it knows no places


# Araujo, Norris and Sim 2019 list 195 for AlexNet and 212 for VGG-16, behind their last pooling.
@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (lambda: published("alexnet"), {"conv1": (11, 4), "conv2": (51, 8), "conv5": (163, 16), "pool5": (195, 32)}),
        (caffenet, {"conv1": (11, 4), "conv2": (51, 8), "conv5": (163, 16), "pool5": (195, 32)}),
        (lambda: published("vgg16"), {"conv1_2": (5, 1), "conv5_3": (196, 16), "pool5_3": (212, 32)}),
        (lambda: published("vgg19"), {"conv5_4": (252, 16), "pool5_4": (268, 32)}),
    ],
    ids=["AlexNet", "CaffeNet", "VGG-16", "VGG-19"],
)
def test_receptive_fields_are_the_published_ones(make, fields):
    with torch.device("meta"):
        net = make()
    found = receptive_fields(net if isinstance(net, nn.Sequential) else blocks(net))
    by_name = {each.layer.replace("conv", each.part): (each.size, each.stride) for each in found}
    assert {name: by_name[name] for name in fields} == fields


@pytest.mark.parametrize("size", [32, 64])
def test_a_receptive_field_is_what_the_gradient_of_one_unit_reaches(size):
    net = build(NetSpec(width=6), classes=3, size=size).double()
    for part in net.modules():  # no influence can vanish: positive weights, means for maxima
        for name, each in list(part.named_children()):
            if isinstance(each, nn.MaxPool2d):
                setattr(part, name, nn.AvgPool2d(each.kernel_size, each.stride, each.padding))
    for values in net.parameters():
        nn.init.constant_(values, 0.1)
    wide = torch.ones(1, 3, 256, 256, dtype=torch.float64, requires_grad=True)
    ends = {each.layer: each for each in receptive_fields(net)}  # behind the pooling, where there is one
    for n in range(1, 6):
        maps = net[:n](wide)
        middle = maps.shape[-1] // 2
        (gradient,) = torch.autograd.grad(maps[0, :, middle, middle].sum(), wide)
        assert gradient.abs().sum((0, 1, 2)).count_nonzero() == ends[f"conv{n}"].size
        assert wide.shape[-1] // maps.shape[-1] == ends[f"conv{n}"].stride


def test_branches_and_oblong_windows_have_no_one_receptive_field():
    with pytest.raises(InputError, match="branches"):
        receptive_fields(blocks(family("torchvision ResNet")[0]))
    with pytest.raises(InputError, match="not square"):
        receptive_fields(nn.Sequential(nn.Conv2d(3, 4, (1, 3))))


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_multiply_adds_are_those_that_torchvision_states(name):
    net, about = published(name), torchvision.models.get_model_weights(name).DEFAULT.meta
    assert sum(parameters(net).values()) == about["num_params"]
    assert multiply_adds(net, 224) / 1e9 == pytest.approx(about["_ops"], abs=6e-4)


@pytest.mark.parametrize(
    ("name", "fc", "share"),
    [
        ("alexnet", 58_631_144, 0.9596),
        ("vgg16", 123_642_856, 0.8936),
        ("vgg19", 123_642_856, 0.8606),
        ("resnet50", 2_049_000, 0.0802),
        ("mobilenet_v3_large", 2_511_080, 0.4580),
    ],
)
def test_most_parameters_of_the_old_networks_are_fully_connected(name, fc, share):
    counts = parameters(published(name))
    assert counts["fc"] == fc
    assert counts["fc"] / sum(counts.values()) == pytest.approx(share, abs=5e-5)


def test_fc6_of_vgg_alone_has_most_of_them_and_costs_little():
    vgg = blocks(published("vgg16"))
    assert parameters(vgg.fc6)["fc"] == 102_764_544
    fully_connected = 512 * 49 * 4096 + 4096 * 4096 + 4096 * 1000  # a weight is used once
    assert multiply_adds(vgg, 224) - multiply_adds(vgg[:-3], 224) == fully_connected
    assert fully_connected < 0.01 * multiply_adds(vgg, 224)
