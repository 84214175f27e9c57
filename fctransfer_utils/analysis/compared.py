"""Options beside each other over the units that have them: what the guide ranks and takes gaps of.

Plain arrays instead of pivot tables: the sliders of notebook 12 ask for hundreds of comparisons and must not be waited
for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from .estimates import Estimate
from .guide_evidence import UNIT
from .transfer import replicate_interval

Unit = tuple[str, int, str]


@dataclass(frozen=True)
class Compared:
    """``top1`` float ``(units, options)``, a fraction, nan where a unit lacks the option; units and options sorted."""

    units: tuple[Unit, ...]
    options: tuple[str, ...]
    top1: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame) -> Compared:
        """The rows of an evidence table (``guide_evidence.gather``); of several in one place the mean."""
        found = defaultdict(list)
        columns = [rows[name].tolist() for name in (*UNIT, "option", "top1")]
        for *unit, option, top1 in zip(*columns, strict=True):
            found[tuple(unit), option].append(top1)
        units = sorted({unit for unit, _ in found})
        options = sorted({option for _, option in found})
        places = {unit: row for row, unit in enumerate(units)}, {option: row for row, option in enumerate(options)}
        values = np.full((len(units), len(options)), np.nan)
        for (unit, option), several in found.items():
            values[places[0][unit], places[1][option]] = sum(several) / len(several)
        return cls(tuple(units), tuple(options), values)

    def complete(self) -> Compared:
        """Without the options that lack a unit; where fewer than two are left, without the units instead."""
        there = np.isfinite(self.top1)
        whole = there.all(0)
        if whole.sum() > 1:
            options = tuple(option for option, kept in zip(self.options, whole, strict=True) if kept)
            return Compared(self.units, options, self.top1[:, whole])
        return self.only(there.all(1))

    def only(self, kept: Sequence[bool]) -> Compared:
        """Of the units, those that are ``kept``."""
        units = tuple(unit for unit, stays in zip(self.units, kept, strict=True) if stays)
        return Compared(units, self.options, self.top1[np.asarray(kept, dtype=bool)])

    @cached_property
    def ranked(self) -> tuple[str, ...]:
        """The options from the highest mean to the lowest; of equal ones in their order."""
        if not self.units:
            return self.options
        return tuple(self.options[place] for place in np.argsort(-self.top1.mean(0), kind="stable"))

    def mean(self, option: str) -> float:
        """Top-1 of an option (fraction)."""
        return float(self[option].mean())

    def gap(self, one: str, other: str) -> Estimate:
        """How much better ``one`` is, in points, over the units that have both."""
        points = 100 * (self[one] - self[other])
        both = np.isfinite(points)
        return replicate_interval(points[both], [unit for unit, there in zip(self.units, both, strict=True) if there])

    def has(self, *options: str) -> bool:
        """Whether a unit has all of ``options``."""
        known = set(options) <= set(self.options)
        return known and bool(np.isfinite(sum(self[option] for option in options)).any())

    def __getitem__(self, option: str) -> np.ndarray:
        return self.top1[:, self.options.index(option)]
