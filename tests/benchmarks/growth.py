"""How the time of our grid grows with what is asked of it, and how much of the grid shared frozen layers save."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fctransfer_utils.models.cost import layer_costs

from . import measure
from .measure import Setting
from .task import Task

CONVOLUTIONS = 5
HEADER = ["what grows", "value", "seconds", "seconds for each"]


def table(ours: Setting, task: Task) -> list[list[object]]:
    """One row per size: images of a class, width of the network, and workers; ``seconds for each`` of what grows.

    Width is counted in multiply-adds of the network, since these grow with its square.
    """
    rows = []
    for factor in (1, 2, 4):
        count = task.per_class * factor
        rows.append(_row("images of a class", count, lambda c=count: replace(task, per_class=c), ours, count))
    for width in (12, 24, 48):
        made = replace(task, width=width)
        million = multiply_adds(made) / 1e6
        rows.append(_row(f"million multiply-adds (width {width})", million, lambda m=made: m, ours, million))
    for workers in (1, 2):
        rows.append(_row("workers", workers, lambda: task, replace(ours, processes=workers), 1 / workers))
    rows.append(["share of the operations of the grid that shared layers save", shared_share(task), "", ""])
    return rows


def _row(what: str, value: float, make: Callable[[], Task], ours: Setting, each: float) -> list[object]:
    seconds = measure.grid(ours, make()).seconds
    return [what, value, seconds, seconds / each]


def multiply_adds(task: Task) -> int:
    """Of one image, forward."""
    return sum(layer_forward(task))


def layer_forward(task: Task) -> list[int]:
    """Multiply-adds of each of the 8 layers for one image, forward."""
    costs = layer_costs(task.network(), image_size=32)
    return [cost.multiply_adds for cost in costs]


def shared_share(task: Task) -> float:
    """By counting: what is saved when all frozen copies of a donor share one pass, as a share of the whole grid.

    A step costs three passes of every layer that learns (forward, and two backward), one of a frozen layer.
    """
    costs = layer_forward(task)
    below = [sum(costs[:cut]) for cut in range(len(costs) + 1)]
    whole, cuts = below[-1], range(1, 8)
    alone = 16 * 3 * whole + 2 * sum(
        3 * whole - 2 * below[cut] for cut in cuts
    )  # two bases, BnB+ and AnB+; BnB and AnB
    shareable = [below[min(cut, CONVOLUTIONS)] for cut in cuts]  # behind the convolutions each network drops its own
    return 2 * (sum(shareable) - max(shareable)) / alone
