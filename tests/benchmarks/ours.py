"""This course: its own loop for one network, its engine for the grid."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from torch import nn

from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import Study, transfer_study
from fctransfer_utils.training import Execution, probe, train

from .task import Fitted, Task

TREATMENTS = ("base", "BnB", "BnB+", "AnB", "AnB+")


def fit(
    net: nn.Sequential, task: Task, *, half: str = "A", execution: Execution | None = None, stop: int = 0
) -> Fitted:
    """Train ``net`` in place; ``stop`` > 0 notes the loss of every step and ends after so many."""
    train_set, test_set, images = task.halves(half)
    losses: list[float] = []
    options = {
        "recipe": task.recipe, "seed": task.seed, "frozen": task.frozen, "flip": False, "mean": images.mean,
        "std": images.std, "execution": execution or probe(),
    }  # fmt: skip
    start = time.perf_counter()
    if stop:
        with _noting(losses, stop):
            train(net, train_set, test_set, **options)
        return Fitted(losses, [], time.perf_counter() - start)
    result = train(net, train_set, test_set, **options)
    return Fitted([], [point.test_top1 for point in result.curve], result.seconds)


class _Enough(Exception):
    """The losses that were asked for are there."""


class _noting:
    """Note the loss of every step of our loop, which itself reads it once an epoch."""

    def __init__(self, losses: list[float], stop: int) -> None:
        self.losses, self.stop = losses, stop

    def __enter__(self) -> None:
        from fctransfer_utils.training import learner

        self.module, self.original = learner, learner.F.cross_entropy

        def noted(outputs, labels, **evaluating):
            loss = self.original(outputs, labels, **evaluating)
            if not evaluating:
                self.losses.append(loss.item())
            if len(self.losses) == self.stop:
                raise _Enough
            return loss

        learner.F.cross_entropy = noted

    def __exit__(self, kind, *_) -> bool:
        self.module.F.cross_entropy = self.original
        return kind is _Enough


def grid_study(task: Task) -> Study:
    """The 30 networks of one seed and direction."""
    return transfer_study(
        data=task.data, net=task.net, recipe=task.recipe, seeds=(task.seed,), directions=(("A", "B"),),
        treatments=TREATMENTS,
    )  # fmt: skip


def grid(task: Task, *, workers: int, execution: Execution | None = None) -> dict[str, float]:
    """Train the grid into a new store; top-1 (fraction) by treatment, mean over cuts."""
    study = grid_study(task)
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        engine.run(study, store, workers=workers, execution=execution, progress=silent)
        found: dict[str, list[float]] = {}
        for record in store.records():
            found.setdefault(record.spec.treatment, []).append(record.result.top1)
    return {name: sum(values) / len(values) for name, values in found.items()}
