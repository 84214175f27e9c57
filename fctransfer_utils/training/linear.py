"""One linear layer on the pixels: what a set of images gives away without any feature being learnt."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from .. import seeds
from ..data.image_set import ImageSet
from ..errors import InputError
from .execution import Execution
from .loop import TrainResult, train
from .recipe import Recipe

RATES = (0.0003, 0.001, 0.003)


def linear_on_pixels(
    images: ImageSet,
    classes: Sequence[int],
    *,
    recipe: Recipe,
    execution: Execution,
    rates: Sequence[float] = RATES,
    seed: int = 0,
) -> TrainResult:
    """The best of a few linear classifiers of ``classes``, one per learning rate, by ``recipe`` otherwise.

    The best is chosen by the test top-1 itself, so the number is, if anything, too good. Without random crops: a
    shifted image is another point for a linear layer. Raises InputError for no rate or when all diverge.
    """
    learn, test = images.select(classes), images.select(classes, part="test")
    results = []
    for rate in rates:
        layer = nn.Linear(learn.images[0].numel(), len(classes))
        with torch.no_grad():
            layer.weight.normal_(0.0, 0.001, generator=seeds.generator(seed, "linear"))
            layer.bias.zero_()
        net = nn.Sequential(OrderedDict(fc1=nn.Sequential(nn.Flatten(), layer)))
        result = train(
            net, learn, test, recipe=replace(recipe, learning_rate=rate, crop_padding=0), seed=seed,
            flip=images.flip, mean=images.mean, std=images.std, execution=execution,
        )  # fmt: skip
        results.append(result)
    settled = [result for result in results if not result.diverged]
    if not settled:
        raise InputError(f"no linear classifier learnt with the rates {tuple(rates)}; give smaller ones.")
    return max(settled, key=lambda result: result.top1)
