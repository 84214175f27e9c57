"""A fully connected layer is a convolution: the same numbers, arranged to slide over larger images.

An FC layer on maps of C x h x w takes each output as a weighted sum over the whole map, and so does a convolution with
windows of h x w at its only place. On a larger map the convolution has more places: a map of class scores. (Long,
Shelhamer and Darrell 2015, arXiv 1411.4038; "OverFeat", Sermanet et al. 2014, arXiv 1312.6229.)
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError
from .receptive import smallest_image


def as_convolutions(net: nn.Module, *, map_size: tuple[int, int] | None = None) -> nn.Sequential:
    """``net`` with every FC layer as a convolution: (N, 3, S, S) to (N, K, 1, 1), a larger image to (N, K, H, W).

    ``net`` is an nn.Sequential (ours, an adapted one, or only its FC part, which then takes maps), or torchvision's
    AlexNet or VGG. ``map_size`` (h, w) is the map that the first FC layer was made for, where neither an adaptive
    pooling before it nor square maps tell. Weights are the same memory seen in another shape: nothing is copied, and
    what changes in one network changes in the other. Adaptive pooling is left out: at the network's own image size it
    does nothing. Raises InputError for a network without FC layers, for global average pooling (see ``tied_flatten``)
    and for sizes that do not fit.
    """
    if not isinstance(net, nn.Sequential):
        from .adapters import named_layers

        net = named_layers(net)
    if not any(isinstance(module, nn.Linear) for module in net.modules()):
        raise InputError(
            "the network has no fully connected layer (nn.Linear), so there is nothing to convert; it takes larger"
            " images as it is."
        )
    converted = _Converter(map_size).sequence(net)
    converted.register_forward_pre_hook(_LargeEnough(smallest_image(converted)))
    return converted


def tied_flatten(linear: nn.Linear, map_size: tuple[int, int]) -> nn.Linear:
    """The FC layer on flattened maps (N, C h w) that equals ``linear`` behind global average pooling, (N, C).

    Its weights are tied: at every place of the map the same C numbers, divided by the number of places.
    """
    height, width = _checked(map_size)
    with torch.no_grad():
        places = linear.weight[:, :, None].expand(-1, -1, height * width) / (height * width)
        return _linear(places.reshape(linear.out_features, -1), linear.bias)


def tied_weights(linear: nn.Linear, map_size: tuple[int, int]) -> nn.Linear:
    """The other way round: the layer (N, C) behind global average pooling that is nearest to ``linear`` (N, C h w).

    Its weight of a channel is the sum over the places, so a layer with tied weights is found again exactly. Raises
    InputError when ``linear`` does not take maps of ``map_size``.
    """
    height, width = _checked(map_size)
    if linear.in_features % (height * width):
        raise InputError(
            f"the layer takes {linear.in_features} features, no multiple of a map of {height}x{width} ="
            f" {height * width} places; give the map size that it was made for."
        )
    with torch.no_grad():
        summed = linear.weight.reshape(linear.out_features, -1, height * width).sum(2)
        return _linear(summed, linear.bias)


class _Converter:
    """Walks through a chain of modules; remembers the channels and the map that the next FC layer will get."""

    def __init__(self, map_size: tuple[int, int] | None) -> None:
        self.map_size = None if map_size is None else _checked(map_size)
        self.channels: int | None = None
        self.flat = False

    def sequence(self, net: nn.Sequential) -> nn.Sequential:
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        for name, module in net.named_children():
            new = self.sequence(module) if isinstance(module, nn.Sequential) else self.module(module)
            if new is not None:
                parts["conv" if name == "linear" else name] = new
        return _in_mode_of(net, nn.Sequential(parts))

    def module(self, module: nn.Module) -> nn.Module | None:
        if isinstance(module, nn.Conv2d):
            self.channels = module.out_channels
        elif isinstance(module, nn.AdaptiveAvgPool2d):
            return self.pool(module)
        elif isinstance(module, nn.Flatten):
            return None
        elif isinstance(module, nn.Linear):
            return self.linear(module)
        elif isinstance(module, nn.BatchNorm1d):
            return _norm(module)
        elif any(isinstance(part, nn.Linear) for part in module.modules()):
            raise InputError(
                f"{type(module).__name__} holds FC layers but is no nn.Sequential, so the order of its layers is not"
                " known; write it as one."
            )
        return module

    def pool(self, module: nn.AdaptiveAvgPool2d) -> None:
        size = module.output_size
        height, width = size if isinstance(size, tuple) else (size, size)
        if (height, width) == (1, 1):
            raise InputError(
                "the FC part begins with global average pooling, which no convolution of fixed size equals at every"
                " image size; put models.convert.tied_flatten in its place first."
            )
        if self.map_size is None and height and width:
            self.map_size = (int(height), int(width))

    def linear(self, module: nn.Linear) -> nn.Conv2d:
        height, width = self._window(module) if not self.flat else (1, 1)
        self.flat = True
        channels = module.in_features // (height * width)
        conv = nn.Conv2d(channels, module.out_features, (height, width), bias=module.bias is not None, device="meta")
        shape = (module.out_features, channels, height, width)
        conv.weight = nn.Parameter(module.weight.detach().view(shape), requires_grad=module.weight.requires_grad)
        if module.bias is not None:
            conv.bias = nn.Parameter(module.bias.detach(), requires_grad=module.bias.requires_grad)
        return _in_mode_of(module, conv)

    def _window(self, module: nn.Linear) -> tuple[int, int]:
        """The map that the first FC layer takes whole."""
        features = module.in_features
        if self.map_size is None:
            places = features // (self.channels or features)
            side = math.isqrt(places)
            window = (side, side)
        else:
            window = self.map_size
        area = window[0] * window[1]
        if features % area or (self.channels is not None and features != self.channels * area):
            maps = "maps" if self.channels is None else f"{self.channels} maps"
            raise InputError(
                f"the first FC layer takes {features} features, which are not {maps} of {window[0]}x{window[1]}; give"
                " the map_size (h, w) that it was made for."
            )
        return window


@dataclass(frozen=True)
class _LargeEnough:
    """Says how large an image must be before a window fails to fit somewhere inside."""

    smallest: tuple[int, int]

    def __call__(self, net: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        height, width = inputs[0].shape[-2:]
        if height < self.smallest[0] or width < self.smallest[1]:
            raise InputError(
                f"an input of {height}x{width} is too small for this fully convolutional network; give at least"
                f" {self.smallest[0]}x{self.smallest[1]}."
            )


def _norm(norm: nn.BatchNorm1d) -> nn.BatchNorm2d:
    """Batch norm over the channels of maps with the numbers of ``norm``."""
    new = nn.BatchNorm2d(
        norm.num_features, eps=norm.eps, momentum=norm.momentum, affine=norm.affine,
        track_running_stats=norm.track_running_stats, device="meta",
    )  # fmt: skip
    new._parameters, new._buffers = dict(norm._parameters), dict(norm._buffers)
    return _in_mode_of(norm, new)


def _in_mode_of(old: nn.Module, new: Any) -> Any:
    """``new`` itself, set to learn or to be used as ``old`` was; the modules inside keep their own mode."""
    new.training = old.training
    return new


def _linear(weight: Tensor, bias: Tensor | None) -> nn.Linear:
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = nn.Parameter(weight.clone())
    if bias is not None:
        layer.bias = nn.Parameter(bias.detach().clone())
    return layer


def _checked(map_size: tuple[int, int]) -> tuple[int, int]:
    if len(map_size) != 2 or not all(isinstance(side, int) and side > 0 for side in map_size):
        raise InputError(f"map_size {map_size!r} is not a pair of whole numbers (h, w) from 1 on, such as (7, 7).")
    return map_size[0], map_size[1]
