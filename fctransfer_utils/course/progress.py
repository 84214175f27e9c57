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
SHARE = 0.05  # of the time at most goes into drawing curves
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
    """One output that changes with every network and ends as a summary; a runner passes its lines on.

    One line per network, or per epoch where there is one network only.
    """

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
        elif now.event == "epoch" and now.alone and now.run is not None:
            self._write(f"{now.run.title} {describe_epoch(now)}", now, told=True)
        elif time.monotonic() - self._last >= PAUSE:
            self._write(f"{place}, {clock(now.seconds_left)} left", now)

    def _write(self, text: str, now: Progress, *, told: bool = False) -> None:
        self._last = time.monotonic()
        self._handle = show.progress(text, now.done / max(now.total, 1), handle=self._handle, told=told)


class LiveBars:
    """Two bars, over networks and over the epochs of one, and their learning curves below.

    The bars are one output, which ends as a line of text, so that a saved notebook holds no bar; the curves are
    another, which holds the last picture.
    """

    def __init__(self) -> None:
        from ipywidgets import VBox

        from ..experiments.progress import Bars

        self._box = VBox()
        self._bars = Bars(self._bar)
        self._curves = LiveCurves()
        self._handle: Any = None

    def __call__(self, now: Progress) -> None:
        if self._handle is None:
            self._handle = show.widget(self._box, f"{now.total - now.done} networks to train")
        self._bars(now)
        self._curves(now)
        if now.event == "end":
            show.replaced(self._handle, summary(now))

    def _bar(self, **options: Any) -> Any:
        from tqdm.auto import tqdm

        bar = tqdm(display=False, **options)
        self._box.children = (*self._box.children, bar.container)
        return bar


class LiveCurves:
    """The learning curves of the last networks, drawn again when there is news and time for it."""

    def __init__(self) -> None:
        self._epochs: dict[str, list[Epoch]] = {}
        self._handle: Any = None
        self._next = 0.0

    def __call__(self, now: Progress) -> None:
        if now.event == "epoch" and now.run is not None and now.epoch is not None:
            own = self._epochs.setdefault(now.run.title, [])
            if own and own[-1].epoch >= now.epoch.epoch:
                own.clear()
            own.append(now.epoch)
        elif now.event == "trained" and now.record is not None and now.record.curve:
            self._epochs[now.record.spec.title] = list(now.record.curve)
        for title in list(self._epochs)[:-MOST_CURVES]:
            del self._epochs[title]
        if self._epochs and (time.monotonic() >= self._next or now.event == "end"):
            self._draw()

    def _draw(self) -> None:
        from ..plots.curves import curve_table, learning_curves

        start = time.monotonic()
        words = f"Learning curves of {', '.join(self._epochs)}."
        picture = show.picture_of(learning_curves(curve_table(self._epochs)))
        self._handle = show.png(picture, alt=words, plain=words, handle=self._handle, moves=True)
        end = time.monotonic()
        self._next = end + (end - start) / SHARE


def summary(now: Progress) -> str:
    """How a study ended."""
    from ..experiments.progress import clock

    return f"{now.done} of {now.total} networks; {now.trained} trained in {clock(now.seconds)}"
