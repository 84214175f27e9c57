"""Images that find images of their class: SCDA descriptors, cosine similarity, mean average precision.

As in Zhang et al. 2017, Table 4 (after Wei et al. 2017): the vectors at the places that SCDA keeps are averaged, and
their maximum is taken; each part is scaled to length 1, and both stand side by side. Nothing is learnt and no FC layer
takes part. Every image asks once, and all others answer; it is left out of its own answers.

*mAP at k*: the mean over the queries of the average precision of the first k answers,
``AP@k = 1 / min(k, R) * sum over ranks i <= k of [answer i is right] * (right answers among the first i) / i``,
where R is the number of other images of the query's class. So k = 1 is the share of queries whose first answer is
right, and 1 means that the first k are all right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError, unknown

POOLINGS = ("avg", "avg+max")
RANKS = (1, 5)
AT_ONCE = 512


def descriptors(maps: np.ndarray, masks: np.ndarray, *, pooling: str = "avg+max") -> np.ndarray:
    """Vectors of images from maps (N, C, h, w) and the places to keep (N, h, w): (N, C), or (N, 2 C) for avg+max.

    Each part has length 1, or 0 where the maps are 0. Raises InputError for another pooling, shapes that do not fit,
    and a mask that keeps no place.
    """
    if pooling not in POOLINGS:
        raise unknown("pooling", pooling, POOLINGS)
    maps, masks = np.asarray(maps), np.asarray(masks, dtype=bool)
    if maps.ndim != 4 or masks.shape != (len(maps), *maps.shape[2:]):
        raise InputError(
            f"maps of shape {maps.shape} and masks of shape {masks.shape} do not fit; give (N, C, h, w) and (N, h, w)."
        )
    kept = masks.sum(axis=(1, 2))
    if not kept.all():
        raise InputError("a mask keeps no place, so there is nothing to pool; make masks by component_masks.")
    average = np.einsum("nchw,nhw->nc", maps, masks.astype(maps.dtype)) / kept[:, None]
    parts = [_unit(average)]
    if pooling == "avg+max":
        parts.append(_unit(np.where(masks[:, None], maps, -np.inf).max(axis=(2, 3))))
    return np.concatenate(parts, axis=1)


def mean_average_precision(
    vectors: np.ndarray, labels: np.ndarray, *, ranks: Sequence[int] = RANKS
) -> dict[int, float]:
    """mAP at each k of ``ranks``, fractions, for vectors (N, D) of images with labels (N,), by cosine similarity.

    Of equally similar answers the earlier image comes first. Raises InputError for one class only, a class with a
    single image (it could never be right), vectors and labels that do not fit, and a k below 1.
    """
    vectors, labels = _checked(vectors, labels)
    for k in ranks:
        if k < 1:
            raise InputError(f"rank {k} is below 1; give whole numbers such as 1 and 5.")
    longest = min(max(ranks), len(labels) - 1)
    right = np.concatenate([_answers(vectors, labels, start, longest) for start in range(0, len(labels), AT_ONCE)])
    others = np.bincount(labels)[labels] - 1
    precision = right.cumsum(axis=1) / np.arange(1, longest + 1)
    found = {}
    for k in ranks:
        gained = (precision * right)[:, : min(k, longest)].sum(axis=1)
        found[k] = float((gained / np.minimum(k, others)).mean())
    return found


def _answers(vectors: np.ndarray, labels: np.ndarray, start: int, longest: int) -> np.ndarray:
    """Whether each of the first ``longest`` answers to a block of n queries is of its class: bool (n, longest)."""
    asked = np.arange(start, min(start + AT_ONCE, len(labels)))
    likeness = vectors[asked] @ vectors.T
    likeness[np.arange(len(asked)), asked] = -np.inf
    order = np.argsort(-likeness.round(9), axis=1, kind="stable")[:, :longest]  # equal up to rounding is equal
    return labels[order] == labels[asked, None]


def _checked(vectors: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vectors, labels = np.asarray(vectors, dtype=np.float64), np.asarray(labels).reshape(-1)
    if vectors.ndim != 2 or len(vectors) != len(labels):
        raise InputError(f"vectors of shape {vectors.shape} and {len(labels)} labels do not fit; give one label each.")
    if not np.isfinite(vectors).all():
        raise InputError("some vectors are not finite; leave out networks that diverged.")
    names, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise InputError("all images are of one class, so every answer is right; give at least 2 classes.")
    if counts.min() < 2:
        raise InputError(
            f"class {names[counts.argmin()]} has a single image, which has nothing to find; leave it out or add images."
        )
    return _unit(vectors), labels


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)
