"""What a study costs before it is run: a count of images seen, and how fast this machine sees them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InputError

if TYPE_CHECKING:
    from ..data.image_set import ImageSet
    from ..data.spec import DataSpec
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from ..training.execution import Execution

PUBLIC = {"tiny-imagenet": (200, 500), "cifar10": (10, 5000), "cifar100": (100, 500)}
PROBE_IMAGES = 512


class Cost(NamedTuple):
    """Seeds and networks of a study, classes and training images of a half, and what all networks see in training."""

    seeds: int
    networks: int
    classes: int
    images: int
    epochs: int
    images_seen: int


def count(study: Study, *, images: ImageSet | None = None) -> Cost:
    """``images_seen`` = the sum over all networks of (training images of its half, or steps x batch size) x epochs.

    A half is half of the classes, rounded down. ``images`` are those of a set whose size is not known beforehand.
    Raises InputError when it is neither given nor known.
    """
    first = study.runs[0]
    classes, per_class = (images.classes, len(images.train_labels) // images.classes) if images else _size(first.data)
    half = classes // 2
    learnt = [half * (run.images_per_class or per_class) for run in study.runs]
    seen = sum(_in_an_epoch(run, own) * run.recipe.epochs for own, run in zip(learnt, study.runs, strict=True))
    seeds = len({run.seed for run in study.runs})
    return Cost(seeds, len(study.runs), half, learnt[0], first.recipe.epochs, seen)


def _in_an_epoch(run: RunSpec, own: int) -> int:
    recipe = run.recipe
    return recipe.steps * min(recipe.batch_size, own) if recipe.steps else own


def _size(data: DataSpec) -> tuple[int, int]:
    """Classes and training images per class."""
    if data.name == "glyphs":
        return data.glyph_classes, data.glyphs_per_class
    if data.name not in PUBLIC:
        raise InputError(f"how many images {data.name!r} has is not known; load it and pass it as images.")
    return PUBLIC[data.name]


def training_speed(run: RunSpec, *, classes: int, execution: Execution, seconds: float = 1.0) -> float:
    """Images per second at which one network like ``run`` learns here, measured on noise for about ``seconds``."""
    import torch

    from ..data.image_set import Labelled
    from ..models import build
    from ..seeds import generator
    from ..training import Recipe, train

    stream = generator(0, "speed")
    size, batch = run.data.image_size, min(run.recipe.batch_size, PROBE_IMAGES)
    images = torch.randint(0, 256, (PROBE_IMAGES, 3, size, size), dtype=torch.uint8, generator=stream)
    noise = Labelled(images, torch.randint(0, classes, (PROBE_IMAGES,), generator=stream))
    one = Labelled(noise.images[:1], noise.labels[:1])
    net = build(run.net, classes=classes, image_size=size, seed=0)
    recipe = Recipe(epochs=1, batch_size=batch, learning_rate=1e-4, crop_padding=run.recipe.crop_padding)

    def epoch() -> None:
        train(net, noise, one, recipe=recipe, seed=0, flip=False, mean=(0.5,) * 3, std=(0.3,) * 3, execution=execution)

    epoch()  # the first steps also load kernels and take memory
    start, seen = time.perf_counter(), 0
    while not seen or time.perf_counter() - start < seconds:
        epoch()
        seen += PROBE_IMAGES
    return seen / (time.perf_counter() - start)
