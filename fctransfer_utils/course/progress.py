"""A running study, shown under a cell: a bar that moves, or a line per network outside a notebook."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import show

if TYPE_CHECKING:
    from ..experiments.progress import Progress

PAUSE = 0.2


def reporter() -> Callable[[Progress], None]:
    """What ``experiments.engine.run`` tells its events to."""
    if show.in_notebook():
        return NotebookBar()
    from ..experiments.progress import automatic

    return automatic()


class NotebookBar:
    """One output that changes with every network, at most five times a second, and ends as a summary."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._last = 0.0

    def __call__(self, now: Progress) -> None:
        from ..experiments.progress import clock, describe

        place = f"{now.done} of {now.total} networks"
        if now.event == "end":
            self._write(f"{place}; {now.trained} trained in {clock(now.seconds)}", now, told=True)
        elif now.event == "trained" and now.record is not None:
            self._write(f"{place}, {clock(now.seconds_left)} left; {describe(now.record)}", now, told=True)
        elif time.monotonic() - self._last >= PAUSE:
            self._write(f"{place}, {clock(now.seconds_left)} left", now)

    def _write(self, text: str, now: Progress, *, told: bool = False) -> None:
        self._last = time.monotonic()
        self._handle = show.progress(text, now.done / max(now.total, 1), handle=self._handle, told=told)
