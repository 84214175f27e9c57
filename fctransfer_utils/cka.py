"""How alike two sets of features of the same images are: linear CKA (Kornblith, Norouzi, Lee and Hinton, ICML 2019).

Linear CKA does not change when features are rotated, mirrored, scaled or moved, so two networks that found the same
features in another order are alike. It does change under other linear maps: a feature counts by its variance.

With more features than images the plain value is far above 0 even for features that share nothing (p independent
features of N images each: about p / (p + N)). ``debiased`` uses the unbiased estimator of HSIC (Song et al. 2012), with
which it is 0 on average there; it can fall below 0 by chance.
"""

from __future__ import annotations

import numpy as np

from .errors import InputError

FEWEST = 4


def linear_cka(one: np.ndarray, other: np.ndarray, *, debiased: bool = False) -> float:
    """The similarity of features (N, p) and (N, q) of the same N images: 1 for equal up to rotation and scale.

    Raises InputError for another number of images on one side, fewer than 4 images, values that are not finite and
    features that are the same for every image.
    """
    sides = [products(features, debiased=debiased) for features in (one, other)]
    if len(sides[0]) != len(sides[1]):
        raise InputError(
            f"the features are of {len(sides[0])} and {len(sides[1])} images; give both for the same images."
        )
    return of_products(*sides, debiased=debiased)


def products(features: np.ndarray, *, debiased: bool) -> np.ndarray:
    """The centred products (N, N) of every two images by their ``features`` (N, p), for ``of_products``.

    Raises InputError for features that ``linear_cka`` refuses.
    """
    values = np.asarray(features, dtype=np.float64).reshape(len(features), -1)
    if len(values) < FEWEST:
        raise InputError(f"features of {len(values)} images are too few to compare; give at least {FEWEST}.")
    if not np.isfinite(values).all():
        raise InputError("some features are not finite; leave out networks that diverged.")
    values = values - values.mean(axis=0)
    if not values.any():
        raise InputError("the features are the same for every image, so there is nothing to compare.")
    values = values / np.abs(values).max()  # collapsed signals are small, and their squares would be lost
    gram = values @ values.T
    return _u_centred(gram) if debiased else gram


def _u_centred(gram: np.ndarray) -> np.ndarray:
    """``gram`` with a zero diagonal and rows that add up to 0: its products are unbiased (Song et al. 2012)."""
    count = len(gram)
    gram = gram - np.diag(np.diag(gram))
    rows = gram.sum(axis=1) / (count - 2)
    gram = gram - rows[:, None] - rows[None, :] + gram.sum() / ((count - 1) * (count - 2))
    np.fill_diagonal(gram, 0.0)
    return gram


def of_products(one: np.ndarray, other: np.ndarray, *, debiased: bool) -> float:
    """``linear_cka`` of features whose products (N, N) are known, both by ``products`` with the same ``debiased``."""
    norms = float(np.sqrt((one * one).sum() * (other * other).sum()))
    if norms == 0:
        return 0.0
    value = float((one * other).sum()) / norms
    return min(value, 1.0) if debiased else float(np.clip(value, 0.0, 1.0))
