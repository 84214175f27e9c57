"""Pairs of times in, medians of ratios out, as text and as tables."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Ratio(NamedTuple):
    """Ours against a peer over several pairs: median, lowest and highest ratio."""

    median: float
    low: float
    high: float
    pairs: int

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float], *, less_is_better: bool) -> Ratio:
        """How many times better ours is, pair by pair. Raises ValueError for lists of unequal length."""
        pairs = list(zip(ours, theirs, strict=True))
        values = [b / a if less_is_better else a / b for a, b in pairs]
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def as_markdown(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; numbers stand right."""
    right = [all(isinstance(row[k], (int, float)) for row in rows) for k in range(len(header))]
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(" --: " if each else " :-- " for each in right) + "|"]
    for row in rows:
        lines.append("| " + " | ".join(_shown(cell) for cell in row) + " |")
    return "\n".join(lines)


def keep(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Write a table whose last column names the machine; rows of other machines under the same header stay in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before: list[list[str]] = []
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            before = list(csv.reader(file))
    others = [row for row in before[1:] if row[-1] != rows[0][-1]] if before[:1] == [list(header)] else []
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows, *others])


def _shown(cell: object) -> str:
    return (
        f"{cell:,.0f}"
        if isinstance(cell, float) and abs(cell) >= 10
        else f"{cell:.3g}"
        if isinstance(cell, float)
        else str(cell)
    )
