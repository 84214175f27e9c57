"""Networks of timm and torchvision as blocks: the same function, cut where nothing leaks across the cut."""

import copy

import pytest
import torch
import torchvision
from made_families import FAMILIES, batch, family, published
from made_stripes import same_state, state
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models.layers import blocks, check_size, new_last_layer

every_family = pytest.mark.parametrize("name", FAMILIES)


def names(net):
    return [name for name, _ in net.named_children()]


@every_family
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@torch.no_grad()
def test_blocks_are_the_same_function_of_the_same_weights_with_the_same_chance(name, training):
    net, size = family(name)
    twin, images = copy.deepcopy(net).train(training), batch(size)
    layers = blocks(twin)
    for kind in ("parameters", "buffers"):
        own, shared = ({id(values) for values in getattr(each, kind)()} for each in (twin, layers))
        assert own == shared
    net.train(training)
    torch.manual_seed(1)
    expected = net(images)
    torch.manual_seed(1)
    assert torch.equal(layers(images), expected)
    assert len(torch.unique(expected)) > 10
    assert all(map(torch.equal, net.buffers(), twin.buffers()))  # statistics moved alike


@every_family
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@torch.no_grad()
def test_what_a_block_or_a_convolution_gives_stays_as_it_was(name, training):
    net, size = family(name)
    layers, images, taken = blocks(net).train(training), batch(size), []
    for part in layers.modules():
        if part in [*layers] or isinstance(part, nn.Conv2d | nn.Linear):
            part.register_forward_hook(lambda _, inputs, output: taken.append((output, output.clone())))
    layers(images)
    assert len(taken) > len(layers)
    assert all(torch.equal(output, then) for output, then in taken)
    assert torch.equal(images, batch(size))


@every_family
@torch.no_grad()
def test_features_are_maps_with_channels_first_or_tokens_and_scores_come_last(name):
    net, size = family(name)
    signal = batch(size, count=2)
    places = []
    for layer in blocks(net).eval():
        signal = layer(signal)
        if signal.dim() == 4:
            assert signal.shape[2] == signal.shape[3]
            places.append(signal.shape[3])
    assert places == sorted(places, reverse=True)  # a map never grows on its way up
    assert signal.shape == (2, 5)


@every_family
@torch.no_grad()
def test_a_copy_of_blocks_stands_alone(name):
    net, size = family(name)
    layers, images = blocks(net).eval(), batch(size)
    twin, expected = copy.deepcopy(layers), layers(images)
    for values in layers.parameters():
        values.zero_()
    assert torch.equal(twin(images), expected)


def test_units_are_those_that_the_papers_count():
    assert len(blocks(published("resnet50"))) == 1 + (3 + 4 + 6 + 3) + 1
    assert sum(name.startswith("block") for name in names(blocks(published("densenet121")))) == 6 + 12 + 24 + 16
    assert sum(name.startswith("block") for name in names(blocks(published("vit_b_16")))) == 12
    vgg16 = [f"conv{block}_{place}" for block, count in enumerate((2, 2, 3, 3, 3), 1) for place in range(1, count + 1)]
    assert names(blocks(published("vgg16"))) == [*vgg16, "fc6", "fc7", "fc8"]
    assert names(blocks(published("alexnet"))) == [*(f"conv{n}" for n in range(1, 6)), "fc6", "fc7", "fc8"]


class OwnResNet(torchvision.models.ResNet):
    def forward(self, x):
        return super().forward(x) * 2


@pytest.mark.parametrize(
    "net",
    [
        torchvision.models.squeezenet1_1(),
        OwnResNet(torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], 3),
        nn.Linear(3, 2),
    ],
    ids=["other family", "subclass that computes something else", "layer"],
)
def test_what_is_no_known_family_is_refused_with_those_that_are(net):
    with pytest.raises(InputError, match=r"ConvNeXt.*ResNet.*VisionTransformer"):
        blocks(net)


@every_family
@torch.no_grad()
def test_a_new_last_layer_replaces_only_the_scores(name):
    net, size = family(name)
    layers = blocks(net).eval()
    features, before = layers[:-1](batch(size)), state(layers[:-1])
    assert new_last_layer(layers, 1)[-1](features).shape == (4, 1)
    first, again, other = (new_last_layer(layers, 3, seed=seed)[-1](features) for seed in (4, 4, 5))
    assert first.shape == (4, 3)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert same_state(layers[:-1].state_dict(), before)


def test_a_last_layer_without_outputs_or_where_there_is_none_is_refused():
    layers = blocks(family("timm ResNet")[0])
    for net, classes, said in ((layers, 0, "0 outputs"), (layers[:-1], 2, "no linear layer")):
        with pytest.raises(InputError, match=said):
            new_last_layer(net, classes)


def independent_places(net, size):
    """How many of the places that fc6 reads say something of their own: the rank of them over images of noise."""
    below = nn.Sequential(*(layer for name, layer in net.named_children() if name.startswith("conv")), net.fc6[0])
    with torch.no_grad():
        return torch.linalg.matrix_rank(below(batch(size, count=12)).flatten(0, 1).flatten(1), rtol=1e-4)


@pytest.mark.parametrize(("name", "places"), [("torchvision AlexNet", 36), ("torchvision VGG", 49), ("timm VGG", 49)])
def test_the_smallest_size_is_the_first_at_which_all_places_are_independent(name, places):
    net = blocks(family(name)[0]).eval()
    smallest = next(size for size in range(8, 80) if independent_places(net, size) == places)
    before = state(net.train())
    check_size(net, smallest)
    with pytest.raises(InputError, match=rf"Give at least {smallest} pixels"):
        check_size(net, smallest - 1)
    assert same_state(net.state_dict(), before)  # to be asked changes nothing
    assert all(part.training for part in net.modules())


def test_the_published_alexnet_wants_the_images_that_it_was_made_for():
    net = blocks(published("alexnet"))
    check_size(net, 224)
    for size, sees in ((127, "3 x 3"), (64, "1 x 1")):
        with pytest.raises(InputError, match=rf"fc6 would read 6 x 6 places .* of only {sees}.*at least 223"):
            check_size(net, size)


@pytest.mark.parametrize(
    "net",
    [
        nn.Sequential(nn.Conv2d(3, 4, 7)),
        nn.Sequential(nn.Conv2d(3, 4, 5, padding=1), nn.MaxPool2d(5)),
        nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(3, 4, 4), nn.Conv2d(4, 4, 2)),
    ],
)
def test_a_window_larger_than_its_map_is_the_same_error_and_the_size_that_it_names_fits(net):
    with pytest.raises(InputError, match="at least") as caught:
        check_size(net, 4)
    smallest = int(str(caught.value).split("at least ")[1].split()[0])
    with torch.no_grad():
        assert net(batch(smallest)).numel()
        with pytest.raises(RuntimeError):
            net(batch(smallest - 1))


@pytest.mark.parametrize("name", ["timm VisionTransformer", "torchvision VisionTransformer", "timm SwinTransformer"])
def test_a_network_for_one_size_says_how_to_have_it_for_another(name):
    net, size = family(name)
    check_size(blocks(net), size)
    with pytest.raises(InputError, match="create"):
        check_size(blocks(net), 48)
