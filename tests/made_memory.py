"""How much memory the programs take that a test starts."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

LOOK_EVERY = 0.1  # seconds
MEGABYTE = 1_000_000


class Watched:
    """The most memory of every program that was seen; not of those that were there before, nor what they start."""

    def __init__(self) -> None:
        self._most: dict[int, int] = {}
        self._others = {child.pid for child in _children()}

    @property
    def megabytes(self) -> float:
        """All programs together, as if each had taken its most at the same time: never too little."""
        return sum(self._most.values()) / MEGABYTE

    def look(self) -> None:
        """See what every program has taken so far."""
        for child in _children():
            with suppress(psutil.Error, OSError):
                if self._others.isdisjoint({child.pid, *(parent.pid for parent in child.parents())}):
                    self._most[child.pid] = max(self._most.get(child.pid, 0), _most_bytes(child))


@contextmanager
def memory_of_children() -> Iterator[Watched]:
    """Inside, every program that this process starts, and those that they start in turn, is watched."""
    watched, ended = Watched(), threading.Event()

    def watch() -> None:
        while not ended.wait(LOOK_EVERY):
            watched.look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield watched
    finally:
        ended.set()
        thread.join()


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _most_bytes(process: psutil.Process) -> int:
    """What a program has taken at its height where the system tells (Linux), else what it takes now.

    Pages of its own files are left out: the system takes them back when memory is short, and a torch that knows
    graphics cards has 200 MB of them more than one for processors alone, which is what Binder has.
    """
    status = Path(f"/proc/{process.pid}/status")
    if not status.exists():
        return process.memory_info().rss
    told = dict(re.findall(r"^(\w+):\s*(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE))
    return (int(told.get("VmHWM", 0)) - int(told.get("RssFile", 0))) * 1024
