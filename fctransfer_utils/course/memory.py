"""How much memory this process has taken, and whether this machine has room for a large network."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
OWN = 800  # megabytes that Python, torch and the notebook take themselves


def no_room(megabytes: int, *, limits: tuple[str, ...] = LIMITS) -> str:
    """Why ``megabytes`` of tensors should not be made here; empty when they may be.

    On Binder (a container of 1 to 2 GB) never; elsewhere a limit counts that JupyterHub (MEM_LIMIT, in bytes) or the
    system sets for this process and that leaves less beside the notebook itself.
    """
    if os.environ.get("BINDER_SERVICE_HOST"):
        return f"it takes {megabytes:,} MB, and a Binder session has 1 to 2 GB in all; run it on your own machine"
    for limit in (os.environ.get("MEM_LIMIT", ""), *(_read(path) for path in limits)):
        if limit.isdecimal() and int(limit) < (megabytes + OWN) * 1_000_000:
            there = int(limit) // 1_000_000
            return f"it takes {megabytes:,} MB beside the notebook's {OWN}, and {there:,} MB are allowed here in all"
    return ""


def most_megabytes(status: str = "/proc/self/status") -> int | None:
    """The most memory that this process has held so far, in MB; None where the system does not tell.

    Linux counts it from the start of this very program (VmHWM). ``getrusage``, which also counts what the program that
    started it held, is asked elsewhere.
    """
    if found := re.search(r"^VmHWM:\s*(\d+) kB", _read(status), re.MULTILINE):
        return round(int(found.group(1)) * 1024 / 1e6)
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # macOS counts bytes, other systems kilobytes
    return round(most * (1 if sys.platform == "darwin" else 1024) / 1e6)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
