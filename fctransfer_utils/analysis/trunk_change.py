"""How far fine-tuning moves a trunk, and whether a trunk that moves less is the one that gains.

Zhang et al. (2017, claim 2) say that fully connected layers shield the last convolution from the error of a new task.
Then the trunk under them should change less while everything is fine-tuned, and where it changes less, the gain over
the network without them should be larger. Networks are compared in a *cell*: a target set with a number of labels, for
one split and seed. Each takes part with the learning rate that its validation images chose, since that is the network
one would use; ``rate`` compares all at one rate, where a larger step cannot be the reason.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError
from .estimates import mean_interval
from .fc import CELL, SEED, at_rate, by_seed, chosen, rates_of

TUNED = "P3"  # fine-tune all
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
PLACE = (*SEED, *CELL)
NEEDED = ("moved", "cka")
FEWEST = 3  # cells that a correlation needs


def tuned_networks(rows: pd.DataFrame, *, protocol: str = TUNED, rate: float | None = None) -> pd.DataFrame:
    """The networks of ``analysis.fc.fc_rows`` that were fine-tuned by ``protocol``, one per arm and cell.

    With the learning rate that validation chose, or all with ``rate``. Networks without a measured change are left out.
    Raises InputError for an absent column and for a rate that nothing learnt with.
    """
    absent = [name for name in NEEDED if name not in rows.columns]
    if absent:
        raise InputError(f"the table has no column {', '.join(absent)}; pass the rows of the study 'fc'.")
    mine = rows[(rows["protocol"] == protocol) & rows["moved"].notna()]
    return chosen(mine) if rate is None else at_rate(mine, rate)


def paired_change(networks: pd.DataFrame, one: str = "B", other: str = "A") -> pd.DataFrame:
    """Both arms of each cell side by side: ``gain`` is top-1 of ``one`` minus ``other`` in points.

    ``networks`` is ``tuned_networks``. Further columns: ``group``, ``moved_one, moved_other`` (per cent of the trunk's
    length), ``less`` (points by which ``one`` moved less), ``cka_one, cka_other`` and their difference ``likelier``.
    Cells that lack an arm are left out.
    """
    sides = [networks[networks["arm"] == arm].set_index(list(PLACE)) for arm in (one, other)]
    shared = sides[0].index.intersection(sides[1].index)
    mine, theirs = (side.loc[shared] for side in sides)
    table = pd.DataFrame(
        {
            "group": mine["group"],
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
    return table.reset_index().sort_values(list(PLACE), kind="stable", ignore_index=True)


def over_cells(pairs: pd.DataFrame, value: str) -> pd.Series:
    """The mean of ``value`` over the cells of each (split, seed), as ``analysis.fc.by_seed`` takes it."""
    return by_seed(pairs.set_index(list(PLACE))[value].dropna())


def goes_with_gain(pairs: pd.DataFrame, value: str = "less") -> pd.Series:
    """The correlation over cells of ``value`` with ``gain``, one number for each (split, seed).

    Seeds with fewer than three cells, or with no spread in one of the two, have none.
    """
    found = {}
    for place, part in pairs.dropna(subset=[value, "gain"]).groupby(list(SEED)):
        if len(part) >= FEWEST and part[value].std() > 1e-9 and part["gain"].std() > 1e-9:
            found[place] = float(np.corrcoef(part[value], part["gain"])[0, 1])
    if not found:
        return by_seed(pd.Series(dtype=float))
    return pd.Series(list(found.values()), index=pd.MultiIndex.from_tuples(found, names=list(SEED)))


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
            values = mean_interval(100 * over_cells(part, column), unit="")
            lines.append((arm, layer, values.mean, values.low, values.high, values.count))
    return pd.DataFrame(lines, columns=["arm", "layer", "mean", "low", "high", "count"])


def change_by_rate(rows: pd.DataFrame, *, arms: Sequence[str] = ("A", "B"), protocol: str = TUNED) -> pd.DataFrame:
    """Every rate of the grid for all arms alike: ``learning_rate, arm, moved, cka, top1``, means over cells and seeds.

    ``moved`` is in per cent of the trunk's length.
    """
    lines = []
    mine = rows[(rows["protocol"] == protocol) & rows["moved"].notna()]
    for rate in rates_of(mine):
        part = tuned_networks(rows, protocol=protocol, rate=rate)
        for arm in arms:
            own = part[part["arm"] == arm]
            if len(own):
                means = [over_cells(own, name).mean() for name in ("moved", "cka", "top1")]
                lines.append((rate, arm, 100 * means[0], *means[1:]))
    return pd.DataFrame(lines, columns=["learning_rate", "arm", "moved", "cka", "top1"])
