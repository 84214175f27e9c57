"""Made measures of the firewall whose true effects are known: a table for each, and a study whose trunks moved."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from fctransfer_utils.analysis.fc import fc_rows
from tests.made_fc import fc_table

ARMS = "ABCDE"
GAIN = {"A": 0.0, "B": 1.0, "C": 0.9, "D": 0.3, "E": 0.5}  # share of B's gain
LOCALISED, RETRIEVED = 20.0, 30.0  # points of B over A
METHODS = ("scda", "scda cells", "gradcam", "cam", "whole", "centre")
THRESHOLDS = {0.35: 0.60, 0.5: 0.40, 0.7: 0.15}


def made_measures(*, seeds: int = 3, noise: float = 0.002, arms=ARMS, sign: float = 1.0):
    """``boxes, retrieval, concentration, separation, fc`` as the notebook gets them; ``sign`` -1 turns all effects."""
    rng = np.random.default_rng(11)

    def value(start: float, points: float, arm: str) -> float:
        return start + sign * GAIN[arm] * points / 100 + rng.normal(0, noise)

    boxes, retrieval, concentration, separation = [], [], [], []
    for seed, arm in itertools.product(range(seeds), arms):
        place = ("random0", seed, arm)
        for method, (threshold, start) in itertools.product(METHODS, THRESHOLDS.items()):
            if method == "cam" and arm not in "AE":
                continue
            points = {"scda": LOCALISED, "scda cells": LOCALISED - 2, "gradcam": 8.0}.get(method, 0.0)
            lift = sign * 0.06 if method in ("cam", "gradcam") else 0.0
            start = 0.1 if method in ("whole", "centre") else start
            share = start if method in ("whole", "centre") else value(start + lift, points, arm)
            boxes.append((*place, "glyph-places", method, threshold, share, 600))
        for pooling, k in itertools.product(("avg", "avg+max"), (1, 5)):
            retrieval.append((*place, "glyph-places", pooling, k, value(0.25 + 0.05 * (k == 5), RETRIEVED, arm), 600))
        for which, flat in (("forward", 0.85), ("gradient", 0.9), ("gradient at output", 0.95)):
            entropy = value(flat, 6.0, arm)
            shares = (1 - entropy, value(0.35, -10.0, arm), 3.0 - GAIN[arm])
            concentration.append((*place, "glyph-places", which, entropy, *shares, 600))
        for classes, own in (("source", 0.5), ("held out", 0.3)):
            within = value(1 - own, 10.0, arm)
            rank = 20.0 + sign * 5 * GAIN[arm] + rng.normal(0, noise)
            separation.append((*place, "conv5", classes, own, (1 - within) / within, within, rank, 500))
    head = ["split", "seed", "arm"]
    return {
        "boxes": pd.DataFrame(boxes, columns=[*head, "images_of", "method", "threshold", "share", "images"]),
        "retrieval": pd.DataFrame(retrieval, columns=[*head, "images_of", "pooling", "k", "map", "images"]),
        "concentration": pd.DataFrame(
            concentration, columns=[*head, "images_of", "which", "entropy", "gini", "top10", "norm", "images"]
        ),
        "separation": pd.DataFrame(
            separation,
            columns=[
                *head, "layer", "classes", "separation", "scatter_ratio", "within", "effective_rank", "images",
            ],
        ),
        "fc": made_changes(seeds=seeds, arms=arms, sign=sign),
    }  # fmt: skip


def made_changes(*, seeds: int = 3, arms=ARMS, sign: float = 1.0) -> pd.DataFrame:
    """The study ``fc`` in which B's trunk moves 4 points less (3 per cent on near targets, 7 on far ones) than A's."""
    rows = fc_rows(fc_table(seeds=seeds, arms=arms))
    tuned = rows["protocol"].isin(["P3", "P4", "P5", "P6"])
    by_group = rows["group"].map({"near": 0.03, "far": 0.07}).fillna(0.05)
    rows["moved"] = np.where(tuned, 0.2 - sign * by_group * rows["arm"].map(GAIN), np.nan)
    rows["cka"] = np.where(tuned, 0.8 + sign * 0.1 * rows["arm"].map(GAIN), np.nan)
    for number, name in enumerate(("conv1", "conv2", "conv3", "conv4", "conv5"), start=1):
        rows[f"moved_{name}"] = rows["moved"] * number / 3
    return rows


def made_maps(*, images: int = 4, arms="AB") -> pd.DataFrame:
    """Heat maps as the notebook gets them: those of B are wide, those of A sharp."""
    lines = []
    columns = np.arange(8)
    for arm, image, method, row in itertools.product(arms, range(images), ("scda", "gradcam"), range(8)):
        near = (row - 2 - image % 3) ** 2 + (columns - 4) ** 2
        heat = np.exp(-near / (9.0 if arm == "B" else 0.5))
        cells = {f"c{column}": value for column, value in enumerate(heat)}
        lines.append({"split": "random0", "seed": 0, "arm": arm, "image": image, "method": method, "row": row} | cells)
    return pd.DataFrame(lines)
