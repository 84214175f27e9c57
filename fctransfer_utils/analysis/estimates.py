"""A mean with its interval, its count and how it was made; tests and power for a handful of paired differences.

Why t intervals are the default: a study has 2 to 10 pairs. The bootstrap of so few values is too narrow (it can only
reuse their spread), while t stays honest where the differences are roughly normal. The sign-flip test assumes only that
they are symmetric; below 6 pairs it cannot fall below 0.05 whatever the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError, unknown

METHODS = ("t", "bootstrap")
BOOTSTRAP_DRAWS = 10_000
FLIPS = 2**16


@dataclass(frozen=True)
class Estimate:
    """A mean, its confidence interval (nan where there is none), how many values it is of, and how it was made.

    ``unit`` is "points" (percentage points of top-1), "nats" for a difference of losses, or "" for a plain
    number; ``of`` names what is counted, most often pairs of networks.
    """

    mean: float
    low: float
    high: float
    count: int
    level: float = 0.95
    method: str = "t"
    unit: str = "points"
    of: str = "pair"

    @property
    def has_interval(self) -> bool:
        """Whether both bounds are numbers."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def __str__(self) -> str:
        if self.count == 0:
            return f"no estimate ({self.method})"
        digits = ".1f" if self.unit == "points" else ".2f" if self.unit else ".3g"  # "-0.0" lies below 0
        value = f"{self.mean:+{digits}} {self.unit}" if self.unit else f"{self.mean:{digits}}"
        counted = f"{self.count:,} {self.of}{'s' if self.count > 1 else ''}"
        if self.has_interval:
            return f"{value} [{self.low:{digits}}, {self.high:{digits}}], {counted}"
        return f"{value}, {counted} ({'no interval' if self.method in METHODS else self.method})"


def mean_interval(
    values: Iterable[float],
    *,
    level: float = 0.95,
    method: str = "t",
    unit: str = "points",
    of: str = "pair",
    seed: int = 0,
) -> Estimate:
    """The mean of ``values`` with a t interval, or a percentile ``bootstrap`` one (``seed`` draws its samples).

    One value has no interval: the bounds are nan. Raises InputError for no value, a value that is not finite, a level
    outside 0..1 and an unknown method.
    """
    sample = _sample(values)
    if not 0 < level < 1:
        raise InputError(f"level {level} is outside 0..1; 0.95 is usual.")
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    mean = float(sample.mean())
    if len(sample) == 1:
        return Estimate(mean, math.nan, math.nan, 1, level, "no interval", unit, of)
    if np.ptp(sample) == 0:
        return Estimate(mean, mean, mean, len(sample), level, method, unit, of)
    from scipy import stats

    if method == "t":
        error = float(sample.std(ddof=1)) / math.sqrt(len(sample))
        reach = float(stats.t.ppf((1 + level) / 2, len(sample) - 1)) * error
        return Estimate(mean, mean - reach, mean + reach, len(sample), level, method, unit, of)
    from ..seeds import derive

    found = stats.bootstrap(
        (sample,),
        np.mean,
        confidence_level=level,
        n_resamples=BOOTSTRAP_DRAWS,
        method="percentile",
        rng=np.random.default_rng(derive(seed, "bootstrap")),
    ).confidence_interval
    return Estimate(mean, float(found.low), float(found.high), len(sample), level, method, unit, of)


def interval_texts(lows: Iterable[float], highs: Iterable[float], *, digits: int = 1) -> list[str]:
    """Intervals as they are shown in a table, such as ``[-0.5, +1.4]``; ``none`` where a bound is nan."""
    return [
        f"[{low:+.{digits}f}, {high:+.{digits}f}]" if math.isfinite(low) and math.isfinite(high) else "none"
        for low, high in zip(lows, highs, strict=True)
    ]


def nothing(reason: str, *, level: float = 0.95, unit: str = "points") -> Estimate:
    """The estimate of nothing: count 0, and ``reason`` says why."""
    return Estimate(math.nan, math.nan, math.nan, 0, level, reason, unit)


def without_interval(values: Iterable[float], reason: str, *, level: float = 0.95, unit: str = "points") -> Estimate:
    """The mean of values that do not allow an interval, with the ``reason`` in place of the method."""
    sample = _sample(values)
    return Estimate(float(sample.mean()), math.nan, math.nan, len(sample), level, reason, unit)


def sign_flip_test(differences: Iterable[float], *, seed: int = 0) -> float:
    """Two-sided p of "the paired differences are symmetric around 0": how many sign patterns move the mean as far.

    Exact up to 16 pairs, otherwise 65,536 drawn patterns. The smallest p of k pairs is 2 / 2**k (5 pairs: 0.0625).
    """
    sample = _sample(differences)
    if len(sample) == 1 or not sample.any():
        return 1.0
    from scipy import stats

    from ..seeds import derive

    found = stats.permutation_test(
        (sample,),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=FLIPS,
        rng=np.random.default_rng(derive(seed, "sign-flip")),
    )
    return float(found.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction of several p-values tested together, in the order given; nan stays nan and is not counted."""
    adjusted = [math.nan] * len(p_values)
    order = sorted((i for i, p in enumerate(p_values) if not math.isnan(p)), key=lambda i: p_values[i])
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, p_values[index] * (len(order) - rank)))
        adjusted[index] = highest
    return adjusted


def detectable_difference(deviation: float, count: int, *, power: float = 0.8, level: float = 0.95) -> float:
    """The smallest true mean difference that ``count`` pairs would show with probability ``power``.

    ``deviation`` is the standard deviation of the paired differences, in the unit of the answer. Two-sided paired t
    test at ``1 - level``. Raises InputError for fewer than 2 pairs, a negative deviation and a power outside level..1.
    """
    if count < 2:
        raise InputError(f"{count} pair gives no test; use at least 2 pairs.")
    if deviation < 0:
        raise InputError(f"deviation {deviation} is negative; give the standard deviation of the differences.")
    if not 1 - level < power < 1:
        raise InputError(f"power {power} is outside {1 - level:.2f}..1; 0.8 is usual.")
    from scipy import optimize, stats

    freedom = count - 1
    critical = stats.t.ppf((1 + level) / 2, freedom)

    def lacking(shift: float) -> float:
        return (
            float(stats.nct.sf(critical, freedom, shift)) - power
        )  # a difference seen with the wrong sign is not seen

    shift = optimize.brentq(lacking, 1e-6, 2 * critical + 10)
    return float(shift) * deviation / math.sqrt(count)


def _sample(values: Iterable[float]) -> np.ndarray:
    sample = np.asarray(list(values), dtype=float)
    if sample.ndim != 1 or not len(sample):
        raise InputError("no values to average; give at least one number.")
    if not np.isfinite(sample).all():
        raise InputError(f"value {sample[~np.isfinite(sample)][0]} is not finite; leave such networks out and say so.")
    return sample
