"""How far a task is from another one, measured on features before anything is transferred.

Three measures on given activations. *Linear probe*: top-1 of a linear classifier on frozen features. *LogME* (You et
al., ICML 2021): how likely the labels are under a Bayesian linear model of the features, per image; no test images
needed. *Proxy A-distance* (Ben-David et al. 2006, 2010): how well a classifier tells the images of one task from those
of the other, on images that it did not learn. The first two ask what features are worth for a task, the third whether
images look different; they can disagree.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError
from ..optional import need

ROUNDS = 11  # of the fixed point for LogME; it settles in two or three
STEPS = 100  # of the solver behind probes
TINY = 1e-12
PENALTY = 1.0  # inverse strength of the squared weights, as in scikit-learn


@dataclass(frozen=True)
class Probe:
    """A linear classifier on features: ``top1`` (fraction) on ``images`` test images of ``classes`` classes."""

    top1: float
    classes: int
    images: int


@dataclass(frozen=True)
class DomainDistance:
    """How far two sets of images are apart: ``distance`` = 2 (1 - 2 error), at least 0 and at most 2.

    ``error`` is the share of wrongly told images among the ``images`` held out; ``low`` and ``high`` are the distance
    at the ends of its 95 % interval (Wilson).
    """

    distance: float
    low: float
    high: float
    error: float
    images: int


def linear_probe(
    features: np.ndarray,
    labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    *,
    penalty: float = PENALTY,
) -> Probe:
    """Logistic regression on standardised features (N, D) with labels (N,), scored on test features (M, D).

    It takes at most 100 steps of its solver, whether it has settled or not. Features that are the same for every
    training image are ignored. Raises InputError for features and labels that do not fit, fewer than 2 classes and
    values that are not finite.
    """
    features, labels = _checked(features, labels)
    test_features, test_labels = _checked(test_features, test_labels, what="test ")
    if features.shape[1] != test_features.shape[1]:
        raise InputError(
            f"the features have {features.shape[1]} columns and the test features {test_features.shape[1]}; take both"
            " from the same layer."
        )
    model = _classifier(penalty)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that needs more than STEPS steps is good enough
        model.fit(features.astype(np.float32), labels)
    top1 = float((model.predict(test_features.astype(np.float32)) == test_labels).mean())
    return Probe(top1, len(np.unique(labels)), len(test_labels))


def logme(features: np.ndarray, labels: np.ndarray) -> float:
    """The logarithm of maximum evidence per image (nats) of features (N, D) for labels (N,), mean over classes.

    For each class a Bayesian linear regression of its 0/1 label on the features is fitted; the precisions of weights
    and noise are those that make the labels most likely, found by a fixed point (You et al. 2021, algorithm 1). Larger
    is better; values of the same images and labels can be compared. Raises InputError as ``linear_probe``.
    """
    features, labels = _checked(features, labels)
    energy, left = _directions(features)
    evidence = []
    for label in np.unique(labels):
        target = (labels == label).astype(float)
        evidence.append(_evidence(left.T @ target, float(target @ target), energy, len(labels)))
    return float(np.mean(evidence))


def _directions(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The squared singular values (r,) of features (N, D), scaled to N for the largest, and their directions (N, r).

    The scale of the features does not matter to the best fit, and the products of every two images are smaller than the
    features where there are more of these.
    """
    size = np.abs(features).max()
    if size == 0:
        return np.empty(0), np.empty((len(features), 0))
    features = features / size
    if features.shape[1] < len(features):
        energy, right = np.linalg.eigh(features.T @ features)
        kept = energy > 1e-12 * energy[-1]
        left = features @ right[:, kept] / np.sqrt(energy[kept])
    else:
        energy, left = np.linalg.eigh(features @ features.T)
        kept = energy > 1e-12 * energy[-1]
        left = left[:, kept]
    return len(features) * energy[kept] / energy[-1], left


def _evidence(projected: np.ndarray, length: float, energy: np.ndarray, count: int) -> float:
    """Log evidence per image of a target vector of squared ``length``; ``projected`` (r,) are its parts along the
    features' directions, ``energy`` (r,) the squared singular values there. Other directions cancel.
    """
    outside = max(length - float(projected @ projected), 0.0)

    def fitted(alpha: float, beta: float) -> tuple[float, float]:
        """Squared weights and squared error of the most likely fit at these precisions."""
        posterior = alpha + beta * energy
        weights = float((beta**2 * energy * projected**2 / posterior**2).sum())
        return weights, outside + float(((alpha / posterior) ** 2 * projected**2).sum())

    alpha = beta = 1.0
    for _ in range(ROUNDS):
        weights, error = fitted(alpha, beta)
        gamma = float((beta * energy / (alpha + beta * energy)).sum())
        before = alpha / beta
        alpha, beta = max(gamma, TINY) / max(weights, TINY), max(count - gamma, TINY) / max(error, TINY)
        if abs(alpha / beta - before) <= 1e-3 * before:
            break
    weights, error = fitted(alpha, beta)
    volume = float(np.log(alpha + beta * energy).sum()) - len(energy) * math.log(alpha)
    return (count * math.log(beta / (2 * math.pi)) - beta * error - alpha * weights - volume) / (2 * count)


