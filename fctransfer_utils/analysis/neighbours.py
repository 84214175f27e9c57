"""Which images a layer holds to be alike: nearest neighbours of its features, by the angle between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..errors import InputError


def nearest(queries: np.ndarray, gallery: np.ndarray, *, count: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """For each query (Q, D) the ``count`` most similar rows of ``gallery`` (G, D), best first.

    Returns indices (Q, count) and cosine similarities (Q, count); a feature of length 0 is similar to nothing (0).
    Raises InputError for features of different sizes, values that are not finite and a gallery that is too small.
    """
    queries, gallery = (np.asarray(side, dtype=np.float64).reshape(len(side), -1) for side in (queries, gallery))
    if queries.shape[1] != gallery.shape[1]:
        raise InputError(
            f"queries have {queries.shape[1]} features and the gallery {gallery.shape[1]}; take both from one layer."
        )
    if not 1 <= count <= len(gallery):
        raise InputError(f"{count} neighbours of {len(gallery)} images; give 1..{len(gallery)}.")
    if not (np.isfinite(queries).all() and np.isfinite(gallery).all()):
        raise InputError("some features are not finite; leave out networks that diverged.")
    likeness = _unit(queries) @ _unit(gallery).T
    order = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(likeness, order, axis=1)


def neighbour_table(
    layers: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    labels: np.ndarray,
    gallery_labels: np.ndarray,
    count: int = 5,
) -> pd.DataFrame:
    """A row per layer, query and rank: ``layer, query, rank, neighbour, similarity, label, neighbour_label, same``.

    ``layers`` maps a layer to the features of queries and gallery; ``query`` and ``neighbour`` are row numbers in them.
    """
    parts = []
    for name, (queries, gallery) in layers.items():
        if len(queries) != len(labels) or len(gallery) != len(gallery_labels):
            raise InputError(
                f"layer {name} has {len(queries)} queries and {len(gallery)} gallery images, but there are"
                f" {len(labels)} and {len(gallery_labels)} labels; give one for each."
            )
        order, likeness = nearest(queries, gallery, count=count)
        query = np.repeat(np.arange(len(queries)), count)
        parts.append(
            pd.DataFrame(
                {
                    "layer": name,
                    "query": query,
                    "rank": np.tile(np.arange(1, count + 1), len(queries)),
                    "neighbour": order.ravel(),
                    "similarity": likeness.ravel(),
                    "label": np.asarray(labels)[query],
                    "neighbour_label": np.asarray(gallery_labels)[order.ravel()],
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return table.assign(same=table["label"] == table["neighbour_label"])


def _unit(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1.0)
