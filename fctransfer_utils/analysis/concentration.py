"""How concentrated a response is over the places of a map: numbers for Figure 3 of Zhang et al. 2017.

All take heat maps (N, h, w) that are nowhere negative, such as rectified maps summed over the channels or the sizes of
gradients, and give one number per image (N,). They depend neither on the scale of a map nor on where in it something
is. A map of zeros has no distribution and gives nan.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError

TOP = 0.1
MEASURES = ("entropy", "gini", "top10")


def spatial_entropy(heat: np.ndarray) -> np.ndarray:
    """The entropy of the response over the places, divided by the logarithm of their number.

    1: the same everywhere; 0: all of it in one place.
    """
    shares = _shares(heat)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(shares > 0, shares * np.log(shares), np.where(np.isnan(shares), np.nan, 0.0))
    return -terms.sum(axis=1) / np.log(shares.shape[1])


def gini(heat: np.ndarray) -> np.ndarray:
    """The Gini coefficient over the places: 0 for the same everywhere, 1 - 1 / places for all of it in one place."""
    shares = np.sort(_shares(heat), axis=1)
    count = shares.shape[1]
    return (2 * (shares * np.arange(1, count + 1)).sum(axis=1) - (count + 1)) / count


def top_mass(heat: np.ndarray, share: float = TOP) -> np.ndarray:
    """The part of the response in the strongest ``share`` of the places.

    The last place counts in part, so a map that is the same everywhere gives exactly ``share``.
    """
    if not 0 < share <= 1:
        raise InputError(f"share {share} is outside 0 < share <= 1; 0.1 is the strongest tenth.")
    shares = -np.sort(-_shares(heat), axis=1)
    counted = (share * shares.shape[1] - np.arange(shares.shape[1])).clip(0, 1)
    return (shares * counted).sum(axis=1)


def concentration(heat: np.ndarray) -> dict[str, float]:
    """The mean over the images of each measure: ``entropy, gini, top10``; maps of zeros are left out.

    Raises InputError for another shape, a single place, and values that are negative or not finite.
    """
    heat = np.asarray(heat, dtype=np.float64)
    some = heat[heat.reshape(len(heat), -1).any(axis=1)] if heat.ndim == 3 else heat
    if not len(some):
        return dict.fromkeys(MEASURES, float("nan"))
    values = spatial_entropy(some), gini(some), top_mass(some)
    return {name: float(value.mean()) for name, value in zip(MEASURES, values, strict=True)}


def _shares(heat: np.ndarray) -> np.ndarray:
    """Heat maps (N, h, w) as shares of their sum (N, h * w); nan where the sum is 0."""
    values = np.asarray(heat, dtype=np.float64)
    if values.ndim != 3 or not values.size or values.shape[1] * values.shape[2] < 2:
        raise InputError(f"heat maps of shape {values.shape} have no places to compare; give (N, h, w).")
    if not np.isfinite(values).all() or values.min() < 0:
        raise InputError("a heat map has values that are negative or not finite; give sums of sizes, as of |gradient|.")
    values = values.reshape(len(values), -1)
    values = values / np.where(values.max(axis=1) > 0, values.max(axis=1), 1.0)[:, None]  # sums of tiny numbers vanish
    with np.errstate(invalid="ignore"):
        return values / values.sum(axis=1, keepdims=True)
