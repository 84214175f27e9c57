"""Several cuts of one frozen network compared on the same images: each image goes through the trunk once.

The case that people ask about is one call: VGG-19 cut after its second FC layer ("fc7" in the papers' names, "fc2" in
Keras) with a new last layer, against a new dense layer on the last convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import nn

from ..data.image_set import Labelled
from ..data.variants import resized
from ..errors import InputError
from ..models.fresh import cut_number
from ..models.heads import HeadSpec
from .features import activations
from .heads import Features, train_heads
from .recipe import Recipe

AT_ONCE = 100
CASE = {
    "cut after fc7, new last layer": ("fc7", HeadSpec()),
    "cut after the last convolution, new dense layer and last layer": ("", HeadSpec(hidden=(256,))),
}
"""The question from the forums; "" stands for the last convolution, whatever its name."""


class CutResult(NamedTuple):
    """A new head on a frozen cut: the choice's name, the cut's layer, its features, the head, its size and top-1."""

    choice: str
    cut: str
    features: int
    head: str
    parameters: int
    seed: int
    top1: float


def last_convolution(net: nn.Sequential) -> str:
    """The name of the last layer with a convolution. Raises InputError where there is none."""
    names = [
        name for name, layer in net.named_children() if any(isinstance(part, nn.Conv2d) for part in layer.modules())
    ]
    if not names:
        raise InputError("this network has no convolution to cut after; name one of its layers.")
    return names[-1]


def compare_cuts(
    donor: nn.Sequential,
    choices: Mapping[str, tuple[str, HeadSpec]] = CASE,
    *,
    learn: Labelled,
    judge: Labelled,
    classes: int,
    recipe: Recipe,
    mean: Sequence[float],
    std: Sequence[float],
    image_size: int = 0,
    seeds: Sequence[int] = (0,),
) -> tuple[CutResult, ...]:
    """A head per choice (cut, head) and seed on what ``donor`` makes of the images, in eval mode, its layers frozen.

    Images uint8 (N, 3, S, S) are brought to ``image_size`` (0: left as they are) in small batches. Raises InputError
    for a cut that is none and for heads that do not fit.
    """
    if not choices or not seeds:
        raise InputError("nothing to compare; give at least one choice of cut and head, and one seed.")
    names = [name for name, _ in donor.named_children()]
    cuts = {
        choice: names[cut_number(donor, cut or last_convolution(donor)) - 1] for choice, (cut, _) in choices.items()
    }
    wanted = list(dict.fromkeys(cuts.values()))
    parts = [features_at(donor, part, wanted, mean=mean, std=std, image_size=image_size) for part in (learn, judge)]
    found = []
    for choice, (_, spec) in choices.items():
        ours, theirs = (part[cuts[choice]] for part in parts)
        for seed in seeds:
            (result,) = train_heads([spec], ours, theirs, classes=classes, recipe=recipe, seed=seed)
            width = ours.values[0].numel()
            found.append(CutResult(choice, cuts[choice], width, spec.label, result.parameters, seed, result.top1))
    return tuple(found)


def features_at(
    net: nn.Sequential,
    part: Labelled,
    layers: Sequence[str],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    image_size: int = 0,
) -> dict[str, Features]:
    """What the named layers make of labelled images, flattened (N, F), each image run once."""
    kept: dict[str, list] = {name: [] for name in layers}
    names = [name for name, _ in net.named_children()]
    if set(layers) <= set(names):  # what is above is not needed, nor the image size that it is made for
        net = net[: 1 + max(names.index(name) for name in layers)]
    for images in part.images.split(AT_ONCE):
        batch = resized(images, image_size) if image_size else images
        for name, values in activations(net, batch, layers=layers, mean=mean, std=std, batch_size=AT_ONCE).items():
            kept[name].append(values)
    return {name: Features(torch.cat(values), part.labels) for name, values in kept.items()}
