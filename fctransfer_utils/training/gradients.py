"""What the first gradients do: how large they are in each layer, and what a new head sends into an old trunk.

A head W on features h gives the trunk the gradient W^T (p - y): nothing at first where W is zero, and noise where W is
drawn large, since W^T mixes the errors by random numbers that know nothing of the task (Kumar et al. 2022,
arXiv 2202.10054, who train the head first, then all).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from .. import seeds
from ..data.image_set import Labelled
from ..errors import InputError
from ..models.init import weight_layer
from .descent import Descent, Group
from .execution import Execution, one_thread
from .feed import Batches
from .heads import Features
from .loop import Pixels


class Step(NamedTuple):
    """One of the first steps of a head: mean cross-entropy (nats) on all its features before the step, and the norm of
    the batch's gradient for the weights of each layer.
    """

    step: int
    loss: float
    norms: dict[str, float]


class LayerGradient(NamedTuple):
    """The gradient for one layer's weights: its norm, the norm of the weights, and whether the layer is new.

    ``relative`` is the share of its length by which a step of learning rate 1 would move the layer.
    """

    layer: str
    norm: float
    weight_norm: float
    new: bool

    @property
    def relative(self) -> float:
        """Norm of the gradient over the norm of the weights; infinite for a layer drawn as zeros."""
        return self.norm / self.weight_norm if self.weight_norm else float("inf") if self.norm else 0.0


def first_steps(
    head: nn.Sequential,
    learn: Features,
    *,
    steps: int = 40,
    batch_size: int = 50,
    learning_rate: float = 0.02,
    momentum: float = 0.9,
    seed: int = 0,
) -> tuple[Step, ...]:
    """The first ``steps`` of plain gradient descent of a copy of ``head`` on features; ``seed`` orders the batches.

    Dropout is off and batch norm uses its batch, so that the curves show the weights and not the noise. Raises
    InputError for no step or no features.
    """
    if steps < 1 or not len(learn.labels):
        raise InputError(f"{steps} steps on {len(learn.labels)} features show nothing; give at least 1 of each.")
    head = copy.deepcopy(head).requires_grad_(True).train()
    for part in head.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    optimiser = Descent([Group(list(head.parameters()))], momentum=momentum)
    batches = Batches(len(learn.labels), batch_size, seeds.generator(seed, "first steps"))
    found = []
    with one_thread(Execution()):
        for step in range(steps):
            with torch.no_grad():
                loss = F.cross_entropy(head(learn.values), learn.labels).item()
            chosen = next(batches)
            F.cross_entropy(head(learn.values[chosen]), learn.labels[chosen]).backward()
            found.append(Step(step, loss, _weight_gradients(head)))
            optimiser.step(learning_rate)
    return tuple(found)


def first_gradients(
    net: nn.Sequential,
    part: Labelled,
    *,
    kept: int,
    mean: Sequence[float],
    std: Sequence[float],
    batch_size: int = 250,
) -> tuple[LayerGradient, ...]:
    """The gradient of the mean cross-entropy of ``part`` for the weights of every layer of ``net``, in eval mode.

    Layers 1..``kept`` are old, the others new. ``net`` is left as it was. Raises InputError for no image.
    """
    if not len(part.labels):
        raise InputError("no images to take a gradient from; select at least one class.")
    execution = Execution(channels_last=True)  # on a CPU, convolutions this small are faster so
    pixels = Pixels.of(mean, std, execution)
    net = copy.deepcopy(net).to(memory_format=execution.memory_format).requires_grad_(True).eval()
    with one_thread(Execution()):
        for images, labels in zip(part.images.split(batch_size), part.labels.split(batch_size), strict=True):
            (F.cross_entropy(net(pixels(images)), labels, reduction="sum") / len(part.labels)).backward()
    return tuple(
        LayerGradient(
            name, weight_layer(layer).weight.grad.norm().item(), weight_layer(layer).weight.norm().item(), number > kept
        )
        for number, (name, layer) in enumerate(net.named_children(), start=1)
    )


def into_trunk(gradients: Sequence[LayerGradient]) -> float:
    """The norm of the gradient for all old weights together: what the first step would do to the trunk."""
    return sum(gradient.norm**2 for gradient in gradients if not gradient.new) ** 0.5


@torch.no_grad()
def moved_share(before: nn.Module, after: nn.Module) -> float:
    """How far the parameters of ``after`` are from those of ``before``, as a share of the length of ``before``.

    Raises InputError when the two do not have the same parameters.
    """
    ours, theirs = (dict(module.named_parameters()) for module in (before, after))
    if {n: p.shape for n, p in ours.items()} != {n: p.shape for n, p in theirs.items()}:
        raise InputError("the two networks have other parameters; compare a network with its own earlier state.")
    square = sum((theirs[name].cpu() - value.cpu()).square().sum().item() for name, value in ours.items())
    return (square / sum(value.cpu().square().sum().item() for value in ours.values())) ** 0.5


def _weight_gradients(net: nn.Sequential) -> dict[str, float]:
    return {name: weight_layer(layer).weight.grad.norm().item() for name, layer in net.named_children()}
