"""Nobody's time counts unless it does the same work: first losses as S, and in the end as accurate."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from . import measure
from .measure import Setting
from .task import Task

STEPS = 50
MOST_APART = 1e-4
MOST_POINTS = 0.5
SEEDS = 5


class Gate(NamedTuple):
    """One contestant held against S: what was compared, how far apart, and how far it may be."""

    name: str
    what: str
    found: float
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether it is near enough."""
        return self.found <= self.allowed


def losses_gate(settings: Sequence[Setting], task: Task, *, steps: int = STEPS) -> list[Gate]:
    """The first losses in float32, without augmentation and dropout: largest difference relative to S.

    At a tenth of the rate, where rounding does not grow, and over a whole short schedule, so that a wrong order, rate,
    decay or momentum shows.
    """
    per_epoch = math.ceil(task.outputs * task.per_class / task.recipe.batch_size)
    epochs = math.ceil(steps / per_epoch)
    plain = replace(task, augment=False, dropout=0.0, epochs=epochs, learning_rate=task.learning_rate / 10)
    in_float32 = [replace(each, execution="cpu/float32", processes=1) for each in settings]
    found = {each.name: measure.losses(each, plain, steps) for each in in_float32}
    reference = found["stock"]
    return [
        Gate(name, f"first {steps} losses, relative", apart(losses, reference), MOST_APART)
        for name, losses in found.items()
        if name != "stock"
    ]


def apart(losses: Sequence[float], reference: Sequence[float]) -> float:
    """The largest relative difference. Raises ValueError when one list is shorter."""
    return max(abs(a - b) / abs(b) for a, b in zip(losses, reference, strict=True))


def accuracy_gate(settings: Sequence[Setting], task: Task, *, seeds: int = SEEDS) -> tuple[list[Gate], dict]:
    """Mean top-1 over seeds as everyone really runs, in points away from S; and every top-1 in per cent."""
    top1: dict[str, list[float]] = {each.name: [] for each in settings}
    for seed in range(seeds):
        for each in settings:
            run = measure.network(replace(each, processes=1), replace(task, seed=seed))
            top1[each.name].append(100 * run.answers[0]["top1"][-1])
    means = {name: statistics.fmean(values) for name, values in top1.items()}
    what = f"mean top-1 of {seeds} seeds, points"
    gates = [Gate(name, what, abs(means[name] - means["stock"]), MOST_POINTS) for name in means if name != "stock"]
    return gates, top1
