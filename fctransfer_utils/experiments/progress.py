"""How a running study tells where it is: events to a callback; bars in a terminal, else lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from .record import AnySpec, Record

if TYPE_CHECKING:
    from ..training.learner import Epoch


@dataclass(frozen=True)
class Progress:
    """One event of a running study.

    ``done`` of ``total`` networks are finished, ``trained`` of them by this call; ``seconds`` have passed since
    networks began to learn; ``seconds_left`` is an estimate, None before the first network. ``record`` comes with
    "trained", ``epoch`` with "epoch" (networks that learn in this process), a line of text with "note" (where networks
    learn, and which workers are not used).
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
    note: str = ""

    @property
    def alone(self) -> bool:
        """Whether this call trains one network only, whose epochs are then worth a line each."""
        return self.total - self.done + self.trained == 1


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
    """Bars when ``stream`` (standard error) is a terminal, else a line per network, or per epoch of a single one.

    A terminal that calls itself dumb gets lines: several bars need one that can go back to the line above.
    """
    stream = stream or sys.stderr
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return Lines(stream)
    from tqdm.auto import tqdm

    return Bars(partial(tqdm, file=stream))


class Lines:
    """One line per finished network and note on ``stream``; where there is one network only, one per epoch as well."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, now: Progress) -> None:
        if now.event == "trained" and now.record is not None:
            self._write(f"[{now.done}/{now.total}] {describe(now.record)}; {clock(now.seconds_left)} left")
        elif now.event == "epoch" and now.alone and now.run is not None:
            self._write(f"{now.run.title} {describe_epoch(now)}")
        elif now.event == "note":
            self._write(now.note)

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class Bars:
    """A bar over the networks, and below it one over the epochs of the network that learns in this process.

    Both tell the time left. ``make`` makes one: tqdm's class, or something that is called like it.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._networks: Any = None
        self._epochs: Any = None
        self._learning = ""

    def __call__(self, now: Progress) -> None:
        if self._networks is None:
            # smoothing 0: the time left follows from all networks, since neighbours differ in size
            self._networks = self._make(total=now.total, initial=now.done, unit="network", smoothing=0)
        if now.event == "trained" and now.record is not None:
            self._networks.set_postfix_str(describe(now.record), refresh=False)
            self._networks.update(now.done - self._networks.n)
        elif now.event == "epoch" and now.run is not None and now.epoch is not None:
            self._epoch(now)
        elif now.event == "end":
            self._close()
        elif now.event == "note":
            self._networks.write(now.note, file=sys.stderr)
        else:
            self._networks.refresh()

    def _epoch(self, now: Progress) -> None:
        epochs = now.run.recipe.epochs
        if self._epochs is None:
            self._epochs = self._make(total=epochs, unit="epoch", leave=False)
        elif self._learning != now.run.key:
            self._epochs.reset(total=epochs)
        self._learning = now.run.key
        self._epochs.set_description_str(now.run.title, refresh=False)
        self._epochs.set_postfix_str(f"top-1 {now.epoch.test_top1:.3f}", refresh=False)
        self._epochs.update(now.epoch.epoch - self._epochs.n)

    def _close(self) -> None:
        if self._epochs is not None:
            self._epochs.close()
        self._networks.close()


def describe(record: Record) -> str:
    """A result in a few words."""
    outcome = "diverged" if record.result.diverged else f"top-1 {record.result.top1:.4f}"
    return f"{record.spec.title}: {outcome} in {clock(record.seconds)}"


def describe_epoch(now: Progress) -> str:
    """Where the network of an "epoch" event is, in a few words."""
    epoch, left = now.epoch, None
    if epoch.epoch:
        left = now.seconds / epoch.epoch * (now.run.recipe.epochs - epoch.epoch)
    return (
        f"epoch {epoch.epoch}/{now.run.recipe.epochs}: training loss {epoch.train_loss:.3f},"
        f" top-1 {epoch.test_top1:.4f}; {clock(left)} left"
    )


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
