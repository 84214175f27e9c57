"""What Yosinski et al. (2014) published: the results in their training logs, and Table 1 read in two ways.

J. Yosinski, J. Clune, Y. Bengio and H. Lipson, "How transferable are features in deep neural networks?", Advances in
Neural Information Processing Systems 27 (2014), arXiv 1411.1792. ``figures/tables/yosinski2014_networks.csv`` holds one
row for each of the 148 networks whose logs the authors published: numbers of theirs, no text.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ..errors import InputError, one_line, unknown
from ..files import TABLES

MEASURES = {"best10": "top1_mean_best10", "final": "top1_final"}
SPLITS = {"random_split": "random", "natural_manmade": "natural-manmade"}
CUTS = ((1, 7), (3, 7), (5, 7))  # the ranges of n that Table 1 averages over


def networks(measure: str = "best10", *, path: Path | str | None = None) -> pd.DataFrame:
    """The 148 published networks in the columns of our own tables.

    ``experiment`` ("random_split", "natural_manmade", "random_filters", "reduced_data"), ``data`` ("imagenet"),
    ``split``, ``replicate`` (0 to 3: four splits with one seed each), ``source`` and ``target`` ("A", "B"; natural is
    A and man-made B; "all" where all classes are learnt; "" for layers that nobody trained), ``treatment``, ``n``,
    ``per_class`` (images; 0: all), ``top1`` (share), ``loss`` (of training, at the end), ``iterations`` (of 256
    images), ``diverged`` (none).

    ``measure``: "best10" (the mean of a run's ten best validations, which the paper plots) or "final" (its last).
    Raises InputError for another measure, and for a file that is not this table.
    """
    if measure not in MEASURES:
        raise unknown("measure", measure, MEASURES)
    file = Path(path) if path else TABLES / "yosinski2014_networks.csv"
    try:
        logs = pd.read_csv(file)
        halves = {"natural": "A", "manmade": "B", "whole": "all", "random init": ""}
        return pd.DataFrame(
            {
                "experiment": logs["experiment"],
                "data": "imagenet",
                "split": logs["experiment"].map(SPLITS).fillna("all"),
                "replicate": logs["split"].str.extract(r"half(\d)", expand=False).fillna("0").astype(int),
                "source": logs["base_task"].fillna("").map(lambda name: halves.get(name, name[-1:])),
                "target": logs["target_task"].map(lambda name: halves.get(name, name[-1:])),
                "treatment": logs["treatment"],
                "n": logs["n"].astype(int),
                "per_class": logs["examples_per_class"].fillna(0).astype(int),
                "top1": logs[MEASURES[measure]].astype(float),
                "loss": logs["final_train_loss"].astype(float),
                "iterations": logs["iterations"].astype(int),
                "diverged": False,
            }
        )
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(f"{file.name} is not the published table ({one_line(error)}); restore it.") from error


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Every network of Figure 2 against the base network of the SAME target half (the paper takes the mean of all 8).

    ``table``: that of ``networks``. Adds ``half`` ("0A"), ``base`` (share) and ``gain`` (points).
    """
    rows = table[table["experiment"] == "random_split"]
    rows = rows.assign(half=rows["replicate"].astype(str) + rows["target"])
    own = rows[rows["treatment"] == "base"].set_index("half")["top1"]
    rows = rows.assign(base=rows["half"].map(own))
    return rows.assign(gain=100 * (rows["top1"] - rows["base"])).reset_index(drop=True)


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """The lines of Figure 2: ``treatment, n, top1`` (share), ``gain`` (points, own base) and ``count`` of networks.

    Means without an interval: BnB learnt A halves only, BnB+ and AnB+ one to three networks for each n. AnB and base
    have both directions of all four splits, so ``effects.effect`` gives an interval for them.
    """
    grouped = gains(table).groupby(["treatment", "n"], sort=False)
    return grouped.agg(top1=("top1", "mean"), gain=("gain", "mean"), count=("top1", "size")).reset_index()


def distant(table: pd.DataFrame) -> pd.DataFrame:
    """The lower half of Figure 3: ``treatment, n, gain`` (points against the own reference), ``count``.

    "AnB" between natural and man-made classes, mean of both directions, each against its own base; "random": untrained
    layers, against the network that learnt all of them.
    """
    parts = []
    for experiment in ("natural_manmade", "random_filters"):
        rows = table[table["experiment"] == experiment]
        own = rows[rows["treatment"] == "base"].set_index("target")["top1"]
        rows = rows[rows["treatment"] != "base"]
        rows = rows.assign(gain=100 * (rows["top1"] - rows["target"].map(own)))
        parts.append(rows.groupby(["treatment", "n"]).agg(gain=("gain", "mean"), count=("gain", "size")).reset_index())
    return pd.concat(parts, ignore_index=True)


def table1(table: pd.DataFrame) -> pd.DataFrame:
    """Table 1 both ways, in points, a row for each range of n ("1-7", "3-7", "5-7").

    As published, against networks of other halves: ``over_base`` (AnB+ minus the mean of the 8 base networks) and
    ``over_selffer`` (AnB+ minus BnB+). Against the base of each network's own half: ``transfer_own`` (AnB+) and
    ``selffer_own`` (BnB+). ``bases``: how far the base networks of the halves that AnB+ learnt lie above those of the
    halves that BnB+ learnt. ``over_selffer`` = ``transfer_own`` - ``selffer_own`` + ``bases``. All of it stands on
    one base network for each half, so that half and run cannot be told apart and there is no interval.
    """
    rows = gains(table)
    mean_base = rows.loc[rows["treatment"] == "base", "top1"].mean()
    found = []
    for lowest, highest in CUTS:
        within = rows[rows["n"].between(lowest, highest)]
        transfer, selffer = (within[within["treatment"] == name] for name in ("AnB+", "BnB+"))
        found.append(
            {
                "cuts": f"{lowest}-{highest}",
                "over_base": 100 * (transfer["top1"].mean() - mean_base),
                "over_selffer": 100 * (transfer["top1"].mean() - selffer["top1"].mean()),
                "transfer_own": transfer["gain"].mean(),
                "selffer_own": selffer["gain"].mean(),
                "bases": 100 * (transfer["base"].mean() - selffer["base"].mean()),
                "transfer_count": len(transfer),
                "selffer_count": len(selffer),
            }
        )
    return pd.DataFrame(found)


def who_learnt_what(table: pd.DataFrame) -> pd.DataFrame:
    """How many networks of each treatment learnt each half: rows are treatments, columns "0A" to "3B"."""
    rows = gains(table)
    return pd.crosstab(rows["treatment"], rows["half"]).reindex(["base", "BnB", "AnB", "BnB+", "AnB+"])
