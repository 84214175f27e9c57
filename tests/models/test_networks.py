"""Networks are eight named layers; the n-th cut is the slice net[:n]."""

import pytest
import torch
import torchvision

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import LAYER_NAMES, NetSpec, build, parameter_counts
from fctransfer_utils.models.init import weight_layer

SMALL = NetSpec(width=12)


@pytest.fixture(scope="module")
def net():
    return build(SMALL, classes=7, image_size=32, seed=0).eval()


def test_a_network_is_eight_named_layers_with_one_weight_layer_each(net):
    assert [name for name, _ in net.named_children()] == list(LAYER_NAMES)
    for layer in net:
        assert sum(isinstance(m, torch.nn.Conv2d | torch.nn.Linear) for m in layer.modules()) == 1


def test_the_cut_is_a_slice(net):
    images = torch.randn(2, 3, 32, 32)
    for n in range(9):
        assert torch.equal(net[n:](net[:n](images)), net(images))


@pytest.mark.parametrize("image_size", [32, 64])
def test_maps_are_16_8_8_8_4_for_both_image_sizes(image_size):
    net = build(SMALL, classes=7, image_size=image_size, seed=0).eval()
    maps = torch.zeros(1, 3, image_size, image_size)
    sides = []
    for layer in net[:5]:
        maps = layer(maps)
        sides.append(maps.shape[-1])
    assert sides == [16, 8, 8, 8, 4]


@pytest.mark.parametrize("width", [12, 24, 48])
def test_widths_keep_the_proportions_of_the_paper(width):
    net = build(NetSpec(width=width), classes=7, image_size=32, seed=0)
    widths = [weight_layer(layer).weight.shape[0] for layer in net[:7]]
    assert [w * 96 / width for w in widths] == [96, 256, 384, 384, 256, 4096, 4096]


def test_alexnet_computes_what_torchvision_computes():
    reference = torchvision.models.alexnet(num_classes=11).eval()
    ours = build(NetSpec("alexnet"), classes=11, image_size=224, seed=0).eval()
    theirs = [m for m in reference.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    for layer, module in zip(ours, theirs, strict=True):
        weight_layer(layer).load_state_dict(module.state_dict())
    images = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), reference(images), rtol=1e-5, atol=1e-5)


def test_caffenet_has_the_published_shapes():
    net = build(NetSpec("caffenet", init="gaussian"), classes=500, image_size=227, seed=0)
    shapes = [tuple(weight_layer(layer).weight.shape) for layer in net]
    assert shapes == [
        (96, 3, 11, 11), (256, 48, 5, 5), (384, 256, 3, 3), (384, 192, 3, 3), (256, 192, 3, 3),
        (4096, 9216), (4096, 4096), (500, 4096),
    ]  # fmt: skip
    assert [weight_layer(layer).bias.unique().tolist() for layer in net] == [[0], [1], [0], [1], [1], [1], [1], [0]]
    assert weight_layer(net.fc7).weight.std().item() == pytest.approx(0.005, rel=0.01)
    assert weight_layer(net.conv3).weight.std().item() == pytest.approx(0.01, rel=0.01)


def test_he_initialisation_keeps_the_signal_and_the_small_gaussian_loses_it():
    images = torch.randn(64, 3, 32, 32)
    spread = {}
    for init in ("he", "gaussian"):
        net = build(NetSpec(width=24, init=init), classes=7, image_size=32, seed=0).eval()
        with torch.no_grad():
            spread[init] = net[:7](images).std().item()
    assert 0.1 < spread["he"] < 10
    assert spread["gaussian"] < 1e-4


def test_the_seed_fixes_the_weights_and_each_layer_has_its_own_stream():
    first, again, other = (build(SMALL, classes=7, image_size=32, seed=s) for s in (0, 0, 1))
    more_classes = build(SMALL, classes=9, image_size=32, seed=0)
    for name in LAYER_NAMES:
        weight = weight_layer(first.get_submodule(name)).weight
        assert torch.equal(weight, weight_layer(again.get_submodule(name)).weight)
        assert not torch.equal(weight, weight_layer(other.get_submodule(name)).weight)
        if name != "fc8":
            assert torch.equal(weight, weight_layer(more_classes.get_submodule(name)).weight)


def test_building_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    build(SMALL, classes=7, image_size=32, seed=0)
    after = torch.random.get_rng_state()
    assert torch.equal(before, after)


def test_rectifying_after_pooling_changes_nothing():
    maps = torch.randn(4, 8, 16, 16)
    pool, relu = torch.nn.MaxPool2d(3, 2, 1), torch.nn.ReLU()
    assert torch.equal(pool(relu(maps)), relu(pool(maps)))


def test_relu_is_never_in_place(net):
    assert not any(m.inplace for m in net.modules() if isinstance(m, torch.nn.ReLU))


def test_parameter_counts_add_up(net):
    assert sum(parameter_counts(net).values()) == sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: NetSpec("alexnet_mimi"), "alexnet_mimi"),
        (lambda: NetSpec(width=13), "13"),
        (lambda: NetSpec(init="zero"), "zero"),
        (lambda: NetSpec(dropout=1.0), "1.0"),
        (lambda: build(NetSpec("alexnet"), classes=5, image_size=32, seed=0), "32"),
        (lambda: build(SMALL, classes=0, image_size=32, seed=0), "0"),
    ],
)
def test_bad_networks_get_one_error_that_names_the_value(make, named):
    with pytest.raises(InputError, match=named):
        make()
