"""Eight-layer networks of the AlexNet family as a sequence of named layers.

Layer n is the n-th weight layer with its activation, pooling and dropout, so the n-th cut is the slice ``net[:n]``.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..errors import InputError
from .arms import arm_layers
from .init import initialise
from .spec import NetSpec

LAYER_NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
PROPORTIONS = (96, 256, 384, 384, 256, 4096, 4096)


@dataclass(frozen=True)
class Conv:
    """One convolutional layer: ``width`` filters of ``kernel`` x ``kernel``, what follows it, and its constant bias.

    ``pool`` 3 means 3x3 with stride 2; padding 1 there halves an even map exactly (32 to 16). ``response_norm`` is the
    local response normalisation of the 2012 network.
    """

    width: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1
    pool: int = 0
    pool_padding: int = 0
    response_norm: bool = False
    bias: float = 0.0


def alexnet_mini(spec: NetSpec, *, image_size: int) -> tuple[list[Conv], int]:
    """Convolutions and FC width of the course's own network, the paper's proportions for small images.

    Maps of 32, 16, 8, 8, 8 and 4 pixels for 32-pixel images. From 64 pixels on conv1 has stride 2, so that
    64-pixel images give the same maps.
    """
    widths = [spec.width * part // PROPORTIONS[0] for part in PROPORTIONS]
    convs = [
        Conv(widths[0], 5, stride=1 if image_size < 64 else 2, padding=2, pool=3, pool_padding=1),
        Conv(widths[1], 3, padding=1, pool=3, pool_padding=1),
        Conv(widths[2], 3, padding=1),
        Conv(widths[3], 3, padding=1),
        Conv(widths[4], 3, padding=1, pool=3, pool_padding=1),
    ]
    return convs, widths[5]


def alexnet_map(spec: NetSpec, *, image_size: int) -> tuple[list[Conv], int]:
    """The trunk of the FC study: ``alexnet_mini`` without pooling after conv5, which has 8 filters for each of conv1's.

    So the last map has 8 x 8 places, in which layout and localisation mean something, and its average over the places
    still has about as many numbers as there are classes.
    """
    convs, _ = alexnet_mini(spec, image_size=image_size)
    return [*convs[:4], Conv(8 * spec.width, 3, padding=1)], 32 * spec.width // 3


def alexnet(spec: NetSpec, *, image_size: int) -> tuple[list[Conv], int]:
    """torchvision's AlexNet (the one-column variant of 2014): 64, 192, 384, 256, 256 filters, FC 4096."""
    convs = [
        Conv(64, 11, stride=4, padding=2, pool=3),
        Conv(192, 5, padding=2, pool=3),
        Conv(384, 3, padding=1),
        Conv(256, 3, padding=1),
        Conv(256, 3, padding=1, pool=3),
    ]
    return convs, 4096


def caffenet(spec: NetSpec, *, image_size: int) -> tuple[list[Conv], int]:
    """CaffeNet, the network of Yosinski et al. 2014: groups, pooling before response normalisation, biases 0 or 1."""
    convs = [
        Conv(96, 11, stride=4, pool=3, response_norm=True),
        Conv(256, 5, padding=2, groups=2, pool=3, response_norm=True, bias=1.0),
        Conv(384, 3, padding=1),
        Conv(384, 3, padding=1, groups=2, bias=1.0),
        Conv(256, 3, padding=1, groups=2, pool=3, bias=1.0),
    ]
    return convs, 4096


_ARCHITECTURES = {"alexnet_mini": alexnet_mini, "alexnet": alexnet, "caffenet": caffenet, "alexnet_map": alexnet_map}
_SMALLEST = {"alexnet_mini": 32, "alexnet": 63, "caffenet": 67, "alexnet_map": 32}
_HIDDEN_FC_BIAS = {"caffenet": 1.0}


