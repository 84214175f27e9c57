"""Which pixels a unit of each layer sees: receptive field, stride and padding, computed from the modules.

A window of k pixels (dilation d) with stride s on a map whose units see r pixels and lie j pixels apart gives units
that see r + (k - 1) d j pixels and lie s j apart. (Dumoulin and Visin 2016, arXiv 1603.07285, give the arithmetic of
one layer.)
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from ..errors import InputError

_WINDOWED = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True)
class Window:
    """A convolution or pooling: side of its window, stride, padding and dilation, in units of the map below."""

    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def reach(self) -> int:
        """The units of the map below, from the first to the last that the window touches."""
        return self.dilation * (self.kernel - 1) + 1


@dataclass(frozen=True)
class Field:
    """What a unit of a named layer sees, in pixels of the image.

    ``size`` is the side of its receptive field, ``stride`` the distance of the fields of two neighbours, ``padding``
    by how much the first unit's field sticks out over the edge of the image. ``map_side`` is the layer's map for the
    image (1 for FC layers), ``seen`` the side of the field as far as it lies in the image, for the middle unit.
    """

    layer: str
    size: int
    stride: int
    padding: int
    map_side: int
    seen: int


def receptive_fields(net: nn.Sequential, *, image_size: int) -> list[Field]:
    """A Field per named layer of ``net`` (a chain of convolutions and pooling, then FC layers), for square images.

    The first FC layer sees what all units of the last map see together. Raises InputError for a network with branches,
    for windows that are not square, and for an image that is too small.
    """
    size, stride, padding, side = 1, 1, 0, image_size
    fields = []
    for name, layer in net.named_children():
        for module in _chain(layer):
            if isinstance(module, _WINDOWED):
                window = window_of(module)
            elif isinstance(module, nn.Linear) and side > 1:
                window = Window(side, 1, 0, 1)
            else:
                continue
            if side + 2 * window.padding < window.reach:
                raise InputError(
                    f"an image of {image_size} pixels leaves layer {name} a map of {side}, too small for its window of"
                    f" {window.reach}; give at least {max(smallest_image(net))} pixels."
                )
            size += (window.reach - 1) * stride
            padding += window.padding * stride
            stride *= window.stride
            side = (side + 2 * window.padding - window.reach) // window.stride + 1
        start = ((side - 1) // 2) * stride - padding
        seen = min(start + size, image_size) - max(start, 0)
        fields.append(Field(name, size, stride, padding, side, seen))
    return fields


def smallest_image(net: nn.Sequential) -> tuple[int, int]:
    """Height and width of the smallest image from which the convolutions and poolings of ``net`` make one unit."""
    sides = [1, 1]
    for module in reversed([module for module in _chain(net) if isinstance(module, _WINDOWED)]):
        for axis in (0, 1):
            window = window_of(module, axis=axis)
            sides[axis] = max(1, (sides[axis] - 1) * window.stride + window.reach - 2 * window.padding)
    return sides[0], sides[1]


def reached_pixels(net: nn.Sequential, n: int, *, image_size: int) -> tuple[int, int]:
    """First and last row of the image that reach the middle unit of layer ``n`` (1 is the first), by gradients.

    Nothing is computed from kernel sizes: in a copy of the layers all weights are made positive and maxima become
    means, so that no influence can vanish, and the gradient is taken to the image.
    """
    part = copy.deepcopy(net[:n]).double().eval()
    for layer in list(part.modules()):
        for name, module in list(layer.named_children()):
            if isinstance(module, nn.MaxPool2d):
                mean = nn.AvgPool2d(module.kernel_size, module.stride, module.padding, ceil_mode=module.ceil_mode)
                setattr(layer, name, mean)
            elif isinstance(module, nn.LocalResponseNorm):
                setattr(layer, name, nn.Identity())
    with torch.no_grad():
        for parameter in part.parameters():
            parameter.fill_(1.0 / parameter[0].numel() if parameter.dim() > 1 else 0.5)
    channels = next(module.in_channels for module in part.modules() if isinstance(module, nn.Conv2d))
    image = torch.ones(1, channels, image_size, image_size, dtype=torch.float64, requires_grad=True)
    maps = part(image)
    middle = (maps.shape[-2] - 1) // 2, (maps.shape[-1] - 1) // 2
    (gradient,) = torch.autograd.grad(maps[0, :, middle[0], middle[1]].sum(), image)
    rows = torch.nonzero(gradient[0].abs().sum((0, 2))).flatten()
    return int(rows[0]), int(rows[-1])


def window_of(module: nn.Module, *, axis: int | None = None) -> Window:
    """The window of a convolution or pooling along ``axis`` (0 rows, 1 columns); without one it must be square.

    Raises InputError when it is not, and for a padding that is a word.
    """
    values = []
    for name in ("kernel_size", "stride", "padding", "dilation"):
        value = getattr(module, name, 1)
        pair = value if isinstance(value, tuple) else (value, value)
        if isinstance(value, str) or (axis is None and pair[0] != pair[1]):
            raise InputError(
                f"{type(module).__name__} has {name} {value!r}; receptive fields are computed for square windows and"
                " padding in pixels."
            )
        values.append(int(pair[axis or 0]))
    return Window(*values)


def _chain(module: nn.Module) -> Iterator[nn.Module]:
    """The modules of a chain in the order in which they work."""
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _chain(part)
    elif any(isinstance(part, (*_WINDOWED, nn.Linear)) for part in list(module.modules())[1:]):
        raise InputError(
            f"{type(module).__name__} is no chain of layers, so its units have no one receptive field; give an"
            " nn.Sequential."
        )
    else:
        yield module
