"""How features are spread: between classes, within them, and over how many directions.

Features are (N, D) with labels (N,). *Class separation* follows Kornblith et al. 2021 (arXiv 2010.16402), who found
that networks whose classes are further apart transfer worse; the variation within classes is what Wang et al. 2022
(arXiv 2112.00496) saw kept by hidden layers between features and classes; *effective rank* is that of Roy and Vetterli
2007.
"""

from __future__ import annotations

import numpy as np

from ..errors import InputError


def class_separation(features: np.ndarray, labels: np.ndarray) -> float:
    """1 - mean within-class distance / mean overall distance, distances squared between features of length 1.

    That is twice the cosine distance, so this is the R^2 of Kornblith et al. 2021 with every class counting the same:
    0 where classes overlap wholly, 1 where each is one direction of its own.
    """
    features, labels = _checked(features, labels)
    length = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.where(length > 0, length, 1.0)
    means = _class_means(unit, labels)
    # the mean squared distance of all pairs (also of each with itself) is twice the spread around the mean
    power = np.array([(unit[labels == c] ** 2).sum(axis=1).mean() for c in range(len(means))]).mean()
    within = power - (means**2).sum(axis=1).mean()
    overall = power - (means.mean(axis=0) ** 2).sum()
    if overall <= 1e-12:
        raise InputError("the features point the same way for every image, so nothing can be told apart.")
    return float(1.0 - within / overall)


def within_share(features: np.ndarray, labels: np.ndarray) -> float:
    """The share of all variation that lies within classes: trace of the within scatter over that of the total."""
    within, between = _scatter(features, labels)
    return within / (within + between)


def scatter_ratio(features: np.ndarray, labels: np.ndarray) -> float:
    """Between over within scatter (their traces); infinite where all images of a class have the same features."""
    within, between = _scatter(features, labels)
    return between / within if within > 0 else float("inf")


def effective_rank(features: np.ndarray) -> float:
    """exp of the entropy of the singular values of the centred features, as shares of their sum: 1 to D.

    D directions of the same size give D, one direction gives 1 (Roy and Vetterli 2007, EUSIPCO).
    """
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise InputError(f"features of shape {values.shape} have no spread; give (N, D) with at least 2 images.")
    if not np.isfinite(values).all():
        raise InputError("some features are not finite; leave out networks that diverged.")
    values = values - values.mean(axis=0)
    size = np.abs(values).max()
    if size == 0:
        raise InputError("the features are the same for every image, so they fill no direction.")
    sizes = np.linalg.svd(values / size, compute_uv=False)
    shares = sizes[sizes > 1e-12 * sizes[0]]
    shares = shares / shares.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def separation(features: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """All of it: ``separation, scatter_ratio, within, effective_rank``.

    Raises InputError for features and labels that do not fit, one class only, and features that are all the same.
    """
    return {
        "separation": class_separation(features, labels),
        "scatter_ratio": scatter_ratio(features, labels),
        "within": within_share(features, labels),
        "effective_rank": effective_rank(features),
    }


def _scatter(features: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Traces of the scatter within and between classes, per image."""
    features, labels = _checked(features, labels)
    size = np.abs(features).max()
    centred = (features - features.mean(axis=0)) / (size or 1.0)
    means, counts = _class_means(centred, labels), np.bincount(labels)
    between = float((counts * (means**2).sum(axis=1)).sum() / len(labels))
    total = float((centred**2).sum() / len(labels))
    if total <= 1e-24:
        raise InputError("the features are the same for every image, so they have no variation to divide up.")
    return max(total - between, 0.0), between


def _class_means(features: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])


def _checked(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features, labels = np.asarray(features, dtype=np.float64), np.asarray(labels).reshape(-1)
    if features.ndim != 2 or len(features) != len(labels):
        raise InputError(
            f"features of shape {features.shape} and {len(labels)} labels do not fit; give one label for each image."
        )
    if not np.isfinite(features).all():
        raise InputError("some features are not finite; leave out networks that diverged.")
    names, numbers = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise InputError("all images are of one class, so no class can be told apart; give at least 2 classes.")
    return features, numbers
