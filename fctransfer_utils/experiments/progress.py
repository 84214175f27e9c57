"""How a running study tells where it is: events to a callback; a bar in a terminal, else a line per network."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from .record import AnySpec, Record

if TYPE_CHECKING:
    from ..training.learner import Epoch


@dataclass(frozen=True)
class Progress:
    """One event of a running study.

    ``done`` of ``total`` networks are finished, ``trained`` of them by this call; ``seconds`` have passed since
    networks began to learn; ``seconds_left`` is an estimate, None before the first network. ``record`` comes with
    "trained", ``epoch`` with "epoch" (networks that learn in this process).
    """

    event: str
    done: int
    total: int
    trained: int
    seconds: float
    seconds_left: float | None
    run: AnySpec | None = None
    record: Record | None = None
    epoch: Epoch | None = None


Reporter = Callable[[Progress], None]


class Counter:
    """Counts networks and sends events to ``reporter``."""

    def __init__(self, reporter: Reporter, *, done: int, total: int) -> None:
        self._reporter = reporter
        self.done, self.total, self.trained = done, total, 0
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the networks began to learn."""
        return time.monotonic() - self.started

    def start(self) -> None:
        """The images and the workers are ready: time counts from here."""
        self.started = time.monotonic()
        self.tell("start")

    def tell(self, event: str, **details: Any) -> None:
        """Send one event; "trained" counts one more."""
        if event == "trained":
            self.done, self.trained = self.done + 1, self.trained + 1
        left = (self.total - self.done) * self.seconds / self.trained if self.trained else None
        self._reporter(Progress(event, self.done, self.total, self.trained, self.seconds, left, **details))


def silent(_: Progress) -> None:
    """Says nothing."""


def automatic(stream: TextIO | None = None) -> Reporter:
    """A bar when ``stream`` (standard error) is a terminal, else a line per network."""
    stream = stream or sys.stderr
    return Bar(stream) if stream.isatty() else Lines(stream)


class Lines:
    """One line per finished network on ``stream``."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, now: Progress) -> None:
        if now.event == "trained" and now.record is not None:
            self._stream.write(f"[{now.done}/{now.total}] {describe(now.record)}; {clock(now.seconds_left)} left\n")
            self._stream.flush()


class Bar:
    """A tqdm bar over networks with rate and time left."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._bar = stream, None

    def __call__(self, now: Progress) -> None:
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(total=now.total, initial=now.done, file=self._stream, unit="network", smoothing=0)
        if now.event == "trained" and now.record is not None:
            self._bar.set_postfix_str(describe(now.record), refresh=False)
            self._bar.update(now.done - self._bar.n)
        elif now.event == "epoch" and now.run is not None and now.epoch is not None:
            epochs = f"epoch {now.epoch.epoch}/{now.run.recipe.epochs}"
            self._bar.set_postfix_str(f"{now.run.title} {epochs}, top-1 {now.epoch.test_top1:.3f}")
        elif now.event == "end":
            self._bar.close()
        else:
            self._bar.refresh()


def describe(record: Record) -> str:
    """A result in a few words."""
    outcome = "diverged" if record.result.diverged else f"top-1 {record.result.top1:.4f}"
    return f"{record.spec.title}: {outcome} in {clock(record.seconds)}"


def clock(seconds: float | None) -> str:
    """Seconds as ``8 s``, ``4 min 05 s`` or ``2 h 10 min``; ``?`` for None."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
