"""An FC layer is a convolution; a larger image gives a map; GAP and a linear layer are tied weights."""

import pytest
import torch
import torchvision
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.adapters import adapted
from fctransfer_utils.models.convert import as_convolutions, tied_flatten, tied_weights


def ours(*, width=12, classes=7, image_size=32, **options):
    net = build(NetSpec(width=width, **options), classes=classes, image_size=image_size, seed=0).eval()
    with torch.no_grad():
        net.fc8.linear.weight.mul_(100)  # drawn tiny; equality of tiny numbers says little
    return net


def noise(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("options", "image_size"), [({}, 32), ({"batch_norm": True}, 32), ({"width": 24}, 64)])
def test_the_converted_network_computes_the_same(options, image_size):
    net = ours(image_size=image_size, **options)
    if options.get("batch_norm"):
        net.fc6.norm.running_mean.normal_()
        net.fc6.norm.running_var.uniform_(0.5, 2)
    images = noise(3, 3, image_size, image_size)
    scores = as_convolutions(net)(images)
    assert scores.shape == (3, 7, 1, 1)
    torch.testing.assert_close(scores.flatten(1), net(images), rtol=1e-5, atol=1e-5)


def test_torchvisions_alexnet_is_converted_with_and_without_the_adapter():
    reference = torchvision.models.alexnet(num_classes=11).eval()
    images = noise(1, 3, 224, 224)
    with torch.no_grad():
        scores = as_convolutions(reference)(images)
        torch.testing.assert_close(scores.flatten(1), reference(images), rtol=1e-5, atol=1e-5)
        assert as_convolutions(reference)(noise(1, 3, 288, 256)).shape == (1, 11, 3, 2)


def test_the_fc_layers_of_vgg16_become_7x7_and_1x1_convolutions():
    converted = as_convolutions(adapted("vgg16", device="meta"))
    assert tuple(converted.fc6.conv.weight.shape) == (4096, 512, 7, 7)
    assert tuple(converted.fc7.conv.weight.shape) == (4096, 4096, 1, 1)
    assert tuple(converted.fc8.conv.weight.shape) == (1000, 4096, 1, 1)
    assert converted(torch.zeros(2, 3, 448, 448, device="meta")).shape == (2, 1000, 8, 8)


def test_the_fc_part_alone_is_converted_on_its_maps():
    """The layout of VGG's FC part with few units: pooling to 7x7, flattening, two hidden layers."""
    net = nn.Sequential(
        nn.AdaptiveAvgPool2d(7), nn.Flatten(), nn.Linear(6 * 49, 20), nn.ReLU(), nn.Dropout(), nn.Linear(20, 5)
    ).eval()
    maps = noise(2, 6, 7, 7)
    torch.testing.assert_close(as_convolutions(net)(maps).flatten(1), net(maps), rtol=1e-5, atol=1e-5)
    assert as_convolutions(net)(noise(2, 6, 14, 14)).shape == (2, 5, 8, 8)


def test_without_padding_each_place_of_the_map_is_the_network_on_that_part_of_the_image():
    convs = nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.MaxPool2d(2))
    net = nn.Sequential(convs, nn.Flatten(), nn.Linear(5 * 7 * 7, 4)).eval()
    image = noise(1, 3, 24, 20)
    scores = as_convolutions(net)(image)
    assert scores.shape == (1, 4, 5, 3)
    for row in range(5):
        for column in range(3):
            part = image[:, :, 2 * row : 2 * row + 16, 2 * column : 2 * column + 16]
            torch.testing.assert_close(scores[:, :, row, column], net(part), rtol=1e-5, atol=1e-5)


def test_a_map_that_is_not_square_must_be_named():
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 3 * 5, 4)).eval()
    with pytest.raises(InputError, match="30 features.*2 maps of 3x3.*map_size"):
        as_convolutions(net)
    image = noise(1, 3, 3, 5)
    converted = as_convolutions(net, map_size=(3, 5))
    torch.testing.assert_close(converted(image).flatten(1), net(image), rtol=1e-5, atol=1e-5)


def test_the_weights_are_the_same_memory_and_the_network_is_left_as_it_was():
    net = ours()
    converted = as_convolutions(net)
    assert converted.fc6.conv.weight.data_ptr() == net.fc6.linear.weight.data_ptr()
    assert converted.conv1 is not net.conv1
    assert converted.conv1.conv is net.conv1.conv
    assert isinstance(net.fc6.linear, nn.Linear)
    assert next(name for name, _ in net.fc6.named_children()) == "flatten"


def test_an_image_too_small_for_the_conversion_is_refused_with_the_size_it_needs():
    converted = as_convolutions(ours())
    assert converted(noise(1, 3, 25, 25)).shape == (1, 7, 1, 1)
    with pytest.raises(InputError, match="20x24 is too small.*25x25"):
        converted(noise(1, 3, 20, 24))


def test_a_network_without_fc_layers_has_nothing_to_convert():
    with pytest.raises(InputError, match="no fully connected layer"):
        as_convolutions(ours()[:5])
    with pytest.raises(InputError, match="ResNet is neither"):
        as_convolutions(torchvision.models.resnet18())


def test_global_pooling_is_refused_with_the_way_out():
    net = nn.Sequential(nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4))
    with pytest.raises(InputError, match="tied_flatten"):
        as_convolutions(net)


def test_global_average_pooling_and_a_linear_layer_is_an_fc_layer_with_tied_weights():
    linear, maps = nn.Linear(6, 4), noise(3, 6, 5, 2)
    tied = tied_flatten(linear, (5, 2))
    assert tied.weight.shape == (4, 60)
    assert len(tied.weight[0].unique()) == 6
    torch.testing.assert_close(tied(maps.flatten(1)), linear(maps.mean((2, 3))), rtol=1e-5, atol=1e-5)


def test_tying_again_gives_the_layer_back():
    linear = nn.Linear(6, 4)
    torch.testing.assert_close(tied_weights(tied_flatten(linear, (5, 2)), (5, 2)).weight, linear.weight)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: tied_weights(nn.Linear(10, 2), (2, 2)), "10 features.*2x2"),
        (lambda: tied_flatten(nn.Linear(10, 2), (0, 2)), "map_size"),
        (lambda: as_convolutions(nn.Sequential(nn.Linear(10, 2)), map_size=(3, 3)), "10 features.*3x3"),
    ],
)
def test_sizes_that_do_not_fit_are_named(make, words):
    with pytest.raises(InputError, match=words):
        make()