def proxy_a_distance(one: np.ndarray, other: np.ndarray, *, seed: int = 0, penalty: float = PENALTY) -> DomainDistance:
    """The distance of the images behind features (N, D) and (M, D), by a linear classifier that tells them apart.

    As many of each are drawn (by ``seed``) as the smaller set has; it learns one half of them and is scored on the
    other. Raises InputError for fewer than 4 of one kind, another number of features and values that are not finite.
    """
    sides = [np.asarray(side, dtype=np.float64).reshape(len(side), -1) for side in (one, other)]
    if sides[0].shape[1] != sides[1].shape[1]:
        raise InputError(
            f"the features have {sides[0].shape[1]} and {sides[1].shape[1]} columns; take both from the same layer."
        )
    fewest = min(len(side) for side in sides)
    if fewest < 4:
        raise InputError(f"{fewest} images of one kind are too few to learn from and to test; give at least 4 of each.")
    rng = np.random.default_rng(seed)
    drawn = [side[rng.permutation(len(side))[:fewest]] for side in sides]
    half = fewest // 2
    learn, test = (np.concatenate([side[part] for side in drawn]) for part in (slice(0, half), slice(half, None)))
    which = np.repeat([0, 1], half), np.repeat([0, 1], fewest - half)
    probe = linear_probe(learn, which[0], test, which[1], penalty=penalty)
    low, high = _wilson(1 - probe.top1, probe.images)
    return DomainDistance(_distance(1 - probe.top1), _distance(high), _distance(low), 1 - probe.top1, probe.images)


def _distance(error: float) -> float:
    return float(np.clip(2 * (1 - 2 * error), 0, 2))


def _wilson(share: float, count: int) -> tuple[float, float]:
    z = 1.959964
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return centre - reach, centre + reach


def _classifier(penalty: float):
    need("sklearn", "the distance of two sets of images", package="scikit-learn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=STEPS, tol=1e-3))


def _checked(features: np.ndarray, labels: np.ndarray, *, what: str = "") -> tuple[np.ndarray, np.ndarray]:
    labels = np.asarray(labels).reshape(-1)
    features = np.asarray(features, dtype=np.float64)
    if len(features) != len(labels):
        raise InputError(f"there are {len(features)} {what}features and {len(labels)} labels; give one label for each.")
    if not len(labels):
        raise InputError(f"there are no {what}features; select at least one class with images.")
    if len(np.unique(labels)) < 2 and not what:
        raise InputError(f"all labels are {labels[0]}; a classifier needs at least 2 classes.")
    if not np.isfinite(features).all():
        raise InputError(f"some {what}features are not finite; leave out networks that diverged.")
    return features.reshape(len(labels), -1), labels


class Seen(NamedTuple):
    """What one layer of a network makes of the images of some classes: features (N, D) and labels (N,) of the training
    and of the test images.
    """

    features: np.ndarray
    labels: np.ndarray
    test_features: np.ndarray
    test_labels: np.ndarray

    @property
    def probe(self) -> Probe:
        """A linear probe that learns the training images and is scored on the test images."""
        return linear_probe(*self)


def distances(other: Seen, own: Seen, home: Seen, *, seed: int = 0) -> dict[str, float]:
    """How far a target is from a source, seen through one layer.

    ``other`` is the target seen by the network of the source, ``own`` the target seen by the network that learnt it,
    ``home`` the source seen by its own network. Larger is farther: ``probe_loss`` (points) and ``logme_loss`` (nats)
    are what the source's features lack beside the target's own; ``domain`` is the proxy A-distance of the test images
    of both halves, which neither network has learnt. ``probe``, ``own_probe`` (fractions), ``logme`` and ``own_logme``
    are what the losses are made of, ``domain_low`` and ``domain_high`` the ends of its interval, ``images`` its count.
    """
    probes = other.probe.top1, own.probe.top1
    evidence = logme(other.features, other.labels), logme(own.features, own.labels)
    domain = proxy_a_distance(home.test_features, other.test_features, seed=seed)
    return {
        "probe_loss": 100 * (probes[1] - probes[0]),
        "logme_loss": evidence[1] - evidence[0],
        "domain": domain.distance,
        "domain_low": domain.low,
        "domain_high": domain.high,
        "images": domain.images,
        "probe": probes[0],
        "own_probe": probes[1],
        "logme": evidence[0],
        "own_logme": evidence[1],
    }


def probe_rows(measured: pd.DataFrame) -> pd.DataFrame:
    """The probes behind ``distances`` one by one: ``split, target, learnt, n, top1``.

    ``measured`` has ``split, target, n, probe`` and ``own_probe``; ``learnt`` says whether the probed network had
    learnt the target ("own") or the source ("other").
    """
    parts = [
        measured.assign(learnt=learnt, top1=measured[column])
        for learnt, column in (("own", "own_probe"), ("other", "probe"))
    ]
    return pd.concat(parts, ignore_index=True)[["split", "target", "learnt", "n", "top1"]]
