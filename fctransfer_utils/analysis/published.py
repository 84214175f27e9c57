"""What Yosinski et al. (2014) published: the results in their training logs.

J. Yosinski, J. Clune, Y. Bengio and H. Lipson, "How transferable are features in deep neural networks?", Advances in
Neural Information Processing Systems 27 (2014), arXiv 1411.1792. ``figures/tables/yosinski2014_networks.csv`` holds one
row for each of the 148 networks whose logs the authors published: numbers of theirs, no text.
"""

from __future__ import annotations

import pandas as pd

from ..files import TABLES


def networks() -> pd.DataFrame:
    """The 148 published networks in the columns of our own tables.

    ``experiment`` ("random_split", "natural_manmade", "random_filters", "reduced_data"), ``data`` ("imagenet"),
    ``split``, ``replicate`` (0 to 3: four splits with one seed each), ``source`` and ``target`` ("A", "B"; natural is
    A and man-made B; "all" where all classes are learnt; "" for layers that nobody trained), ``treatment``, ``n``,
    ``per_class`` (images; 0: all), ``top1`` (share; the mean of a run's ten best validations, which the paper plots),
    ``loss`` (of training, at the end), ``iterations`` (of 256 images), ``diverged`` (none).
    """
    logs = pd.read_csv(TABLES / "yosinski2014_networks.csv")
    halves = {"natural": "A", "manmade": "B", "whole": "all", "random init": ""}
    return pd.DataFrame({
        "experiment": logs["experiment"],
        "data": "imagenet",
        "split": logs["experiment"].map({"random_split": "random", "natural_manmade": "natural-manmade"}).fillna("all"),
        "replicate": logs["split"].str.extract(r"half(\d)", expand=False).fillna("0").astype(int),
        "source": logs["base_task"].fillna("").map(lambda name: halves.get(name, name[-1:])),
        "target": logs["target_task"].map(lambda name: halves.get(name, name[-1:])),
        "treatment": logs["treatment"],
        "n": logs["n"],
        "per_class": logs["examples_per_class"].fillna(0).astype(int),
        "top1": logs["top1_mean_best10"],
        "loss": logs["final_train_loss"],
        "iterations": logs["iterations"],
        "diverged": False,
    })  # fmt: skip


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Every network of ``table`` (see ``networks``) against the base network of its OWN half and experiment.

    The paper takes the mean of all eight bases. Adds ``base`` (share; nan where there is none) and ``gain`` (points).
    Each half has one base network, so that half and run cannot be told apart.
    """
    where = ["experiment", "replicate", "target"]
    whole = table[(table["treatment"] == "base") & (table["per_class"] == 0)]  # learnt from all images
    rows = table.join(whole.set_index(where)["top1"].rename("base"), on=where)
    return rows.assign(gain=100 * (rows["top1"] - rows["base"]))
