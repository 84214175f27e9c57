"""How fast this machine trains a network, by a short probe on noise."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import nn

from ..data.image_set import Labelled
from ..seeds import generator
from .execution import Execution
from .loop import train
from .recipe import Recipe
from .work import work_per_image

PROBE_IMAGES = 512
MOST_ADDS = 1e11
"""Multiply-adds of one pass of the probe, by default; large networks get fewer images."""


class Speed(NamedTuple):
    """Images per second in training, and what that is in floating-point operations (two for each multiply-add)."""

    images: float
    operations: float


def training_speed(
    net: nn.Sequential,
    *,
    image_size: int,
    recipe: Recipe,
    execution: Execution,
    frozen: int | Collection[int] = (),
    seconds: float = 1.0,
    most_adds: float = MOST_ADDS,
) -> Speed:
    """The speed at which ``net`` (its weights change) learns images (3, S, S) by ``recipe``, over about ``seconds``.

    Every image goes through all layers, as where images are augmented. Batches are as large as the recipe's, unless a
    pass over so many images would take more than ``most_adds`` multiply-adds.
    """
    work = work_per_image(net, frozen, image_size=recipe.seen(image_size))
    adds = work.forward + work.backward
    count = max(8, min(PROBE_IMAGES, int(most_adds / max(adds, 1))))
    batch = min(recipe.batch_size, count)
    count -= count % batch
    stream = generator(0, "speed")
    shape = (count, 3, image_size, image_size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=stream)
    classes = list(net.parameters())[-1].shape[0]
    noise = Labelled(images, torch.randint(0, classes, (count,), generator=stream))
    one = Labelled(noise.images[:1], noise.labels[:1])
    once = Recipe(
        epochs=1, batch_size=batch, learning_rate=1e-6, crop=recipe.crop, crop_padding=recipe.crop_padding,
        pixels=recipe.pixels,
    )  # fmt: skip
    options = {"recipe": once, "seed": 0, "flip": True, "mean": (0.5,) * 3, "std": (0.3,) * 3, "execution": execution}
    train(net, noise, one, frozen=frozen, **options)  # the first steps also load kernels and take memory
    # on a CPU one thread works all the time: its own time does not depend on what else the machine does
    clock = time.process_time if execution.device == "cpu" else time.perf_counter
    start, seen = clock(), 0
    while not seen or clock() - start < seconds:
        train(net, noise, one, frozen=frozen, **options)
        seen += count
    rate = seen / (clock() - start)
    return Speed(rate, 2 * adds * rate)
