"""How far fine-tuning moves a trunk, and whether a trunk that moves less is the one that gains.

Zhang et al. (2017, claim 2) say that fully connected layers shield the last convolution from the error of a new
task. Then the trunk under them should change less while everything is fine-tuned, and where it changes less, the gain
over the network without them should be larger. Networks are compared in a *cell*: the same split, seed, target set and
number of labels. Each arm takes part with the learning rate that its validation images chose, since that is the network
one would use; ``rate`` compares all arms at one rate, where a larger step cannot be the reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError
from .estimates import mean_interval
from .tables import refuse_mixture

TUNED = "P3"  # fine-tune all
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
REPLICATE = ("split", "seed")
CELL = (*REPLICATE, "target_set", "labels_per_class")
NEEDED = (*CELL, "arm", "protocol", "learning_rate", "top1", "validation_top1", "moved", "cka")
FEWEST = 3  # cells that a correlation needs


def tuned_networks(
    rows: pd.DataFrame, *, protocol: str = TUNED, arms: Sequence[str] | None = None, rate: float | None = None
) -> pd.DataFrame:
    """One network per cell and arm that was fine-tuned by ``protocol``: the best on validation, ties to the lower rate.

    ``rows`` is the table of study ``fc``. With ``rate`` it is the network of that learning rate instead. Networks
    without a measured change are left out. Raises InputError for an absent column and for rows that mix data sets.
    """
    absent = [name for name in NEEDED if name not in rows.columns]
    if absent:
        raise InputError(f"the table has no column {', '.join(absent)}; pass the rows of the study 'fc'.")
    found = rows[(rows["protocol"] == protocol) & rows["moved"].notna() & rows["top1"].notna()]
    if arms is not None:
        found = found[found["arm"].isin(arms)]
    for name in ("data", "net"):
        if name in found.columns:
            refuse_mixture(found, [name])
    if rate is not None:
        found = found[np.isclose(found["learning_rate"].astype(float), rate)]
    ordered = found.sort_values(["validation_top1", "learning_rate"], ascending=[False, True], kind="stable")
    best = ordered.drop_duplicates([*CELL, "arm"])
    return best.sort_values([*CELL, "arm"], kind="stable").reset_index(drop=True)


def paired_change(networks: pd.DataFrame, one: str = "B", other: str = "A") -> pd.DataFrame:
    """Both arms of each cell side by side: ``gain`` is top-1 of ``one`` minus ``other`` in points.

    ``networks`` is ``tuned_networks``. Further columns: ``moved_one, moved_other`` (per cent of the trunk's length),
    ``less`` (points by which ``one`` moved less), ``cka_one, cka_other`` and their difference ``likelier``. Cells that
    lack an arm are left out.
    """
    sides = [networks[networks["arm"] == arm].set_index(list(CELL)) for arm in (one, other)]
    shared = sides[0].index.intersection(sides[1].index)
    mine, theirs = (side.loc[shared] for side in sides)
    table = pd.DataFrame(
        {
            "gain": 100 * (mine["top1"] - theirs["top1"]),
            "moved_one": 100 * mine["moved"],
            "moved_other": 100 * theirs["moved"],
            "less": 100 * (theirs["moved"] - mine["moved"]),
            "cka_one": mine["cka"],
            "cka_other": theirs["cka"],
            "likelier": mine["cka"] - theirs["cka"],
        },
        index=shared,
    )
    return table.reset_index().sort_values(list(CELL), kind="stable", ignore_index=True)


def over_cells(pairs: pd.DataFrame, value: str) -> pd.Series:
    """The mean of ``value`` over the cells of each (split, seed)."""
    return pairs.dropna(subset=[value]).groupby(list(REPLICATE))[value].mean()


def goes_with_gain(pairs: pd.DataFrame, value: str = "less") -> pd.Series:
    """The correlation over cells of ``value`` with ``gain``, one number for each (split, seed).

    Seeds with fewer than three cells, or with no spread in one of the two, have none.
    """
    found = {}
    for place, part in pairs.dropna(subset=[value, "gain"]).groupby(list(REPLICATE)):
        if len(part) >= FEWEST and part[value].std() > 0 and part["gain"].std() > 0:
            found[place] = float(np.corrcoef(part[value], part["gain"])[0, 1])
    if not found:
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=list(REPLICATE)))
    return pd.Series(list(found.values()), index=pd.MultiIndex.from_tuples(found, names=list(REPLICATE)))


def change_by_layer(networks: pd.DataFrame) -> pd.DataFrame:
    """How far each layer moved, by arm: ``arm, layer, mean, low, high, count`` in per cent of the layer's length.

    The mean is over the cells of each seed, the interval (t, 95 %) over the seeds; nan with one seed.
    """
    lines = []
    for arm, part in networks.groupby("arm"):
        for layer in LAYERS:
            column = f"moved_{layer}"
            if column not in part or not part[column].notna().any():
                continue
            by_seed = 100 * part.dropna(subset=[column]).groupby(list(REPLICATE))[column].mean()
            found = mean_interval(by_seed, unit="")
            lines.append((arm, layer, found.mean, found.low, found.high, found.count))
    return pd.DataFrame(lines, columns=["arm", "layer", "mean", "low", "high", "count"])


def shared_rates(rows: pd.DataFrame, *, protocol: str = TUNED, arms: Sequence[str] = ("A", "B")) -> list[float]:
    """The learning rates at which every one of ``arms`` was fine-tuned, ascending."""
    found = rows[(rows["protocol"] == protocol) & rows["arm"].isin(arms)]
    sets = [set(found.loc[found["arm"] == arm, "learning_rate"].astype(float)) for arm in arms]
    return sorted(rate for rate in set.intersection(*sets) if math.isfinite(rate)) if sets else []
