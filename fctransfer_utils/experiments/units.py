"""Large numbers for people."""

from __future__ import annotations

from .progress import clock

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")
DAY, YEAR = 86_400.0, 365.25 * 86_400.0


def amount(value: float) -> str:
    """``2.5e18`` as ``2.50 E``: three digits and the prefix of a unit."""
    place = 0
    while abs(value) >= 999.5 and place < len(_PREFIXES) - 1:
        value /= 1000
        place += 1
    digits = 0 if abs(value) >= 99.95 or (not place and float(value).is_integer()) else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f} {_PREFIXES[place]}"


def size(count: float) -> str:
    """Bytes as ``1.20 GB``."""
    return f"{amount(count)}B"


def duration(seconds: float) -> str:
    """Seconds as ``8 s``, ``2 h 10 min``, ``12.5 days`` or ``3.1 years``."""
    if seconds < 2 * DAY:
        return clock(seconds)
    return f"{seconds / DAY:.1f} days" if seconds < YEAR else f"{seconds / YEAR:.1f} years"
