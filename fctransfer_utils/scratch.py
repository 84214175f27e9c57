"""Temporary folders that do not pile up: what killed processes have left is removed by the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "fctransfer-"
LOCK = ".lock"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder in the system's temporary one that goes with the context.

    Its owner holds a lock in it, so that the folder of a process that was killed can be told from one that is in use.
    """
    from filelock import FileLock

    home = Path(tempfile.gettempdir())
    _remove_left(home)
    made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}", dir=home))
    lock = FileLock(made / LOCK, timeout=0)
    folder = made.with_name(made.name.removeprefix("."))
    try:
        with suppress(OSError, NotImplementedError):  # a disk without locks: nothing on it is ever removed
            lock.acquire()
        made = made.rename(folder)  # only now may others look at it
        yield folder
    finally:
        lock.release()
        shutil.rmtree(made, ignore_errors=True)


def _remove_left(home: Path) -> None:
    """Remove the folders in ``home`` whose owners are gone; other users' and those without a lock stay."""
    from filelock import FileLock, Timeout

    for left in home.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(Timeout, OSError, NotImplementedError):
            if left.parent.lstat().st_uid != os.getuid():
                continue  # a link counts as its maker's
            with FileLock(left, timeout=0):
                shutil.rmtree(left.parent, ignore_errors=True)
