"""What a design could have seen: the power of the paired t test, from the spread of the differences that were observed.

The spread is itself an estimate, and of few pairs a poor one (of 6 pairs its 95 % interval reaches from 0.6 to 2.5
times the value), so every answer is given for the observed spread and for the upper bound of its interval.

Two counts of what is independent are used. *Targets*: each (split, seed, target) is a pair, as everywhere in the
course; the two directions of one seed share their base networks, which the t interval ignores. *Seeds*: the directions
are averaged within each (split, seed) first, which leaves half as many values and no such doubt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .estimates import detectable_difference
from .tables import REPLICATE, WITHOUT_CUT, missing, one_condition, replicates_of
from .transfer import by_unit, pairs

POWER = 0.8
PLANNED = (5, 10, 20)
INDEPENDENT = ("targets", "seeds")
BOOSTS = (("AnB+", "BnB+"), ("AnB+", "twice"), ("BnB+", "base"))


@dataclass(frozen=True)
class Spread:
    """The standard deviation of ``count`` paired differences with its chi-square interval, in the unit of these."""

    deviation: float
    low: float
    high: float
    count: int
    level: float = 0.95


def spread_of(values: Sequence[float] | pd.Series, *, level: float = 0.95) -> Spread:
    """The spread of paired differences. Raises InputError for fewer than 2 values."""
    sample = pd.Series(list(values), dtype=float)
    if len(sample) < 2:
        raise InputError(f"{len(sample)} difference has no spread; give at least 2.")
    from scipy import stats

    deviation, freedom = float(sample.std(ddof=1)), len(sample) - 1
    low, high = (deviation * math.sqrt(freedom / stats.chi2.ppf((1 + s * level) / 2, freedom)) for s in (1, -1))
    return Spread(deviation, float(low), float(high), len(sample), level)


def by_replicate(points: pd.Series) -> pd.Series:
    """Differences by (split, seed, target) averaged over the targets of each (split, seed)."""
    return points.groupby(level=list(REPLICATE)).mean()


def power_of(difference: float, deviation: float, count: int, *, level: float = 0.95) -> float:
    """The probability that ``count`` pairs show a true mean ``difference``: two-sided paired t test, in either sign.

    ``deviation`` is the standard deviation of the paired differences. Raises InputError for fewer than 2 pairs and a
    deviation that is not positive.
    """
    if count < 2:
        raise InputError(f"{count} pair gives no test; use at least 2 pairs.")
    if not deviation > 0:
        raise InputError(f"deviation {deviation} is not positive; give the standard deviation of the differences.")
    from scipy import stats

    freedom = count - 1
    critical, shift = stats.t.ppf((1 + level) / 2, freedom), abs(difference) * math.sqrt(count) / deviation
    wrong_sign = stats.nct.cdf(-critical, freedom, shift)  # scipy gives nan where this is below 1e-19
    return float(stats.nct.sf(critical, freedom, shift) + np.nan_to_num(wrong_sign))


def pairs_needed(difference: float, deviation: float, *, power: float = POWER, most: int = 10_000) -> int:
    """How many pairs show a true ``difference`` with probability ``power``. Raises InputError beyond ``most``."""
    if difference == 0:
        raise InputError("a difference of 0 is never shown; give the smallest difference that matters.")
    for count in range(2, most + 1):
        if detectable_difference(deviation, count, power=power) <= abs(difference):
            return count
    raise InputError(f"more than {most} pairs are needed to show {difference} at a deviation of {deviation}.")


def differences(table: pd.DataFrame, treatment: str, against: str, cuts: Sequence[int]) -> pd.Series:
    """``treatment`` minus ``against`` in points, averaged over ``cuts``, by (split, seed, target)."""
    own = [WITHOUT_CUT[treatment]] if treatment in WITHOUT_CUT else list(cuts)
    return by_unit(pairs(table, treatment, against, own), own)


def design_power(
    table: pd.DataFrame,
    comparisons: Sequence[tuple[str, str]] = BOOSTS,
    *,
    cuts: Sequence[int],
    planned: Sequence[int] = PLANNED,
    power: float = POWER,
    independent: str = "targets",
) -> pd.DataFrame:
    """The smallest true difference that a design shows with probability ``power``, now and with more pairs.

    Columns ``comparison, pairs, planned, deviation, deviation_high, detectable, detectable_high``, in points; the first
    row of a comparison is of the pairs there are, ``planned`` rows of those there could be. ``_high`` takes the upper
    95 % bound of the spread. Comparisons with fewer than two (split, seed) have no spread: nan, told in
    ``attrs["missing"]``.
    """
    if independent not in INDEPENDENT:
        raise unknown("independent values", independent, INDEPENDENT)
    rows = one_condition(table)
    found, words = [], []
    for treatment, against in comparisons:
        name = f"{treatment} - {against}"
        points = differences(rows, treatment, against, cuts)
        values = by_replicate(points) if independent == "seeds" else points
        if replicates_of(points.index) < 2:
            count = len(values)
            found.append((name, count, False, *[math.nan] * 4))
            words += [f"{name} has {count or 'no'} pair of one split and seed: no spread to plan from."]
            words += missing(rows, [treatment, against], cuts) if not count else []
            continue
        spread = spread_of(values)
        for count, is_planned in ((spread.count, False), *((k, True) for k in planned if k > spread.count)):
            reach = [detectable_difference(s, count, power=power) for s in (spread.deviation, spread.high)]
            found.append((name, count, is_planned, spread.deviation, spread.high, *reach))
    columns = ["comparison", "pairs", "planned", "deviation", "deviation_high", "detectable", "detectable_high"]
    result = pd.DataFrame(found, columns=columns)
    result.attrs["missing"] = tuple(dict.fromkeys(words))
    return result


def power_curve(deviation: float, counts: Sequence[int], differences: Sequence[float]) -> pd.DataFrame:
    """``power_of`` for every count of pairs and every true difference: ``pairs, difference, power``."""
    found = [(count, value, power_of(value, deviation, count)) for count in counts for value in differences]
    return pd.DataFrame(found, columns=["pairs", "difference", "power"])


def planning_spread(
    design: pd.DataFrame, comparison: str, *, otherwise: tuple[float, int] = (1.0, 6)
) -> tuple[float, int]:
    """The spread (points) and the number of pairs that ``design_power`` found for a comparison, to plan with.

    ``otherwise`` where it found no spread, or none above 0. Raises InputError for a comparison that is not in it.
    """
    rows = design[(design["comparison"] == comparison) & ~design["planned"].astype(bool)]
    if not len(rows):
        raise unknown("comparison", comparison, design["comparison"].drop_duplicates())
    deviation = float(rows["deviation"].iloc[0])
    return (deviation, int(rows["pairs"].iloc[0])) if deviation > 0 else otherwise


def power_words(design: pd.DataFrame, comparison: str) -> str:
    """What ``design_power`` says of a comparison, in a sentence."""
    rows = design[(design["comparison"] == comparison) & ~design["planned"].astype(bool)]
    if not len(rows) or not math.isfinite(rows["detectable"].iloc[0]):
        return "There are too few seeds to tell what difference could have been seen."
    row = rows.iloc[0]
    words = f"With {row['pairs']} pairs a true difference of {row['detectable']:.1f} points would be seen in"
    if row["pairs"] < 3:  # the interval of a spread of two values reaches to 32 times the value
        return f"{words} {100 * POWER:.0f} % of repetitions, if so few could tell the spread."
    high = f"by the upper end of the spread: {row['detectable_high']:.1f}"
    return f"{words} {100 * POWER:.0f} % of repetitions ({high})."
