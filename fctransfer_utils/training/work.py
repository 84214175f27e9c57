"""What one training step costs, counted from shapes alone: multiply-adds and bytes, no number computed.

A layer's forward pass over an image takes F multiply-adds, the gradient of its weights F more, and the gradient of its
input F again. Frozen layers need no gradient of weights, and nothing below the lowest learning layer needs any.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..models import freeze, layer_numbers
from ..models.cost import layer_costs, shapes_only
from .prefix import constant_layers

FLOAT = 4
"""Bytes of a float32 number."""


@dataclass(frozen=True)
class Work:
    """Multiply-adds for one image: of the forward pass, of that part of it that stands still and draws nothing (the
    ``prefix``, whose output can be kept: ``kept`` bytes in float32), and of the backward pass.
    """

    forward: int
    prefix: int
    backward: int
    kept: int


@dataclass(frozen=True)
class Memory:
    """Bytes of a network in training, in float32: its ``weights``, ``gradients`` with as much momentum beside them, and
    ``activations``, what a batch leaves behind for the backward pass.
    """

    weights: int
    gradients: int
    activations: int

    @property
    def total(self) -> int:
        """All three."""
        return self.weights + self.gradients + self.activations


def work_per_image(net: nn.Sequential, frozen: int | Collection[int], *, image_size: int) -> Work:
    """The work of ``net`` (which may lie on the device "meta") with these layers ``frozen``, for (3, S, S) images."""
    still = set(layer_numbers(net, frozen))
    names = [name for name, _ in net.named_children()]
    forward = dict.fromkeys(range(1, len(names) + 1), 0)
    for cost in layer_costs(net, image_size=image_size):
        number = names.index(cost.name.split(".")[0]) + 1
        forward[number] += cost.multiply_adds
    lowest = min((number for number in forward if number not in still), default=len(names) + 1)
    backward = sum(
        forward[number] * ((number not in still) + (number > lowest)) for number in forward if number >= lowest
    )
    cut = constant_layers(net, lowest - 1)
    kept = FLOAT * _output_size(net, cut, image_size) if cut else 0
    return Work(sum(forward.values()), sum(forward[number] for number in range(1, cut + 1)), backward, kept)


def memory_of(net: nn.Sequential, frozen: int | Collection[int], *, image_size: int, batch: int) -> Memory:
    """The memory of one step of ``net`` on a batch, by a step on the device "meta" that counts what it saves."""
    shadow = shapes_only(net).train()
    still = layer_numbers(shadow, frozen)
    freeze(shadow, still)
    lowest = next((number for number in range(len(shadow)) if number + 1 not in still), len(shadow))
    own = {_storage(parameter) for parameter in shadow.parameters()}
    saved: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if _storage(tensor) not in own:
            saved[_storage(tensor)] = tensor
        return tensor

    images = torch.zeros(batch, 3, image_size, image_size, device="meta")
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        with torch.no_grad():
            signal = shadow[:lowest](images)
        logits = shadow[lowest:](signal)
        loss = F.cross_entropy(logits, torch.zeros(batch, dtype=torch.int64, device="meta"))
    activations = sum(tensor.untyped_storage().nbytes() for tensor in saved.values())
    del loss
    weights = sum(parameter.numel() for parameter in shadow.parameters()) * FLOAT
    learning = sum(parameter.numel() for parameter in shadow.parameters() if parameter.requires_grad) * FLOAT
    return Memory(weights, 2 * learning, activations)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata  # on "meta" there is no address to tell storages apart by


def _output_size(net: nn.Sequential, cut: int, image_size: int) -> int:
    """How many numbers layer ``cut`` gives for one image."""
    with torch.no_grad():
        return shapes_only(net)[:cut](torch.zeros(1, 3, image_size, image_size, device="meta")).numel()
