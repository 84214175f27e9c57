"""What a layer holds: which images are alike to it, by the angle between features, and how well they tell classes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..errors import InputError
from .distance import linear_probe


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


def layer_report(
    gallery: Mapping[str, np.ndarray],
    queries: Mapping[str, np.ndarray],
    *,
    labels: np.ndarray,
    gallery_labels: np.ndarray,
    count: int = 5,
) -> pd.DataFrame:
    """What layers hold of the classes: a row each with ``layer, features, probe, neighbours, images, chance``.

    ``probe`` is the top-1 on the queries of a linear classifier that learnt the gallery (``distance.linear_probe``),
    ``neighbours`` the share of the ``count`` nearest gallery images that have the class of their query; both fractions.
    ``gallery`` and ``queries`` map a layer to features (G, D) and (Q, D); ``images`` is Q, ``chance`` 1 / classes.
    """
    near = neighbour_table(
        {layer: (queries[layer], gallery[layer]) for layer in gallery},
        labels=labels, gallery_labels=gallery_labels, count=count,
    )  # fmt: skip
    share = near.groupby("layer")["same"].mean()
    rows = []
    for layer, known in gallery.items():
        found = linear_probe(known, gallery_labels, queries[layer], labels)
        size = int(np.prod(np.shape(known)[1:]))
        rows.append((layer, size, found.top1, share[layer], found.images, 1 / found.classes))
    return pd.DataFrame(rows, columns=["layer", "features", "probe", "neighbours", "images", "chance"])


def spread_queries(labels: np.ndarray, *, count: int = 4) -> list[int]:
    """The rows of the first images of ``count`` classes that are evenly spread over all: chosen without looking."""
    classes = np.unique(np.asarray(labels))
    if not 1 <= count <= len(classes):
        raise InputError(f"{count} queries of {len(classes)} classes; give 1..{len(classes)}.")
    chosen = [classes[place * len(classes) // count] for place in range(count)]
    return [int(np.flatnonzero(labels == label)[0]) for label in chosen]


def _unit(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(length > 0, length, 1.0)
