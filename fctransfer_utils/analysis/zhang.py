"""Table 2 of Zhang et al. (2017) with what it lacks: differences, standard errors, the pattern of signs.

C.-L. Zhang, J.-H. Luo, X.-S. Wei, J. Wu, "In Defense of Fully Connected Layers in Visual Representation Transfer",
PCM 2017, LNCS 10736. The table has accuracies only, one trained network each. The numbers of test images are not in it:
``IMAGES`` holds those that the data sets' own descriptions give, from memory, as an assumption.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from ..errors import InputError
from .published import committed_table

FILE = "zhang2017_table2.csv"
NEEDED = ("model", "fc_layers", "protocol", "dataset", "accuracy_percent")
IMAGES = {"Caltech-101": 6000, "Indoor-67": 1340, "RGB-scene-9": 99, "NIR-scene-9": 99, "CUB-200": 5794}
"""Assumed test images per target, near to far in the authors' order; the nine-class scenes have 99 per split."""
WHY_FAR = {
    "Caltech-101": "near: objects, as in the source",
    "Indoor-67": "scenes instead of objects",
    "RGB-scene-9": "scenes, very few images",
    "NIR-scene-9": "scenes in one near-infrared channel",
    "CUB-200": "birds: another task, finer classes",
}
NEAREST = "Caltech-101"
Z = 1.959964
CONFOUNDED = (
    ("hidden FC layers", "two (VGG), one (ResNet)", "none"),
    ("layout of the last map", "kept by flattening", "averaged away"),
    ("parameters of VGG-16", "138 million", "15 million"),
    ("dropout", "yes (VGG)", "no"),
    ("training on the source", "the published network (VGG)", "the same network, converted and trained on"),
    ("top-5 error on the source", "VGG 11.54 %, ResNet 8.64 %", "VGG 10.59 %, ResNet 7.82 %"),
    ("learning rate on the target", "1e-5", "1e-5, whether it suits or not"),
    ("networks per cell", "one", "one"),
)


def paper_table2(path: Path | str | None = None) -> pd.DataFrame:
    """The published accuracies: ``model, fc_layers, protocol, dataset, accuracy_percent``.

    ``path`` defaults to figures/data of the project. Raises InputError for a missing file, column or data set.
    """
    table = committed_table(FILE, path)
    absent = [name for name in NEEDED if name not in table]
    if absent:
        raise InputError(f"the published table has no column {', '.join(absent)}; use the project's {FILE}.")
    strangers = sorted({str(name) for name in table["dataset"]} - set(IMAGES))
    if strangers:
        raise InputError(f"the published table has the data set {strangers[0]!r}, which {FILE} has not; restore it.")
    return table


def paper_gaps(table: pd.DataFrame) -> pd.DataFrame:
    """With minus without FC in points: one row per model, protocol and data set, from near to far.

    Columns ``network, dataset, place, group, with_fc, without_fc, difference, images, error, low, high, in_errors``.
    ``error`` is the binomial standard error of a difference of two independent shares of ``images``, ``low`` and
    ``high`` its 95 % interval. Both networks saw the same images, so the true error is probably smaller; without the
    answers image by image it cannot be known.
    """
    wide = table.pivot(index=["model", "protocol", "dataset"], columns="fc_layers", values="accuracy_percent")
    rows = []
    for place, (dataset, images) in enumerate(IMAGES.items()):
        for (model, protocol, name), cell in wide.iterrows():
            if name != dataset:
                continue
            difference = cell["with"] - cell["without"]
            error = math.sqrt(sum(cell[side] * (100 - cell[side]) for side in ("with", "without")) / images)
            group = "near" if dataset == NEAREST else "far"
            rows.append(
                (f"{model}, {protocol}", dataset, place, group, cell["with"], cell["without"], difference, images,
                 error, difference - Z * error, difference + Z * error, difference / error)
            )  # fmt: skip
    names = ["network", "dataset", "place", "group", "with_fc", "without_fc", "difference", "images", "error", "low",
             "high", "in_errors"]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def sign_pattern(gaps: pd.DataFrame) -> pd.DataFrame:
    """How many differences lie on the claimed side (far above 0, near below), and the exact two-sided sign test.

    Columns ``counted, values, agree, p``. The cells are not independent: a row per way to count what could be.
    """
    sides = gaps.assign(side=gaps["difference"].where(gaps["group"] == "far", -gaps["difference"]))
    far = sides[sides["group"] == "far"]
    model = far["network"].str.partition(",")[0]
    ways = {
        "near cells": sides.loc[sides["group"] == "near", "side"],
        "far cells": far["side"],
        "far data sets (mean over networks)": far.groupby("dataset")["side"].mean(),
        "pairs of source networks, far (mean over cells)": far.groupby(model)["side"].mean(),
    }
    rows = [(name, len(values), int((values > 0).sum()), _sign_test(values)) for name, values in ways.items()]
    return pd.DataFrame(rows, columns=["counted", "values", "agree", "p"])


def assumed_images() -> pd.DataFrame:
    """The assumed numbers of test images: ``dataset, images, place, where_from``."""
    source = "recalled from the data set's own description, not stated in the paper's table"
    return pd.DataFrame(
        [(name, why, count, source) for (name, count), why in zip(IMAGES.items(), WHY_FAR.values(), strict=True)],
        columns=["dataset", "distance in the authors' order", "test images (assumed)", "where from"],
    )


def confounded() -> pd.DataFrame:
    """What differs between the two networks of a cell besides the FC layers."""
    return pd.DataFrame(list(CONFOUNDED), columns=["what differs", "with FC", "without FC"])


def _sign_test(values: pd.Series) -> float:
    from scipy import stats

    kept = values[values != 0]
    return float(stats.binomtest(int((kept > 0).sum()), len(kept)).pvalue) if len(kept) else 1.0