def build(spec: NetSpec, *, classes: int, image_size: int, seed: int) -> nn.Sequential:
    """A freshly drawn network of 8 named layers (6 or 8 in an arm); input (N, 3, H, W), output (N, ``classes``) logits.

    The same ``seed`` gives the same weights. Raises InputError when the image is too small for the network.
    """
    if classes < 1:
        raise InputError(f"classes = {classes}; a network needs at least 1 output.")
    if image_size < _SMALLEST[spec.name]:
        raise InputError(
            f"image_size {image_size} is too small for {spec.name}; use at least {_SMALLEST[spec.name]} pixels,"
            " or the network alexnet_mini for 32."
        )
    with torch.random.fork_rng([]):  # modules draw weights when they are made; ours are drawn below
        net, biases = _assemble(spec, classes, image_size)
    initialise(net, spec.init, biases=biases, seed=seed)
    return net


def _assemble(spec: NetSpec, classes: int, image_size: int) -> tuple[nn.Sequential, list[float]]:
    convs, hidden = _ARCHITECTURES[spec.name](spec, image_size=image_size)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = 3
    for name, conv in zip(LAYER_NAMES, convs, strict=False):
        layers[name] = conv_layer(channels, conv, batch_norm=spec.batch_norm)
        channels = conv.width
    maps = _map_size(nn.Sequential(layers), image_size)
    options = {"batch_norm": spec.batch_norm, "dropout": spec.dropout}
    if spec.arm:
        layers |= arm_layers(spec.arm, channels=channels, side=maps[-1], units=hidden, classes=classes, **options)
    else:
        layers["fc6"] = fc_layer(math.prod(maps), hidden, flatten=True, **options)
        layers["fc7"] = fc_layer(hidden, hidden, **options)
        layers["fc8"] = nn.Sequential(OrderedDict(linear=nn.Linear(hidden, classes)))
    behind = [_HIDDEN_FC_BIAS.get(spec.name, 0.0)] * (len(layers) - len(convs) - 1)
    return nn.Sequential(layers), [conv.bias for conv in convs] + behind + [0.0]


def conv_layer(channels: int, conv: Conv, *, batch_norm: bool) -> nn.Sequential:
    """Convolution, optional batch norm, optional 3x3 max pooling, ReLU, optional response normalisation."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    parts["conv"] = nn.Conv2d(
        channels,
        conv.width,
        conv.kernel,
        stride=conv.stride,
        padding=conv.padding,
        groups=conv.groups,
        bias=not batch_norm,
    )
    if batch_norm:
        parts["norm"] = nn.BatchNorm2d(conv.width)
    if conv.pool:
        parts["pool"] = nn.MaxPool2d(conv.pool, stride=2, padding=conv.pool_padding)
    # The largest of rectified values is the rectified largest value: same numbers, a quarter of the work.
    parts["relu"] = nn.ReLU()
    if conv.response_norm:
        parts["response_norm"] = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=1.0)
    return nn.Sequential(parts)


def fc_layer(
    inputs: int, outputs: int, *, flatten: bool = False, batch_norm: bool = False, dropout: float = 0.5
) -> nn.Sequential:
    """Optional flattening, a linear layer, optional batch norm, ReLU and dropout."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    if flatten:
        parts["flatten"] = nn.Flatten()
    parts["linear"] = nn.Linear(inputs, outputs, bias=not batch_norm)
    if batch_norm:
        parts["norm"] = nn.BatchNorm1d(outputs)
    parts["relu"] = nn.ReLU()
    if dropout:
        parts["dropout"] = nn.Dropout(dropout)
    return nn.Sequential(parts)


def _map_size(convs: nn.Sequential, image_size: int) -> tuple[int, ...]:
    """What the convolutions give for one image: (C, h, w)."""
    with torch.no_grad():
        maps: Tensor = convs.eval()(torch.zeros(1, 3, image_size, image_size))
    convs.train()
    return tuple(maps.shape[1:])
