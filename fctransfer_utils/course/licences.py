"""The licence of every installed package that the course needs, as its own metadata state it: ``make licences``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import NamedTuple

from ..errors import InputError
from . import show

NAME = "fctransfer"
EXTRAS = ("course", "test")
NOT_STATED = "not stated"
LONGEST = 60
"""Some packages put the whole text of their licence where its name belongs."""


class Licence(NamedTuple):
    """A package, its version and its licence."""

    package: str
    version: str
    licence: str


def licences() -> list[Licence]:
    """All installed packages that this one needs, directly or not, in alphabetical order. Raises InputError."""
    found = _needed()
    return [Licence(name, each.version, licence_of(each)) for name, each in sorted(found.items())]


def _needed() -> dict[str, Distribution]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: dict[str, Distribution] = {}
    seen, waiting = set(), [(NAME, EXTRAS)]
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:  # optional, or for another system
            continue
        for line in found[name].requires or ():
            need = Requirement(line)
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                waiting.append((canonicalize_name(need.name), tuple(sorted(need.extras))))
    if NAME not in found:
        raise InputError(f"{NAME} is not installed, so nothing says what it needs; install it with: make install.")
    del found[NAME]
    return found


def licence_of(package: Distribution) -> str:
    """The licence in a few words: the expression, else the classifiers, else a short name, else the file's name."""
    stated = package.metadata
    if expression := stated.get("License-Expression"):
        return expression
    classified = [line.split(" :: ")[-1] for line in stated.get_all("Classifier") or () if line.startswith("License")]
    names = [name for name in classified if name != "OSI Approved"]
    if names:
        return ", ".join(names)
    name = " ".join((stated.get("License") or "").split())
    if name and name.lower() != "unknown" and len(name) <= LONGEST:
        return name
    files = stated.get_all("License-File") or ()
    return f"see {files[0]}" if files else NOT_STATED


def table(rows: Sequence[Licence]) -> str:
    """The rows as text in columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(2)]
    lines = [f"{row.package.ljust(widths[0])}  {row.version.ljust(widths[1])}  {row.licence}" for row in rows]
    return "\n".join(lines)


def main() -> int:
    """Print the table, and below it the packages whose metadata state no licence."""
    try:
        rows = licences()
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    show.line(table(rows))
    silent = [row.package for row in rows if row.licence == NOT_STATED]
    show.line(f"\n{len(rows)} packages; their metadata state no licence for: {', '.join(silent) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
