"""The eight-layer networks, each an ``nn.Sequential`` of named layers: ``net[:n]`` is its first n layers."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from ..errors import InputError
from ..seeds import generator
from .heads import head_layers
from .spec import NetSpec

HIDDEN = 4096 / 96  # units in fc6 and fc7 for each filter in conv1, as in the paper


def build(spec: NetSpec, *, classes: int, size: int, seed: int = 0) -> nn.Sequential:
    """The network of ``spec`` for images (N, 3, size, size), giving scores (N, classes); weights drawn from ``seed``.

    Raises InputError for an image too small for it.
    """
    if classes < 2:
        raise InputError(f"a classifier of {classes} class has nothing to tell apart; give 2 classes or more.")
    smallest = 55 if spec.kind == "caffenet" else 16  # below, conv5 of CaffeNet has no 3 x 3 map left to pool
    if size < smallest:
        raise InputError(f"images of {size} pixels are too small for {spec.kind!r}; give at least {smallest} pixels.")
    net = caffenet(classes=classes, size=size) if spec.kind == "caffenet" else mini(spec, classes=classes, size=size)
    return redraw(net, range(1, len(net) + 1), init=spec.init, seed=seed)


def mini(spec: NetSpec, *, classes: int, size: int) -> nn.Sequential:
    """AlexNet at ``spec.width`` filters in conv1: from 64 pixels on conv1 has stride 2, as the paper's has 4 at 227."""
    w1, w2, w3, w4, w5 = (spec.width * part // 96 for part in (96, 256, 384, 384, 256))
    stride, pool5 = 1 if size < 64 else 2, spec.kind == "mini"
    convolutions = OrderedDict(
        conv1=conv(3, w1, 5, stride=stride, pool=True),
        conv2=conv(w1, w2, 3, pool=True),
        conv3=conv(w2, w3, 3),
        conv4=conv(w3, w4, 3),
        conv5=conv(w4, w5, 3, pool=pool5),
    )
    side = size
    for halved in (stride == 2, True, True, pool5):
        side = (side + 1) // 2 if halved else side
    head = head_layers(
        "flat" if pool5 else spec.head, channels=w5, side=side, classes=classes,
        hidden=int(spec.width * HIDDEN), dropout=spec.dropout,
    )  # fmt: skip
    return nn.Sequential(OrderedDict(**convolutions, **head))


def conv(inputs: int, outputs: int, kernel: int, *, stride: int = 1, pool: bool = False) -> nn.Sequential:
    """A convolution, its pooling and its ReLU: in this order they give the same numbers for a quarter of the work."""
    pooling = [nn.MaxPool2d(3, 2, padding=1)] if pool else []
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2), *pooling, nn.ReLU())


def caffenet(*, classes: int = 1000, size: int = 227) -> nn.Sequential:
    """CaffeNet as Yosinski et al. trained it: 60,965,224 parameters at 1000 classes and 227 pixels."""

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    def norm() -> nn.Module:
        return nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75)

    layers = OrderedDict(
        conv1=nn.Sequential(nn.Conv2d(3, 96, 11, 4), nn.ReLU(), pool(), norm()),
        conv2=nn.Sequential(nn.Conv2d(96, 256, 5, padding=2, groups=2), nn.ReLU(), pool(), norm()),
        conv3=nn.Sequential(nn.Conv2d(256, 384, 3, padding=1), nn.ReLU()),
        conv4=nn.Sequential(nn.Conv2d(384, 384, 3, padding=1, groups=2), nn.ReLU()),
        conv5=nn.Sequential(nn.Conv2d(384, 256, 3, padding=1, groups=2), nn.ReLU(), pool()),
    )
    with torch.no_grad():
        side = nn.Sequential(layers)(torch.zeros(1, 3, size, size)).shape[-1]
    return nn.Sequential(
        OrderedDict(**layers, **head_layers("flat", channels=256, side=side, classes=classes, hidden=4096, dropout=0.5))
    )


@torch.no_grad()
def redraw(net: nn.Sequential, layers: range | list[int], *, init: str = "lecun", seed: int = 0) -> nn.Sequential:
    """Draw layers (numbered from 1) afresh in place, each from its own stream of ``seed``; returns ``net``.

    Norms go back to their start. Raises InputError, with nothing drawn, for a layer with other parameters (attention).

    "lecun": variance 1 / inputs, biases 0. Behind three max poolings, which enlarge a signal, that keeps the scores
    small at first; "he", variance 2 / inputs, does not, and the first steps overshoot. "gaussian": CaffeNet's, with
    biases of 1 in conv2, conv4, conv5, fc6 and fc7. "torch": torch's default, uniform with variance 1 / (3 inputs).
    """
    named = list(net.named_children())
    chosen = [named[number - 1] for number in layers]
    for part in nn.ModuleList(layer for _, layer in chosen).modules():
        if [*part.parameters(recurse=False)] and not hasattr(part, "reset_parameters"):
            raise InputError(
                f"no initialisation here draws the parameters of {type(part).__name__}; create the network anew with "
                "another seed and transplant from it."
            )
    for name, layer in chosen:
        chance = generator(seed, "layer", name)
        for part in layer.modules():
            if isinstance(part, nn.Conv2d | nn.Linear):
                inputs = part.weight[0].numel()
                bias = part.bias if part.bias is not None else torch.empty(0)
                if init == "torch":
                    for values in (part.weight, bias):
                        values.uniform_(-(inputs**-0.5), inputs**-0.5, generator=chance)
                elif init == "gaussian":
                    part.weight.normal_(0, 0.005 if name in ("fc6", "fc7") else 0.01, generator=chance)
                    bias.fill_(float(name in ("conv2", "conv4", "conv5", "fc6", "fc7")))
                else:
                    variance = (2 if init == "he" else 1) / inputs
                    part.weight.normal_(0, variance**0.5, generator=chance)
                    bias.zero_()
            elif hasattr(part, "reset_parameters"):
                part.reset_parameters()
    return net
