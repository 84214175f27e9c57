"""How a running study tells where it is: events to a callback; bars in a terminal, else lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TextIO

from .fc_spec import FcSpec
from .record import AnySpec, Record

if TYPE_CHECKING:
    from ..training.learner import Epoch


@dataclass(frozen=True)
class Progress:
    """One event of a running study.

    ``done`` of ``total`` networks are finished, ``trained`` of them by this call; ``seconds`` have passed since
    networks began to learn; ``seconds_left`` is an estimate, None before the first network.

    Networks that learn in one process at a time (mostly one; ``together`` of them where they are a crew) go from
    "begun" over an "epoch" each to "ended", be they finished, given up or lost with their worker; ``run`` is the first
    of them, and ``epoch`` its. In between, each that is finished is "trained", with its ``record``. "start" and "end"
    stand around them, "tick" says that time has passed, and "note" has a line of text (where networks learn, and which
    workers are not used). "waits" comes before all others, when nothing is counted yet: its line says for whom.
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
    together: int = 1
    note: str = ""

    @property
    def learners(self) -> str:
        """Who learns, in a few words: the network, and how many more learn in lockstep with it."""
        return self.run.title + (f" and {self.together - 1} more" if self.together > 1 else "")


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
    """Bars when ``stream`` (standard error) is a terminal, else a line per epoch and per network.

    A terminal that calls itself dumb gets lines: several bars need one that can go back to the line above.
    """
    stream = stream or sys.stderr
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return Lines(stream)
    from tqdm.auto import tqdm

    return Bars(partial(tqdm, file=stream))


class Lines:
    """One line on ``stream`` per epoch, finished network and note."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, now: Progress) -> None:
        if now.event == "trained" and now.record is not None:
            self._write(f"[{now.done}/{now.total}] {describe(now.record)}; {clock(now.seconds_left)} left")
        elif now.event == "epoch" and now.epoch is not None:
            self._write(describe_epoch(now))
        elif now.event in ("note", "waits"):
            self._write(now.note)

    def _write(self, line: str) -> None:
        self._stream.write(f"{line}\n")
        self._stream.flush()


class Bars:
    """A bar over the networks, and below it one over the epochs of each that learns now, wherever it does.

    All tell the time left. The bar of a network that has ended goes to the next that begins, and is closed where none
    does. ``make`` makes one: tqdm's class, or something that is called like it; ``close`` ends one over epochs.
    """

    def __init__(self, make: Callable[..., Any], close: Callable[[Any], object] = lambda bar: bar.close()) -> None:
        self._make, self._close = make, close
        self._networks: Any = None
        self._learning: dict[str, Any] = {}
        self._free: list[Any] = []

    def __call__(self, now: Progress) -> None:
        if now.event == "waits":
            sys.stderr.write(f"{now.note}\n")
            return
        if self._networks is None:
            # smoothing 0: the time left follows from all networks, since neighbours differ in size
            self._networks = self._make(
                total=now.total, initial=now.done, desc="all networks", unit="network", smoothing=0
            )
        if now.event == "trained" and now.record is not None:
            self._networks.set_postfix_str(f"last: {outcome(now.record)}", refresh=False)
            self._networks.update(now.done - self._networks.n)
        elif now.event == "begun":
            self._begin(now)
        elif now.event == "epoch" and now.epoch is not None:
            self._epoch(now)
        elif now.event == "ended" and now.run.key in self._learning:
            self._free.append(self._learning.pop(now.run.key))
        elif now.event == "note":
            self._networks.write(now.note, file=sys.stderr)
        elif now.event == "end":
            self._end()
        elif now.event in ("start", "tick"):
            self._close_free()
            for bar in (self._networks, *self._learning.values()):
                bar.refresh()  # several epochs may have come at once, of which tqdm shows the first

    def _begin(self, now: Progress) -> None:
        """A bar for networks that learn by epochs. Heads on frozen features do not, and take no bar over either."""
        if not by_epochs(now.run):
            self._close_free()
            return
        epochs = now.run.recipe.epochs
        if self._free:
            bar = self._free.pop(0)
            bar.set_description_str(now.learners, refresh=False)
            bar.set_postfix_str("", refresh=False)
            bar.reset(total=epochs)
        else:
            bar = self._make(total=epochs, desc=now.learners, unit="epoch", leave=False, smoothing=0)
        self._learning[now.run.key] = bar

    def _epoch(self, now: Progress) -> None:
        bar, epoch = self._learning[now.run.key], now.epoch
        if epoch.epoch <= bar.n:
            bar.reset(total=now.run.recipe.epochs)  # what follows the head that went first
        if not bar.n:
            bar.initial = epoch.epoch - 1  # above 0 where it goes on from a checkpoint, which took no time now
        bar.set_postfix_str(f"loss {epoch.train_loss:.3f}, top-1 {epoch.test_top1:.3f}", refresh=False)
        bar.update(epoch.epoch - bar.n)

    def _close_free(self) -> None:
        while self._free:
            self._close(self._free.pop())

    def _end(self) -> None:
        self._free += self._learning.values()
        self._learning.clear()
        self._close_free()
        self._networks.close()


def by_epochs(run: AnySpec) -> bool:
    """Whether ``run`` tells of its epochs: all networks do but heads that learn side by side on frozen features."""
    return not (isinstance(run, FcSpec) and run.crew is not None)


def describe(record: Record) -> str:
    """A result in a few words."""
    return f"{record.spec.title}: {outcome(record)} in {clock(record.seconds)}"


def outcome(record: Record) -> str:
    """How well a network does."""
    return "diverged" if record.result.diverged else f"top-1 {record.result.top1:.4f}"


def describe_epoch(now: Progress) -> str:
    """Which network an "epoch" event is about, and where it is, in a few words."""
    epoch, epochs = now.epoch, now.run.recipe.epochs
    left = epoch.seconds * now.together / epoch.epoch * (epochs - epoch.epoch)  # its seconds are a share of the crew's
    return (
        f"{now.learners} epoch {epoch.epoch}/{epochs}: training loss {epoch.train_loss:.3f},"
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
