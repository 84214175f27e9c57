"""The one way in which this package says that a value from outside cannot be used.

Every message names the offending value, what is allowed and how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """A value that came from outside (a parameter, an option, a file) and cannot be used."""


def in_one_line(error: object) -> str:
    """What another library says over several lines, as part of a message of ours."""
    return " ".join(str(error).split())


def unknown(kind: str, value: object, allowed: Iterable[object], *, mend: str = "") -> InputError:
    """The error for a value that is not one of ``allowed``; the caller raises it.

    ``kind`` is what the value stands for ("data set"), ``mend`` an optional sentence on what to do.
    """
    names = [str(item) for item in allowed]
    message = f"unknown {kind} {value!r}; allowed: {', '.join(names)}."
    close = get_close_matches(str(value), names, n=1)
    if close:
        message += f" Did you mean {close[0]!r}?"
    return InputError(f"{message} {mend}".rstrip())
