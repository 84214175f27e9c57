"""How the learning rate of a study is found: one stated search on base networks, never by hand per treatment.

A base network of half A of the split learns with each rate of the grid, by the study's own recipe, on nine tenths of
its training images; the last tenth of every class (drawn by the seed) is the judge. The best rate serves every
treatment. The test images are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch

from .. import seeds
from ..data.image_set import ImageSet, Labelled
from ..errors import InputError
from ..models import NetSpec, build
from .execution import Execution
from .loop import train
from .recipe import Recipe

GRID = (0.005, 0.01, 0.02, 0.05, 0.1)
VALIDATION_SHARE = 0.1


@dataclass(frozen=True)
class Trial:
    """One rate of the grid: validation top-1 (fraction), last training loss (nats), and whether it diverged."""

    learning_rate: float
    validation_top1: float
    train_loss: float
    diverged: bool


def search(
    images: ImageSet,
    classes: Sequence[int],
    *,
    net: NetSpec,
    recipe: Recipe,
    execution: Execution,
    grid: Sequence[float] = GRID,
    images_per_class: int = 0,
    seed: int = 0,
    each: Callable[..., Iterable[Trial]] = map,
) -> tuple[Trial, ...]:
    """Train one base network on ``classes`` per rate of ``grid``; the trials, in the order of the grid.

    All trials share initial weights, order of images and augmentation. ``each`` calls a function for every rate, here
    one after another or elsewhere side by side. Raises InputError for an empty grid.
    """
    if not grid:
        raise InputError("the grid of learning rates is empty; give at least one rate.")
    learn, judge = hold_out(images.select(classes, per_class=images_per_class, seed=seed), seed=seed)
    how = {"flip": images.flip, "mean": images.mean, "std": images.std, "execution": execution}
    sizes = {"classes": len(classes), "image_size": recipe.seen(images.image_size)}
    return tuple(each(partial(_trial, net, sizes, learn, judge, recipe, seed, how), grid))


def _trial(net, sizes, learn, judge, recipe, seed, how, rate: float) -> Trial:
    model = build(net, seed=seeds.derive(seed, "learning rate", "init"), **sizes)
    learning = seeds.derive(seed, "learning rate", "learn")
    result = train(model, learn, judge, recipe=replace(recipe, learning_rate=rate), seed=learning, **how)
    return Trial(rate, result.top1, result.train_loss, result.diverged)


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest validation top-1 among those that did not diverge; ties go to the smaller rate."""
    settled = [trial for trial in trials if not trial.diverged]
    if not settled:
        raise InputError("every learning rate of the grid diverged; give a grid with smaller rates.")
    return max(settled, key=lambda trial: (trial.validation_top1, -trial.learning_rate))


def hold_out(part: Labelled, *, seed: int, share: float = VALIDATION_SHARE) -> tuple[Labelled, Labelled]:
    """Split labelled images into (learn, judge): ``share`` of every class, at least one image, judges."""
    judges = torch.zeros(len(part.labels), dtype=torch.bool)
    for label in part.labels.unique().tolist():
        members = torch.nonzero(part.labels == label).flatten()
        if len(members) < 2:
            raise InputError(
                f"class {label} has {len(members)} image(s); a validation split needs at least 2 per class."
            )
        order = torch.randperm(len(members), generator=seeds.generator(seed, "hold out", label))
        judges[members[order[: max(1, round(share * len(members)))]]] = True
    return (
        Labelled(part.images[~judges], part.labels[~judges]),
        Labelled(part.images[judges], part.labels[judges]),
    )
