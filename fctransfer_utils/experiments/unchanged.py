"""What was read from a file, kept until the file changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
SETTLED = 0.1
"""Seconds. A file that changed so shortly before it was read may change again without a sign: it is not kept."""


class Unchanged(Generic[T]):
    """Contents by file. A file counts as unchanged while it is the same one with the same size and times."""

    def __init__(self) -> None:
        self._kept: dict[Path, tuple[tuple[int, ...], T]] = {}

    def of(self, file: Path, read: Callable[[Path], T]) -> T:
        """``read(file)``, or what it gave before. Passes on what ``read`` raises."""
        stamp = _stamp(file)
        kept = self._kept.get(file)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        self._kept.pop(file, None)
        content = read(file)
        if stamp and time.time() - stamp[0] / 1e9 > SETTLED:
            self._kept[file] = stamp, content
        return content


def _stamp(file: Path) -> tuple[int, ...]:
    """What changes with the file; () when there is none or it cannot be asked."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
