"""Receptive fields: what the formula says is what gradients find."""

import pytest
import torch
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.adapters import adapted
from fctransfer_utils.models.convert import as_convolutions
from fctransfer_utils.models.receptive import reached_pixels, receptive_fields, smallest_image


def ours(name="alexnet_mini", image_size=32):
    with torch.device("meta"):
        return build(NetSpec(name, width=12), classes=7, image_size=image_size, seed=0)


def test_the_fields_of_alexnet_and_vgg16_are_the_known_ones():
    fields = {field.layer: field for field in receptive_fields(adapted("vgg16", device="meta"), image_size=224)}
    assert (fields["conv1_1"].size, fields["conv5_3"].size, fields["fc6"].size) == (3, 212, 404)
    assert (fields["conv5_3"].stride, fields["conv5_3"].map_side, fields["fc8"].map_side) == (32, 7, 1)
    fields = {field.layer: field for field in receptive_fields(adapted("alexnet", device="meta"), image_size=224)}
    assert (fields["conv1"].size, fields["conv5"].size, fields["fc6"].size) == (19, 195, 355)


def test_fc_layers_see_the_whole_image():
    fields = receptive_fields(ours(), image_size=32)
    assert [field.seen for field in fields[5:]] == [32, 32, 32]
    assert fields[5].size == fields[4].size + 3 * fields[4].stride


@pytest.mark.parametrize(("name", "image_size"), [("alexnet_mini", 150), ("caffenet", 227)])
def test_gradients_reach_exactly_the_pixels_of_the_field(name, image_size):
    net = build(NetSpec(name, width=12), classes=7, image_size=image_size, seed=0)
    for n, field in enumerate(receptive_fields(net, image_size=image_size)[:3], start=1):
        first, last = reached_pixels(net, n, image_size=image_size)
        assert last - first + 1 == field.size
        assert first == (field.map_side - 1) // 2 * field.stride - field.padding


def test_dilation_widens_the_field():
    net = nn.Sequential(nn.Sequential(nn.Conv2d(1, 1, 3, dilation=2)), nn.Sequential(nn.Conv2d(1, 1, 3)))
    assert [field.size for field in receptive_fields(net, image_size=20)] == [5, 7]
    first, last = reached_pixels(net, 2, image_size=20)
    assert last - first + 1 == 7


def test_the_smallest_image_is_the_smallest_that_works():
    net = as_convolutions(build(NetSpec(width=12), classes=7, image_size=32, seed=0))
    (side, width) = smallest_image(net)
    assert width == side
    net._forward_pre_hooks.clear()
    assert net(torch.zeros(1, 3, side, side)).shape[-1] == 1
    with pytest.raises(RuntimeError, match="[Kk]ernel"):
        net(torch.zeros(1, 3, side - 1, side - 1))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: receptive_fields(adapted("alexnet", device="meta"), image_size=40), "40 pixels.*at least 63"),
        (lambda: receptive_fields(nn.Sequential(nn.Conv2d(1, 1, (3, 5))), image_size=9), r"kernel_size \(3, 5\)"),
        (lambda: receptive_fields(nn.Sequential(nn.ModuleList([nn.Conv2d(1, 1, 3)])), image_size=9), "no chain"),
    ],
)
def test_what_has_no_square_field_is_refused(make, words):
    with pytest.raises(InputError, match=words):
        make()
