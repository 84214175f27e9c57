"""Intervals and tests, by scipy and statsmodels; here stands which of them is asked, and when there is none."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from pandas.core.groupby import SeriesGroupBy


class Interval(NamedTuple):
    """A mean, the ends of its interval (nan where there is none) and how many values it stands on."""

    mean: float
    low: float
    high: float
    count: int


def t_interval(values: Iterable[float], level: float = 0.95) -> Interval:
    """Student's interval of the mean of independent ``values``, one for each replicate.

    Fewer than two values, or values that are all equal, have no interval (``low`` and ``high`` are nan): they say
    nothing about how far the next value would lie. No values have no mean either. Raises InputError for values that
    are not finite.
    """
    return _interval(values, level=level)


def nadeau_bengio(values: Iterable[float], test_share: float) -> Interval:
    """The interval of a mean over repeated random splits of the same images (Nadeau and Bengio 2003).

    Training sets of such splits overlap, so the plain interval is too narrow; the variance of the mean is s^2 times
    (1 / splits + test images / training images). ``test_share``: the share of the images that each split tests on.
    """
    if not 0 < test_share < 1:
        raise InputError(f"test_share {test_share} is not a share of the images; give more than 0 and less than 1.")
    return _interval(values, factor=test_share / (1 - test_share))


def _interval(values: Iterable[float], *, level: float = 0.95, factor: float = 0.0) -> Interval:
    from scipy import stats

    values = _finite(values)
    count = len(values)
    mean = float(values.mean()) if count else math.nan
    if not _vary(values):
        return Interval(mean, math.nan, math.nan, count)
    error = float(values.std(ddof=1)) * math.sqrt(1 / count + factor)
    low, high = stats.t.interval(level, count - 1, loc=mean, scale=error)
    return Interval(mean, float(low), float(high), count)


def intervals(groups: SeriesGroupBy, *, scale: float = 1) -> pd.DataFrame:
    """Student's interval of each group of values, times ``scale``: a row for each, as the figures take it."""
    import pandas as pd

    return groups.apply(lambda values: pd.Series(t_interval(scale * values)._asdict())).unstack().reset_index()


def told(values: Iterable[float], *, sign: bool = False) -> str:
    """The mean of independent ``values`` and Student's interval, as text."""
    return bracket(t_interval(values), sign=sign)


def bracket(values: Iterable[float], *, sign: bool = False, unit: str = "") -> str:
    """A mean and, if there is one, its interval: "81.3 [77.9, 84.6]"; nothing for nan. ``unit`` follows the mean."""
    mean, low, high = list(values)[:3]
    form = "+z.1f" if sign else "z.1f"  # z: no -0.0
    if math.isnan(mean):
        return ""
    return f"{mean:{form}}{unit}" + ("" if math.isnan(low) else f" [{low:{form}}, {high:{form}}]")


def difference_from(values: Iterable[float], bound: float) -> float:
    """The two-sided p of Student's test that the mean of ``values`` is ``bound``; nan where there is no interval.

    It is below 0.05 exactly where the interval of 95 % leaves ``bound`` outside.
    """
    from scipy import stats

    values = _finite(values)
    return float(stats.ttest_1samp(values, bound).pvalue) if _vary(values) else math.nan


def tost(values: Iterable[float], margin: float) -> float:
    """The p of two one-sided tests (Schuirmann 1987): small where the mean of ``values`` lies within +-``margin``.

    ``values`` are paired differences. nan where there is no interval.
    """
    from statsmodels.stats.weightstats import DescrStatsW

    values = _finite(values)
    return float(DescrStatsW(values).ttost_mean(-margin, margin)[0]) if _vary(values) else math.nan


def holm(pvalues: Iterable[float]) -> np.ndarray:
    """Holm's adjustment of several p, in their order. A p that is nan was no test: it stays so and does not count."""
    from statsmodels.stats.multitest import multipletests

    adjusted = np.array(list(pvalues), dtype=float)
    tested = ~np.isnan(adjusted)
    if tested.any():
        adjusted[tested] = multipletests(adjusted[tested], method="holm")[1]
    return adjusted


def _finite(values: Iterable[float]) -> np.ndarray:
    values = np.array(list(values), dtype=float)
    if not np.isfinite(values).all():
        raise InputError(f"{values[~np.isfinite(values)][0]} has no place in a mean; leave diverged networks out.")
    return values


def _vary(values: np.ndarray) -> bool:
    """Whether values differ by more than the last digits, which arithmetic on equal ones leaves."""
    return len(values) > 1 and float(np.ptp(values)) > 1e-12 * max(1.0, float(np.abs(values).max()))
