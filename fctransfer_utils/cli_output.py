"""What every command has in common: how it writes a line, and the exit codes that it ends with."""

from __future__ import annotations

import sys
from typing import TextIO

OK, OUTSIDE, BAD_INPUT, TIME_LIMIT, INTERRUPTED = 0, 1, 2, 3, 130


def say(text: str) -> None:
    """Write ``text`` and the end of a line to standard output, at once."""
    sys.stdout.write(f"{printable(text, sys.stdout)}\n")
    sys.stdout.flush()


def printable(text: str, stream: TextIO) -> str:
    """``text`` as ``stream`` can show it: file names may hold what a terminal cannot."""
    known = stream.encoding or "utf-8"
    return text.encode(known, errors="backslashreplace").decode(known)
