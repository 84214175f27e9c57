"""The events of a study that nobody trains: networks one after another, each with its epochs."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import NamedTuple

from fctransfer_utils.experiments.progress import Progress
from fctransfer_utils.training.learner import Epoch

EPOCHS = 4
RECIPE = SimpleNamespace(epochs=EPOCHS)


class Terminal(io.StringIO):
    """A terminal that nobody looks at."""

    def isatty(self) -> bool:
        return True


class Run(NamedTuple):
    """What a report looks at of a run."""

    key: str
    title: str
    recipe: SimpleNamespace = RECIPE


def epoch(number: int) -> Epoch:
    """A network that gets better."""
    return Epoch(number, 2.0 / number, 2.1 / number, 1 - 0.5 / number, 0.01, float(number))


def record(number: int) -> SimpleNamespace:
    """What is kept of network ``number``."""
    curve = tuple(epoch(place) for place in range(1, EPOCHS + 1))
    result = SimpleNamespace(diverged=False, top1=curve[-1].test_top1)
    return SimpleNamespace(spec=run(number), result=result, seconds=4.0, curve=curve)


def run(number: int) -> Run:
    """The specification of network ``number``."""
    return Run(f"key{number}", f"network {number}")


def events(*, networks: int, before: int = 0) -> list[Progress]:
    """What the engine tells while it trains ``networks``, one second an epoch, when ``before`` others are done."""
    total, seconds = before + networks, 0.0
    told = [Progress("start", before, total, 0, 0.0, None)]
    for number in range(networks):
        done, left = before + number, None if not number else float(EPOCHS * (networks - number))
        told.append(Progress("begun", done, total, number, seconds, left, run=run(number)))
        for place in range(1, EPOCHS + 1):
            seconds += 1.0
            told.append(Progress("epoch", done, total, number, seconds, left, run=run(number), epoch=epoch(place)))
        now = (done + 1, total, number + 1, seconds, float(EPOCHS * (networks - number - 1)))
        told.append(Progress("trained", *now, run=run(number), record=record(number)))
        told.append(Progress("ended", *now, run=run(number)))
    return [*told, Progress("end", total, total, networks, seconds, 0.0)]
