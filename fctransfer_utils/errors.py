"""The one way in which this package says that a value from outside cannot be used."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from difflib import get_close_matches


class InputError(ValueError):
    """A value from outside (a parameter, an option, a file) that cannot be used.

    Its message names the value, what is allowed and how to mend it.
    """


def escape_output() -> None:
    r"""From now on a character that the terminal's encoding lacks is printed as an escape such as ``\u732b``.

    Names of classes and files are in any script, and none of them shall end a run.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def one_line(error: object) -> str:
    """What another library says over several lines, as part of a message of ours."""
    return " ".join(str(error).split())


def unknown(kind: str, value: object, allowed: Iterable[object]) -> InputError:
    """The error, for the caller to raise, that ``value`` is no ``kind`` ("data set") among the ``allowed``."""
    names = [str(item) for item in allowed]
    close = get_close_matches(str(value), names, n=1)
    nearest = f" Did you mean {close[0]!r}?" if close else ""
    return InputError(f"unknown {kind} {value!r}; allowed: {', '.join(names)}.{nearest}")
