"""Where the parameters and the multiply-adds of a network are, computed from its modules.

Forward hooks see the size of every map on the device "meta", which has shapes and no numbers: VGG-16 costs neither
memory nor time. One multiply-add is one weight used once; biases, activations, norms and pooling are not counted, as is
usual.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError, unknown
from .adapters import adapted
from .alexnet import build
from .spec import NetSpec

KINDS = ("conv", "fc", "other")


@dataclass(frozen=True)
class LayerCost:
    """One module with parameters: its name in the network, kind, sizes of its weights and output, and what it costs.

    ``kind`` is "conv", "fc" or "other" (norms, embeddings); ``output`` is without the batch. ``hidden`` says of an FC
    layer that another one follows it. ``multiply_adds`` are those for one image.
    """

    name: str
    kind: str
    weights: tuple[int, ...]
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


def layer_costs(net: nn.Module, *, image_size: int = 224) -> list[LayerCost]:
    """The cost of each module of ``net`` that has parameters, for one image (3, S, S), in the order of their work.

    ``net`` is left as it is and may lie on the device "meta". FC layers inside attention-like gates (squeeze and
    excitation) are convolutions of 1x1 in torchvision and count as such. Raises InputError when the image does not fit.
    """
    shadow = shapes_only(net)
    names = {module: name for name, module in shadow.named_modules()}
    found: list[LayerCost] = []

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        parameters = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        kind = "conv" if isinstance(module, nn.Conv2d) else "fc" if isinstance(module, nn.Linear) else "other"
        weight = getattr(module, "weight", None)
        adds = 0
        if kind == "conv":
            adds = prod(output.shape[1:]) * prod(module.weight.shape[1:])
        elif kind == "fc":
            adds = prod(output.shape[1:]) * module.in_features
        shape = () if weight is None else tuple(weight.shape)
        found.append(LayerCost(names[module], kind, shape, tuple(output.shape[1:]), parameters, adds))

    for module in shadow.modules():
        if any(True for _ in module.parameters(recurse=False)):
            module.register_forward_hook(record)
    with torch.no_grad():
        try:
            shadow(torch.zeros(1, 3, image_size, image_size, device="meta"))
        except RuntimeError as error:
            raise InputError(
                f"an image of 3x{image_size}x{image_size} does not fit this network"
                f" ({str(error).splitlines()[0]}); give the image_size that it was made for."
            ) from error
    return found


def shapes_only(net: nn.Module) -> nn.Module:
    """A copy of ``net`` in eval mode on the device "meta": its shapes without its numbers, so it takes no memory."""
    tensors = [*net.parameters(), *net.buffers()]
    known: dict[int, Any] = {id(tensor): _shape_of(tensor) for tensor in tensors}
    return copy.deepcopy(net, known).eval()


def _shape_of(tensor: Tensor) -> Tensor:
    shape = tensor.detach().to("meta")
    return nn.Parameter(shape, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else shape


def totals(costs: list[LayerCost]) -> dict[str, dict[str, int]]:
    """``{"parameters": {"conv": ..., "fc": ..., "other": ...}, "multiply_adds": {...}}``."""
    return {
        measure: {kind: sum(getattr(cost, measure) for cost in costs if cost.kind == kind) for kind in KINDS}
        for measure in ("parameters", "multiply_adds")
    }


def known_network(name: str) -> tuple[nn.Module, int]:
    """A network of ``KNOWN`` on the device "meta" (shapes, no numbers), and the side of its images."""
    if name not in KNOWN:
        raise unknown("network", name, KNOWN)
    return KNOWN[name]()


def _torchvision(name: str) -> tuple[nn.Module, int]:
    from torchvision import models

    with torch.device("meta"):
        return getattr(models, name)(weights=None), 224


def _ours(classes: int, image_size: int) -> tuple[nn.Module, int]:
    with torch.device("meta"):
        return build(NetSpec(width=24), classes=classes, image_size=image_size, seed=0), image_size


KNOWN: dict[str, Callable[[], tuple[nn.Module, int]]] = {
    "AlexNet": lambda: (adapted("alexnet", device="meta"), 224),
    "VGG-16": lambda: (adapted("vgg16", device="meta"), 224),
    "VGG-19": lambda: (adapted("vgg19", device="meta"), 224),
    "ResNet-50": lambda: _torchvision("resnet50"),
    "MobileNetV3-large": lambda: _torchvision("mobilenet_v3_large"),
    "ours (alexnet_mini-24)": lambda: _ours(100, 64),
}
"""The published networks, for 1000 classes of ImageNet, and ours for 100 classes of Tiny ImageNet."""
