"""Statements that must hold for a notebook to go on, and values that must be those that were published with it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError, unknown
from ..fields import settle_fields
from ..files import write_text


class CheckFailed(AssertionError):
    """A statement of a notebook does not hold. The message is the statement and what was found instead."""


@dataclass(frozen=True)
class Expectation:
    """A number that the text relies on: ``value`` within ``tolerance``, over ``seeds``, taken from ``source``."""

    value: float
    tolerance: float
    seeds: str
    source: str

    def __post_init__(self) -> None:
        settle_fields(self)

    def fits(self, found: float) -> bool:
        """Whether ``found`` lies within the tolerance; nothing that is not finite does."""
        return math.isfinite(found) and abs(found - self.value) <= self.tolerance


class Expected:
    """The file ``figures/expected.json``: data set -> name -> Expectation."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = self._read()

    def names(self, data: str) -> list[str]:
        """The values expected for a data set."""
        return sorted(self._content.get(data, {}))

    def get(self, data: str, name: str) -> Expectation:
        """The value expected under ``name``. Raises InputError when there is none."""
        if name not in self._content.get(data, {}):
            raise unknown(
                f"value expected for {data}",
                name,
                self.names(data),
                mend=f"Add it to {self.path.name} with: make evidence PROFILE=read DATA={data}.",
            )
        try:
            return Expectation(**self._content[data][name])
        except TypeError as error:
            raise InputError(
                f"{self.path.name} has another layout at {data}/{name}: {error}; each entry holds value, tolerance,"
                " seeds and source."
            ) from error

    def put(self, data: str, name: str, wanted: Expectation) -> None:
        """Replace the value under ``name`` and write the file, sorted."""
        self._content.setdefault(data, {})[name] = vars(wanted).copy()
        write_text(self.path, json.dumps(self._content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")

    def _read(self) -> dict[str, dict[str, Any]]:
        if not self.path.exists():
            return {}
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"cannot read {self.path.name}: {error}; restore the file.") from error
        if not isinstance(content, dict) or not all(isinstance(part, dict) for part in content.values()):
            raise InputError(f"{self.path.name} must map data sets to names to values; restore the file.")
        return content
