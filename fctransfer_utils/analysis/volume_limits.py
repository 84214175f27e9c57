"""Where freezing and transfer stop paying, and how many labelled images transfer is worth.

Both read values between the measured numbers of images per class k by linear interpolation in log k. Nothing is read
outside the measured range: there the answer is "k > LAST (beyond the data)" or "k < FIRST (below the data)".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .tables import UNIT
from .transfer import unit_interval
from .volume import KINDS, best_columns, complete, images_of, missing_cells, study_cuts

MARGIN = 1.0  # points of top-1 that transfer must give to be said to pay
COPIED = ("freeze", "fine-tune")
BELOW, BEYOND = 0.0, math.inf
NO_INTERVAL = "no interval: some number of images has one split and seed only"


@dataclass(frozen=True)
class Crossing:
    """The largest k at which something still pays: ``images``, or ``BELOW`` / ``BEYOND`` the measured range.

    ``low`` and ``high`` bound it (nan: no interval). They are the k at which the lower and the upper bound of the
    difference's 95 % interval cross, that is, the k at which the seeds leave open on which side the difference lies.
    """

    question: str
    images: float
    low: float
    high: float
    first: int
    last: int
    count: int

    @property
    def has_interval(self) -> bool:
        """Whether seeds bound the crossing."""
        return not (math.isnan(self.low) or math.isnan(self.high))

    def place(self, images: float) -> str:
        """A number of images in words."""
        if math.isnan(images):
            return "not determined"
        if images == BELOW:
            return f"k < {self.first} (below the data)"
        if images == BEYOND:
            return f"k > {self.last} (beyond the data)"
        return f"k = {images:.{0 if images >= 10 else 1}f}"

    def __str__(self) -> str:
        if not self.has_interval:
            return f"{self.place(self.images)} ({NO_INTERVAL})"
        if self.images == self.low == self.high:
            return f"{self.place(self.images)}, at both ends of the interval too, {self.count} units"
        return f"{self.place(self.images)} [{self.place(self.low)}, {self.place(self.high)}], {self.count} units"


def gap_by_images(
    rows: pd.DataFrame, first: str | Sequence[str], second: str | Sequence[str], *, level: float = 0.95
) -> pd.DataFrame:
    """The best of the ``first`` kinds minus the best of the ``second`` ones at each k, each at its best n, in points.

    Columns ``images_per_class, gap, mean, low, high, count, n, second_n``. A k that lacks either is left out and told
    in ``attrs["missing"]``. Raises InputError for an unknown kind, and when no k has both.
    """
    firsts, seconds = _kinds(first), _kinds(second)
    name = f"{' or '.join(firsts)} - {' or '.join(seconds)}"
    cuts, found = study_cuts(rows), []
    wanted = rows[rows["kind"].isin([*firsts, *seconds])]
    for images in images_of(wanted):
        wide = complete(wanted, images, cuts=cuts)
        columns = best_columns(wide) if len(wide) else {}
        one, other = (next((columns[kind] for kind in columns if kind in kinds), None) for kinds in (firsts, seconds))
        if one is None or other is None:
            continue
        gap = unit_interval(100 * (wide[one] - wide[other]), level=level)
        found.append((images, name, gap.mean, gap.low, gap.high, gap.count, int(one[1]), int(other[1])))
    words = missing_cells(rows)
    if not found:
        raise InputError(
            f"{name} cannot be compared at any number of images: {' '.join(words[:3])} Train what is absent."
        )
    names = ["images_per_class", "gap", "mean", "low", "high", "count", "n", "second_n"]
    result = pd.DataFrame(found, columns=names)
    result.attrs["missing"] = words
    return result


def where_freezing_stops(rows: pd.DataFrame, *, margin: float = 0.0) -> Crossing:
    """The largest k at which the best frozen network beats the best fine-tuned one by more than ``margin`` points."""
    gap = gap_by_images(rows, "freeze", "fine-tune")
    return crossing_of(gap, margin, "freezing beats fine-tuning up to")


def where_transfer_stops(rows: pd.DataFrame, *, margin: float = MARGIN) -> Crossing:
    """The largest k at which the best transfer beats scratch by more than ``margin`` points."""
    gap = gap_by_images(rows, COPIED, "scratch")
    return crossing_of(gap, margin, f"transfer gives more than {margin:g} point{'s' * (margin != 1)} up to")


def crossing_of(gap: pd.DataFrame, margin: float, question: str) -> Crossing:
    """Where the mean of ``gap_by_images`` is last above ``margin``, with the same for the bounds of its interval."""
    images = gap["images_per_class"].to_numpy(dtype=float)
    at, low, high = (last_above(images, gap[name].to_numpy() - margin) for name in ("mean", "low", "high"))
    bounded = gap[["low", "high"]].notna().all(axis=None)
    low, high = (low, high) if bounded else (math.nan, math.nan)
    return Crossing(question, at, low, high, int(images[0]), int(images[-1]), int(gap["count"].min()))


def last_above(images: np.ndarray, values: np.ndarray) -> float:
    """The largest k at which ``values`` (k ascending, linear in log k) is above 0; BELOW: never, BEYOND: at the end."""
    if np.isnan(values).any():
        return math.nan
    above = np.flatnonzero(values > 0)
    if not len(above):
        return BELOW
    place = above[-1]
    if place == len(values) - 1:
        return BEYOND
    share = values[place] / (values[place] - values[place + 1])
    logs = np.log(images)
    return float(np.exp(logs[place] + share * (logs[place + 1] - logs[place])))


def data_multiplier(rows: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """How many times as many images scratch needs for the top-1 that transfer reaches with k: k_scratch / k.

    Columns ``kind, n, images_per_class, top1, scratch_images, multiplier, bound, low, high, count``; each kind of
    transfer at its best n. k_scratch is where the curve of scratch first reaches that top-1, in each unit; given are
    geometric means over units and their t interval. Where scratch does not reach it with all images the value is a
    lower bound (``at least``), where it exceeds it already with the fewest an upper one (``at most``), where units
    disagree on that nothing is given (``not determined``); such rows have no interval.
    """
    cuts = study_cuts(rows)
    scratch = rows[rows["kind"] == "scratch"].pivot(index=list(UNIT), columns="images_per_class", values="top1")
    scratch = scratch.dropna()
    found = []
    for kind in COPIED:
        mine = rows[rows["kind"].isin([kind, "scratch"])]
        for images in images_of(mine[mine["kind"] == kind]):
            wide = complete(mine, images, cuts=cuts)
            wide = wide[wide.index.isin(scratch.index)]
            column = best_columns(wide).get(kind) if len(wide) else None
            if column is not None:
                found.append((kind, int(column[1]), images, *_worth(wide[column], scratch, images, level)))
    if not found:
        reason = " ".join(missing_cells(rows)[:3]) or "no target has scratch at every number of images."
        raise InputError(f"no transfer network has a curve of scratch to be compared with: {reason}")
    names = ["kind", "n", "images_per_class", "top1", "scratch_images", "multiplier", "bound", "low", "high", "count"]
    result = pd.DataFrame(found, columns=names)
    result.attrs["missing"] = missing_cells(rows)
    return result


def images_needed(images: np.ndarray, top1: np.ndarray, wanted: float) -> tuple[float, str]:
    """The k at which ``top1`` (k ascending, linear in log k) first reaches ``wanted``, and whether that is a bound."""
    reached = np.flatnonzero(top1 >= wanted)
    if not len(reached):
        return float(images[-1]), "at least"
    place = reached[0]
    if place == 0:
        return float(images[0]), "" if top1[0] == wanted else "at most"
    share = (wanted - top1[place - 1]) / (top1[place] - top1[place - 1])
    logs = np.log(images)
    return float(np.exp(logs[place - 1] + share * (logs[place] - logs[place - 1]))), ""


def _worth(reached: pd.Series, scratch: pd.DataFrame, images: int, level: float) -> tuple:
    """top1, scratch_images, multiplier, bound, low, high, count of one kind at one k, over its units."""
    ks = scratch.columns.to_numpy(dtype=float)
    needs = [images_needed(ks, scratch.loc[unit].to_numpy(), value) for unit, value in reached.items()]
    top1, bounds = float(reached.mean()), {bound for _, bound in needs} - {""}
    if len(bounds) > 1:
        return top1, math.nan, math.nan, "not determined", math.nan, math.nan, len(needs)
    logs = pd.Series([math.log(need / images) for need, _ in needs], index=reached.index)
    times = math.exp(logs.mean())
    low = high = math.nan
    if not bounds:
        estimate = unit_interval(logs, level=level, unit="")
        low, high = math.exp(estimate.low), math.exp(estimate.high)
    return top1, times * images, times, "".join(bounds), low, high, len(needs)


def _kinds(names: str | Sequence[str]) -> tuple[str, ...]:
    kinds = (names,) if isinstance(names, str) else tuple(names)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind of training", kind, KINDS)
    return kinds
