"""A running study, shown under a cell: bars and a learning curve that move, or lines where nobody looks on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from . import show
from .kernel import HEADLESS

if TYPE_CHECKING:
    from ..experiments.progress import Progress
    from ..training.learner import Epoch

PAUSE = 0.2  # seconds between two states of a bar, at least
SHARE = 0.05  # of the time goes into drawing curves, or less
LONGEST = 10.0  # seconds between two drawings of curves, unless nothing is new; the first takes long
COLUMNS = (("0 0 auto", "22em"), ("1 1 6em", "6em"), ("0 0 auto", "32em"))  # title, bar and numbers, on a page's width
MOST_CURVES = 4


def reporter() -> Callable[[Progress], None]:
    """What ``experiments.engine.run`` tells its events to."""
    if not show.in_notebook():
        from ..experiments.progress import automatic

        return automatic()
    return LiveBars() if watched() else Told()


def watched() -> bool:
    """Whether somebody may look at this notebook while it runs: not where the course's own runner executes it."""
    if os.environ.get(HEADLESS) or find_spec("ipywidgets") is None:
        return False
    from tqdm.auto import tqdm
    from tqdm.notebook import tqdm as of_widgets

    return issubclass(tqdm, of_widgets)


class Told:
    """One output that changes with every epoch and network and ends as a summary; a runner passes its lines on."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = 0.0

    def __call__(self, now: Progress) -> None:
        from ..experiments.progress import clock, describe, describe_epoch

        place = f"{now.done} of {now.total} networks"
        if now.event == "end":
            self._write(summary(now), now, told=True)
        elif now.event == "trained" and now.record is not None:
            self._write(f"{place}, {clock(now.seconds_left)} left; {describe(now.record)}", now, told=True)
        elif now.event == "epoch" and now.epoch is not None:
            self._write(describe_epoch(now), now, told=True)
        elif now.event == "waits":
            self._write(now.note, now, told=True)
        elif time.monotonic() - self._last >= PAUSE:
            self._write(f"{place}, {clock(now.seconds_left)} left", now)

    def _write(self, text: str, now: Progress, *, told: bool = False) -> None:
        self._last = time.monotonic()
        self._handle = show.progress(text, now.done / max(now.total, 1), handle=self._handle, told=told)


class LiveBars:
    """Bars over networks and over the epochs of each that learns now, and their learning curves below.

    The bars are one output, which ends as a line of text, so that a saved notebook holds no bar; the curves are
    another, which holds the last picture.
    """

    def __init__(self) -> None:
        from ipywidgets import VBox

        from ..experiments.progress import Bars

        self._box = VBox()
        self._bars = Bars(self._bar, self._close)
        self._curves = LiveCurves()
        self._handle: Any = None

    def __call__(self, now: Progress) -> None:
        if now.event in ("note", "waits"):
            show.note(now.note)  # standard error, where a terminal has it, is red in a notebook
            return
        if self._handle is None:
            self._handle = show.widget(self._box, f"{now.total - now.done} networks to train")
        self._bars(now)
        self._curves(now)
        if now.event == "end":
            show.replaced(self._handle, summary(now))

    def _bar(self, **options: Any) -> Any:
        from tqdm.auto import tqdm

        bar = tqdm(display=False, **options)
        for part, (flex, width) in zip(bar.container.children, COLUMNS, strict=True):
            part.layout.flex, part.layout.min_width = flex, width  # one below the other, no word broken
        self._box.children = (*self._box.children, bar.container)
        return bar

    def _close(self, bar: Any) -> None:
        bar.close()
        self._box.children = tuple(each for each in self._box.children if each is not bar.container)


class LiveCurves:
    """The learning curves of the last networks and of those that learn now, drawn again when there is time for it.

    Where more of them learn at the same time than can be told apart, those that began last are drawn.
    """

    def __init__(self) -> None:
        self._curves: dict[str, tuple[str, list[Epoch]]] = {}  # title and epochs by the network's key
        self._learning: set[str] = set()
        self._handle: Any = None
        self._next = 0.0
        self._news = False

    def __call__(self, now: Progress) -> None:
        self._news = self._news or now.event in ("epoch", "trained", "ended")
        if now.event == "epoch" and now.epoch is not None:
            self._learning.add(now.run.key)
            _, own = self._curves.setdefault(now.run.key, (now.run.title, []))
            if own and own[-1].epoch >= now.epoch.epoch:
                own.clear()
            own.append(now.epoch)
        elif now.event == "trained" and now.record is not None and now.record.curve:
            self._learning.discard(now.run.key)
            self._curves[now.run.key] = (now.run.title, list(now.record.curve))
        elif now.event == "ended" and now.run.key in self._learning:
            self._learning.discard(now.run.key)
            del self._curves[now.run.key]  # lost with its worker: it begins anew
        ended = [key for key in self._curves if key not in self._learning]
        for key in ended[: max(0, len(self._curves) - MOST_CURVES)]:
            del self._curves[key]
        lines = any(len(epochs) > 1 for _, epochs in self._curves.values())
        if self._news and self._curves and (now.event == "end" or (lines and time.monotonic() >= self._next)):
            self._draw()

    def _draw(self) -> None:
        from ..plots.curves import curve_table, learning_curves

        start, self._news = time.thread_time(), False
        shown = dict(list(self._curves.values())[-MOST_CURVES:])
        words = f"Learning curves of {', '.join(shown)}."
        picture = show.picture_of(learning_curves(curve_table(shown)))
        self._handle = show.png(picture, alt=words, plain=words, handle=self._handle, moves=True)
        self._next = time.monotonic() + min((time.thread_time() - start) / SHARE, LONGEST)


def summary(now: Progress) -> str:
    """How a study ended."""
    from ..experiments.progress import clock

    return f"{now.done} of {now.total} networks; {now.trained} trained in {clock(now.seconds)}"
