"""What a fully connected (FC) layer is: a convolution over the whole map.

Long, Shelhamer and Darrell 2015 (arXiv 1411.4038) turn classifiers into fully convolutional networks; Araujo, Norris
and Sim 2019 (doi 10.23915/distill.00021) give the arithmetic of receptive fields.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import NamedTuple

from torch import nn

from ..errors import InputError


def as_convolution(linear: nn.Linear, channels: int, side: int) -> nn.Conv2d:
    """``linear`` on flattened maps (N, channels, side, side) as a convolution of side x side, on the same memory.

    Where the map is larger, the convolution gives a map of outputs. Raises InputError for another number of inputs.
    """
    if side < 1 or linear.in_features != channels * side**2:
        raise InputError(
            f"a layer of {linear.in_features} inputs does not take maps of {channels} x {side} x {side} = "
            f"{channels * side**2} values; give the map that it was made for."
        )
    window = nn.Conv2d(channels, linear.out_features, side, bias=linear.bias is not None, device="meta")
    window.weight = nn.Parameter(linear.weight.detach().view(-1, channels, side, side))
    if linear.bias is not None:
        window.bias = nn.Parameter(linear.bias.detach())
    return window


def convolutional(net: nn.Sequential) -> nn.Sequential:
    """``net`` with its FC layers as convolutions: (N, 3, S, S) to (N, classes, 1, 1), a larger image to a score map.

    For our networks that flatten a map, and for AlexNet and VGG as ``models.layers.blocks`` gives torchvision's.
    Weights are on the same memory. Adaptive pooling before fc6 is left out, since at the network's own image size it
    does nothing. Raises InputError for a network that averages its map: it takes images of any size as it is. Which
    images are too small for what it returns, ``models.layers.check_size`` says.
    """
    channels, side, converted = 3, 0, OrderedDict()
    for name, layer in net.named_children():
        parts: list[nn.Module] = []
        for part in layer if isinstance(layer, nn.Sequential) else [layer]:
            if isinstance(part, nn.Conv2d):
                channels = part.out_channels
            if isinstance(part, nn.AdaptiveAvgPool2d):
                side = part.output_size if isinstance(part.output_size, int) else part.output_size[0]
                if side == 1:
                    raise InputError("this network averages its map, so it takes images of any size as it is.")
            elif isinstance(part, nn.Linear):
                window = side or math.isqrt(part.in_features // channels)
                parts.append(as_convolution(part, channels, window))
                channels, side = part.out_features, 1
            elif any(isinstance(each, nn.Linear) for each in part.modules()):
                raise InputError(
                    f"the order of layers within {type(part).__name__} of {name!r} is not known; give a network of "
                    "plain layers, such as torchvision's AlexNet or VGG."
                )
            elif not isinstance(part, nn.Flatten):
                parts.append(part)
        converted[name] = nn.Sequential(*parts)
    result = nn.Sequential(converted)
    result.training = net.training  # the parts have their own modes and share them with net
    return result


class Field(NamedTuple):
    """What a unit behind a convolution ("conv") or pooling ("pool") of a named layer sees.

    In pixels of the image: the side of its receptive field, and how far the fields of neighbours lie apart.
    """

    layer: str
    part: str
    size: int
    stride: int


def receptive_fields(net: nn.Sequential) -> list[Field]:
    """The receptive field behind each convolution and pooling of a chain of layers, up to the first FC layer.

    A window of k pixels (dilation d) and stride s, on a map whose units see r pixels and lie j apart, gives units that
    see r + (k - 1) d j pixels and lie s j apart. Raises InputError for a network with branches.
    """
    size, stride, fields = 1, 1, []
    for name, layer in net.named_children():
        for part in layer if isinstance(layer, nn.Sequential) else [layer]:
            if isinstance(part, nn.Linear | nn.Flatten | nn.AdaptiveAvgPool2d):
                return fields
            if isinstance(part, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
                kernel, step, apart = (_side(getattr(part, what, 1)) for what in ("kernel_size", "stride", "dilation"))
                size, stride = size + (kernel - 1) * apart * stride, stride * step
                fields.append(Field(name, "conv" if isinstance(part, nn.Conv2d) else "pool", size, stride))
            elif any(isinstance(each, nn.Conv2d) for each in part.modules()):
                raise InputError(
                    f"{type(part).__name__} in {name!r} has branches, so its units have no one receptive field; give "
                    "a chain of layers, such as AlexNet or VGG."
                )
    return fields


def _side(value: int | tuple[int, int]) -> int:
    if isinstance(value, int):
        return value
    if value[0] != value[1]:
        raise InputError(f"a window of {value} is not square; receptive fields are computed for square ones.")
    return value[0]
