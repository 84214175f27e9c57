"""Ways to train a new head on an old trunk: the head alone, all at once, or the head first and then all.

Kumar et al. 2022 (arXiv 2202.10054) find the last one best on images unlike those of training: a random head first
distorts the trunk's features, a trained one has little left to correct. The second phase restarts the schedule, at the
same peak rate or, "gently", at a tenth of it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from torch import nn

from ..data.image_set import Labelled
from ..errors import InputError, unknown
from ..models.heads import HeadSpec, attach, build_head, feature_size
from .execution import Execution
from .gradients import first_gradients, into_trunk, moved_share
from .heads import Features, train_head
from .loop import Pixels, evaluate, train
from .recipe import Recipe

EXECUTION = Execution(channels_last=True)  # on a CPU, convolutions this small are faster so
WAYS = ("head only", "all at once", "head first, then all", "head first, then gently")
GENTLE = 0.1


class TunedEpoch(NamedTuple):
    """After an epoch: top-1 on the target's test images and on degraded ones (fractions), and how far the trunk moved.

    ``moved`` is a share of the length of its weights; epoch 0 is before the first step.
    """

    epoch: int
    top1: float
    degraded_top1: float
    moved: float


@dataclass(frozen=True)
class Tuned:
    """How one way went. ``gradient`` is the norm of the first gradient that reached the trunk (0: none ever did)."""

    way: str
    curve: tuple[TunedEpoch, ...]
    gradient: float


def tune(
    trunk: nn.Sequential,
    spec: HeadSpec,
    way: str,
    *,
    learn: Labelled,
    judge: Labelled,
    degraded: Labelled,
    features: tuple[Features, Features],
    classes: int,
    recipe: Recipe,
    mean: Sequence[float],
    std: Sequence[float],
    flip: bool,
    seed: int = 0,
) -> Tuned:
    """Train a head of ``spec`` on a copy of ``trunk`` in one of WAYS, all with the same number of epochs.

    "head first" gives each phase half of them, with the schedule restarted; its first half runs on ``features``, what
    the trunk makes of ``learn`` and ``judge``. The heads of one seed start from the same weights. Raises
    InputError for another way and for fewer than 2 epochs.
    """
    if way not in WAYS:
        raise unknown("way to train a head", way, WAYS)
    if recipe.epochs < 2:
        raise InputError(f"{recipe.epochs} epoch cannot be shared between head and trunk; give at least 2.")
    size = learn.images.shape[-1]
    own = copy.deepcopy(trunk)
    head = build_head(spec, features=feature_size(own, image_size=size), classes=classes, seed=seed, first=len(own) + 1)
    net = attach(own, head, image_size=size)
    pixels = Pixels.of(mean, std, EXECUTION)
    curve: list[TunedEpoch] = []

    def look(epoch: int, top1: float | None = None) -> None:
        if top1 is None:
            top1 = evaluate(net, judge, pixels=pixels)[1]
        worse = evaluate(net, degraded, pixels=pixels)[1]
        curve.append(TunedEpoch(epoch, top1, worse, moved_share(trunk, net[: len(trunk)])))

    look(0)
    alone = {"head only": recipe.epochs, "all at once": 0}.get(way, recipe.epochs // 2)
    if alone:
        train_head(head, *features, spec=spec, recipe=replace(recipe, epochs=alone), seed=seed)
        look(alone)
    if alone == recipe.epochs:
        return Tuned(way, tuple(curve), 0.0)
    gradient = into_trunk(first_gradients(net, learn, kept=len(trunk), mean=mean, std=std))
    peak = recipe.learning_rate * (GENTLE if way == WAYS[-1] else 1)
    rest = replace(recipe, epochs=recipe.epochs - alone, learning_rate=peak)
    train(net, learn, judge, recipe=rest, seed=seed, flip=flip, mean=mean, std=std, execution=EXECUTION,
          on_epoch=lambda epoch: look(alone + epoch.epoch, epoch.test_top1))  # fmt: skip
    return Tuned(way, tuple(curve), gradient)
