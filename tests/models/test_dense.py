"""What a fully connected layer is, and the receptive fields that papers publish."""

import pytest
import torch
from made_families import batch, family, published
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models.alexnet import build, caffenet
from fctransfer_utils.models.dense import as_convolution, convolutional, receptive_fields
from fctransfer_utils.models.layers import blocks, check_size
from fctransfer_utils.models.spec import NetSpec


@pytest.mark.parametrize("bias", [True, False])
@torch.no_grad()
def test_an_fc_layer_is_a_convolution_on_the_same_memory_and_slides_over_a_larger_map(bias):
    linear = nn.Linear(4 * 9, 5, bias=bias)
    window = as_convolution(linear, 4, 3)
    linear.weight.mul_(2)
    maps = torch.randn(2, 4, 6, 8)
    scores = window(maps)
    assert scores.shape == (2, 5, 4, 6)
    for row, column in ((0, 0), (2, 3), (3, 5)):
        patch = maps[:, :, row : row + 3, column : column + 3]
        assert torch.allclose(scores[:, :, row, column], linear(patch.flatten(1)), atol=1e-5)


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
    net.eval()[0].train()
    modes, slid, images = [part.training for part in net.modules()], convolutional(net), batch(2 * size)
    assert [part.training for part in net.modules()] == modes
    slid.eval()
    assert not any(isinstance(part, nn.Linear) for part in slid.modules())
    assert sum(values.numel() for values in slid.parameters()) == sum(values.numel() for values in net.parameters())
    small = images[..., :size, :size]
    assert torch.allclose(slid(small)[..., 0, 0], net(small), atol=1e-5)
    scores = slid(images)
    assert scores.shape[:2] == (4, 5)
    assert scores.shape[2] == scores.shape[3] > 1
    assert [name for name, _ in slid.named_children()] == [name for name, _ in net.named_children()]


def test_vgg_on_twice_its_image_gives_8_x_8_scores():
    vgg = convolutional(blocks(published("vgg16")))
    assert vgg.fc6[0].weight.shape == (4096, 512, 7, 7)
    assert vgg(torch.empty(1, 3, 448, 448, device="meta")).shape == (1, 1000, 8, 8)


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


def ours(**of_spec):
    return build(NetSpec(width=6, **of_spec), classes=3, size=32)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: as_convolution(nn.Linear(36, 5), 4, 2), "36 inputs.*4 x 2 x 2"),
        (lambda: as_convolution(nn.Linear(36, 5), 4, -3), "4 x -3 x -3"),
        (lambda: convolutional(ours(kind="map", head="gap")), "averages its map"),
        (lambda: convolutional(blocks(family("torchvision ResNet")[0])), "averages its map"),
        (lambda: convolutional(blocks(family("timm VGG")[0])), "'fc8'"),
        (
            lambda: convolutional(nn.Sequential(*ours()[:5], nn.Sequential(nn.Flatten(), nn.Linear(128, 9)))),
            "128 inputs .* 16 x 2 x 2",
        ),
        (lambda: check_size(convolutional(ours()), 24), "24 pixels are too small.* at least 25 "),
        (lambda: receptive_fields(blocks(family("torchvision ResNet")[0])), "branches"),
        (lambda: receptive_fields(nn.Sequential(nn.Conv2d(3, 4, (1, 3)))), "not square"),
    ],
)
def test_what_does_not_fit_is_an_error_with_its_sizes(wrong, said):
    with pytest.raises(InputError, match=said):
        wrong()
