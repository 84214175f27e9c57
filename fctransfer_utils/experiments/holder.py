"""Which process writes to a store, in words: for messages only, the lock decides."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

from ..files import canonical_json, write_text


def sign(file: Path) -> None:
    """Write into ``file`` that this process holds the store."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    write_text(file, canonical_json({"pid": os.getpid(), "host": socket.gethostname(), "since": since}))


def signed(file: Path) -> str:
    """Who has signed ``file``; "" when nobody did, or a process of this machine that is no more."""
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
        name = f"process {value['pid']} on {value['host']} since {value['since']}"
        return name if value["host"] != socket.gethostname() or _alive(value["pid"]) else ""
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return ""


def _alive(pid: int) -> bool:
    if pid <= 0:  # such a number would stand for whole groups of processes
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
