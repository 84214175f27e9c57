"""The last convolution seen as maps: its response, class activation maps, and the first gradient that reaches it.

Maps are (N, C, h, w), float32 on the CPU; networks are sequences of named layers such as those of ``models.arms``.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import seeds
from ..data.image_set import Labelled
from ..errors import InputError
from ..models.heads import feature_size
from ..models.init import draw_layer, weight_layer
from .execution import Execution, one_thread
from .features import activations

LAST = "conv5"  # the last layer of the trunk that all arms share


class FirstGradient(NamedTuple):
    """What the loss of each image sends into the last convolution before anything is learnt: both (N, C, h, w).

    ``output`` is the gradient for the maps that leave it; ``behind_relu`` is what of that passes its ReLU and moves its
    weights: 0 wherever the map is 0.
    """

    output: Tensor
    behind_relu: Tensor


def last_maps(
    net: nn.Sequential,
    images: Tensor,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    layer: str = LAST,
    execution: Execution | None = None,
    batch_size: int = 250,
) -> Tensor:
    """The maps (N, C, h, w) that ``layer`` makes of uint8 ``images`` (N, 3, S, S), after its ReLU, in eval mode.

    Raises InputError for a layer without maps, and as ``training.features.activations``.
    """
    options = {"mean": mean, "std": std, "execution": execution, "batch_size": batch_size}
    found = activations(net, images, layers=[layer], **options)[layer]
    size = feature_size(net[: _place(net, layer) + 1], image_size=images.shape[-1])
    if len(size) != 3:
        raise InputError(f"{layer} gives vectors of {size[0]}, not maps; name a convolution, such as {LAST}.")
    return found.reshape(-1, *size)


def class_activation_maps(
    net: nn.Sequential, images: Tensor, *, mean: Sequence[float], std: Sequence[float], **options
) -> Tensor:
    """Where each image speaks for the class that ``net`` takes it for (Zhou et al. 2016): (N, h, w).

    The maps below the average pooling, weighted by the last layer's weights for that class; their mean is its score
    without bias. Raises InputError for a network with anything between the average and the last layer.
    """
    names = [name for name, _ in net.named_children()]
    if not averages_last(net):
        raise InputError(
            "class activation maps need the last layer right behind an average over the map (arms A and E); this"
            f" network ends in {', '.join(names[-3:])}. Use gradient_class_maps, which every network has."
        )
    maps = last_maps(net, images, mean=mean, std=std, layer=names[-2], **options)
    weight, bias = (value.detach().cpu().float() for value in _last(net).parameters())
    with torch.no_grad():
        classes = (maps.mean((2, 3)) @ weight.T + bias).argmax(1)
        return torch.einsum("nchw,nc->nhw", maps, weight[classes])


def gradient_class_maps(
    net: nn.Sequential, images: Tensor, *, mean: Sequence[float], std: Sequence[float], batch_size: int = 250, **options
) -> Tensor:
    """The same for any head, by gradients (Grad-CAM, Selvaraju et al. 2017): (N, h, w) over the maps of conv5.

    Each channel is weighted by the mean gradient, over the places, of the score of the class that ``net`` takes the
    image for. The ReLU of the paper is left out, so that for arm A it is the class activation map over the number of
    places.
    """
    maps = last_maps(net, images, mean=mean, std=std, batch_size=batch_size, **options)
    head, execution = net[_place(net, LAST) + 1 :], options.get("execution") or Execution()
    kept = []
    for batch in maps.split(batch_size):
        slope = _gradient(head, batch, lambda scores, _: scores.amax(1).sum(), execution=execution)
        kept.append(torch.einsum("nchw,nc->nhw", batch, slope.mean((2, 3))))
    return torch.cat(kept)


def first_gradient(
    net: nn.Sequential,
    part: Labelled,
    *,
    classes: int,
    seed: int,
    mean: Sequence[float],
    std: Sequence[float],
    batch_size: int = 250,
    **options,
) -> FirstGradient:
    """The gradient of each image's cross-entropy for the maps of conv5 at the first step of fine-tuning on ``part``.

    The last layer is drawn anew for ``classes`` outputs (standard deviation 0.001, by ``seed``), what stands between
    is the network's own; dropout is off, so that maps show weights and not noise. ``net`` is left as it was. Raises
    InputError for no image and for a label that is none of the classes.
    """
    if len(part.labels) and not 0 <= int(part.labels.min()) <= int(part.labels.max()) < classes:
        raise InputError(f"labels reach {int(part.labels.max())}, but there are {classes} classes; number them from 0.")
    maps = last_maps(net, part.images, mean=mean, std=std, batch_size=batch_size, **options)
    head, execution = new_last(net, classes=classes, seed=seed)[_place(net, LAST) + 1 :], options.get("execution")
    kept = [
        _gradient(
            head,
            batch,
            lambda scores, truth: F.cross_entropy(scores, truth, reduction="sum"),
            labels=labels,
            execution=execution or Execution(),
        )
        for batch, labels in zip(maps.split(batch_size), part.labels.split(batch_size), strict=True)
    ]
    output = torch.cat(kept)
    return FirstGradient(output, output * (maps > 0))


def new_last(net: nn.Sequential, *, classes: int, seed: int) -> nn.Sequential:
    """A copy of ``net`` whose last layer is drawn anew for ``classes`` outputs, with standard deviation 0.001."""
    if classes < 1:
        raise InputError(f"classes = {classes}; a last layer needs at least 1 output.")
    copied = copy.deepcopy(net)
    with torch.random.fork_rng([]):  # the module draws weights when it is made; ours are drawn below
        last = nn.Linear(_last(net).in_features, classes)
    draw_layer(last, "small", generator=seeds.generator(seed, "new last layer"))
    copied[-1].linear = last.to(_last(net).weight.device)
    return copied


def averages_last(net: nn.Sequential) -> bool:
    """Whether the last layer stands right behind an average over the map, so that class activation maps exist."""
    return any(isinstance(part, nn.AdaptiveAvgPool2d) for part in net[-1].modules())


def _gradient(head: nn.Sequential, maps: Tensor, loss, *, execution: Execution, labels: Tensor | None = None) -> Tensor:
    """The gradient of ``loss(scores, labels)`` for ``maps``, through ``head`` in eval mode."""
    training = head.training
    head.to(execution.device).eval()
    truth = None if labels is None else labels.to(execution.device)
    entering = maps.detach().to(execution.device, memory_format=execution.memory_format).requires_grad_(True)
    try:
        with one_thread(execution), torch.enable_grad():
            (slope,) = torch.autograd.grad(loss(head(entering).float(), truth), entering)
    finally:
        head.train(training)
    return slope.cpu().contiguous()


def _last(net: nn.Sequential) -> nn.Linear:
    return weight_layer(net[-1])


def _place(net: nn.Sequential, layer: str) -> int:
    return [name for name, _ in net.named_children()].index(layer)
