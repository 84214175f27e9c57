"""Fully connected (FC) layers against global average pooling (GAP): five arms on one trunk, moved to other images.

The words of the study ``fc`` are fixed here: arms, protocols, and which targets count as near and as far. A *cell* is a
target set with a number of labels per class. Differences pair networks of one (split, seed) in one cell, are averaged
over the numbers of labels of each target, then over the targets of a group, and have t intervals over the seeds: they
speak of other seeds on these targets, not of other targets.

The study answers Zhang, Luo, Wei and Wu, "In Defense of Fully Connected Layers in Visual Representation Transfer"
(PCM 2017).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, nothing
from .tables import refuse_mixture, refuse_outside
from .transfer import unit_interval

ARMS = {
    "A": "GAP, no hidden layer",
    "B": "2x2 max pool, flatten, two hidden FC layers",
    "C": "GAP, two hidden FC layers",
    "D": "2x2 max pool, flatten, no hidden layer",
    "E": "two more convolutions, GAP, no hidden FC layer",
}
ISOLATES = {
    "A": "the paper's network without FC",
    "B": "the paper's network with FC",
    "C": "hidden FC layers without layout",
    "D": "layout without hidden FC layers",
    "E": "depth and capacity without FC",
}
PROTOCOLS = {
    "P1": "trunk frozen, one linear probe on conv5 for every arm",
    "P2": "trunk frozen, the arm's own head goes on learning (the paper's -fix)",
    "P3": "everything is fine-tuned",
    "P4": "as P3, hidden part drawn anew",
    "P5": "trunk of arm A, head of arm B drawn anew, everything learns",
    "P6": "as P3, the last layer first, then everything",
    "P7": "from scratch, nothing copied",
    "P8": "the probe of P1 at every other layer",
}
ON_SOURCE = {
    "source": "the arm on the classes of its source",
    "converted": "a trained arm B whose head became arm A's, trained on",
    "continued": "the same arm B trained on for as long, all layers kept",
}
MAIN = ("P1", "P2", "P3")
NEAR = ("held-out classes", "glyph-others", "caltech101")
FAR = ("glyph-textures", "glyph-scenes", "scenes15", "intel-scenes", "dtd10", "rsscn7")
VIEWS = ("grey", "inverted")
FINE = ("glyph-fonts", "flowers12")
GROUPS = {"near": NEAR, "far": FAR, "views": VIEWS, "fine": FINE}
OTHER = "other"
HELD_OUT = re.compile(r"random\d+:[AB]")

SEED = ("split", "seed")
CELL = ("target_set", "labels_per_class")
CONDITION = ("data", "image_size", "net")
NETWORK = (*SEED, "source", *CELL, "arm", "protocol", "layer")
NEEDED = (*CONDITION, *NETWORK, "learning_rate", "top1", "validation_top1")

Choice = tuple[str, str]  # arm and protocol


def plain_target(name: str) -> str:
    """A target set without its sizes: ``glyph-scenes``, ``caltech101``, ``held-out classes``, ``grey``.

    ``grey`` and ``inverted`` stand for those views of the held-out classes.
    """
    parts = [part.removeprefix("folder:").split("[")[0] for part in name.split()]
    for view in VIEWS:
        if view in parts:
            return view
    return NEAR[0] if HELD_OUT.fullmatch(parts[-1]) else parts[0]


def group_of(target_set: str) -> str:
    """The group of a target set: near, far, views or fine, fixed before any network was trained; else ``other``.

    Only near and far are judged; the other groups are reported beside them.
    """
    name = plain_target(target_set)
    return next((group for group, names in GROUPS.items() if name in names), OTHER)


def fc_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study ``fc`` with a top-1, checked, with the ``group`` and the ``plain`` name of their target.

    Raises InputError for an absent column, an unknown arm or protocol, a top-1 outside 0..1, a target of one class, a
    mixture of data sets or networks, two rows that stand for the same network, and no row.
    """
    absent = [name for name in NEEDED if name not in table.columns]
    if absent:
        raise InputError(f"the table has no column {', '.join(absent)}; pass the rows of the study 'fc'.")
    rows = table[table["top1"].notna()].astype({"labels_per_class": int}).reset_index(drop=True)
    if not len(rows):
        raise InputError("no network is selected; train the study 'fc'.")
    rows["layer"] = rows["layer"].fillna("").astype(str)
    for name, allowed in (("arm", ARMS), ("protocol", (*PROTOCOLS, *ON_SOURCE))):
        strangers = sorted(set(rows[name].astype(str)) - set(allowed))
        if strangers:
            raise unknown(name, strangers[0], allowed)
    refuse_outside(rows["top1"])
    refuse_outside(rows["validation_top1"].dropna())
    refuse_mixture(rows, CONDITION)
    for target in rows["target_set"].unique():
        if "[1x" in target:
            raise InputError(f"target set {target!r} has one class only; take a set with at least 2 classes.")
    twins = rows[rows.duplicated([*NETWORK, "learning_rate"])]
    if len(twins):
        twin = twins.iloc[0]
        raise InputError(
            f"two rows stand for arm {twin['arm']}, {twin['protocol']} on {twin['target_set']} with"
            f" {twin['labels_per_class']} labels per class (seed {twin['seed']}); keep one."
        )
    rows["group"] = rows["target_set"].map(group_of)
    rows["plain"] = rows["target_set"].map(plain_target)
    rows.loc[rows["protocol"].isin(list(ON_SOURCE)), ["group", "plain"]] = "source"
    return rows


def chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per network: that of the learning rate with the best ``validation_top1``, of equals the smaller rate.

    Every network chooses for itself, on images that are neither learnt nor tested. Raises InputError where there are
    several rates and no validation to choose by.
    """
    several = rows.duplicated(list(NETWORK), keep=False)
    blind = rows[several & rows["validation_top1"].isna()]
    if len(blind):
        row = blind.iloc[0]
        raise InputError(
            f"arm {row['arm']}, {row['protocol']} on {row['target_set']} has several learning rates and no"
            " validation_top1; give it, or select one rate with at_rate."
        )
    ordered = rows.sort_values(["validation_top1", "learning_rate"], ascending=[False, True], kind="stable")
    return ordered.drop_duplicates(list(NETWORK)).sort_index().reset_index(drop=True)


def rates_of(rows: pd.DataFrame) -> list[float]:
    """The learning rates that networks on targets were trained with, from small to large."""
    return sorted({float(rate) for rate in rows.loc[rows["group"] != "source", "learning_rate"].dropna()})


def at_rate(rows: pd.DataFrame, rate: float) -> pd.DataFrame:
    """The networks that learnt a target at one ``rate``: the paper's way, one rate for every arm.

    Raises InputError for a rate that no network was trained with.
    """
    mine = rows[np.isclose(rows["learning_rate"].astype(float), rate) & ~rows["protocol"].isin(list(ON_SOURCE))]
    if not len(mine):
        raise unknown("learning rate", rate, rates_of(rows))
    return mine.reset_index(drop=True)


def paired(rows: pd.DataFrame, one: Choice, other: Choice, *, layer: str | None = None) -> pd.Series:
    """Top-1 of ``one`` minus ``other`` in points, by (split, seed, target set, labels per class).

    ``rows`` has one row per network, as ``chosen`` or ``at_rate`` give; ``layer`` selects a probed layer.
    """
    index = [*SEED, *CELL]
    sides = []
    for arm, protocol in (one, other):
        mine = ((rows["arm"] == arm) & (rows["protocol"] == protocol)).to_numpy()
        if layer is not None:
            mine = mine & (rows["layer"] == layer).to_numpy()
        cells = list(zip(*(rows[name].to_numpy()[mine] for name in index), strict=True))
        sides.append(dict(zip(cells, rows["top1"].to_numpy()[mine], strict=True)))
        if len(sides[-1]) < len(cells):
            raise InputError(f"arm {arm}, {protocol} has several rows per cell; pass the rows that fc.chosen gives.")
    both = sorted(sides[0].keys() & sides[1].keys())
    places = pd.MultiIndex.from_tuples(both, names=index) if both else _no_place(index)
    return pd.Series([100 * (sides[0][cell] - sides[1][cell]) for cell in both], index=places, dtype=float).dropna()


def _no_place(names: Sequence[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([[] for _ in names], names=list(names))


def by_seed(points: pd.Series) -> pd.Series:
    """``paired`` as one value per (split, seed): the mean over the labels of each target, then over targets.

    Taken over the seeds that have every cell; over all seeds where none has every one.
    """
    if not len(points):
        return pd.Series(dtype=float, index=_no_place(SEED))
    wide = points.unstack(list(CELL))
    whole = wide.dropna()
    wide = whole if len(whole) else wide
    return wide.T.groupby(level="target_set").mean().mean()


def difference(
    rows: pd.DataFrame,
    one: Choice,
    other: Choice,
    *,
    group: str | Sequence[str] | None = None,
    labels: int | None = None,
    layer: str | None = None,
) -> pd.Series:
    """``one`` minus ``other`` in points by (split, seed), over the targets of a ``group`` (default: of every group).

    Raises InputError for an unknown group.
    """
    wanted = [group] if isinstance(group, str) else list(group or [])
    for name in wanted:
        if name not in (*GROUPS, OTHER):
            raise unknown("group", name, (*GROUPS, OTHER))
    kept = rows["group"].isin(wanted) if wanted else rows["group"] != "source"
    if labels is not None:
        kept &= rows["labels_per_class"] == labels
    part = rows.loc[kept, [*SEED, *CELL, "arm", "protocol", "layer", "top1"]]
    return by_seed(paired(part, one, other, layer=layer))


def estimate(points: pd.Series, *, level: float = 0.95) -> Estimate:
    """The mean over seeds with its t interval; without one where there is a single seed, of count 0 where none is."""
    return unit_interval(points, level=level) if len(points) else nothing("no pair of networks", level=level)


def labels_of(rows: pd.DataFrame) -> list[int]:
    """The numbers of labels per class of the targets, from few to many."""
    return sorted({int(count) for count in rows.loc[rows["group"] != "source", "labels_per_class"]})


def targets_of(rows: pd.DataFrame, distances: pd.DataFrame | None = None) -> list[str]:
    """The target sets by group; with ``distances`` (``target_set, domain``) from near to far, unmeasured ones last."""
    names = sorted(set(rows.loc[rows["group"] != "source", "target_set"]))
    if distances is not None and len(distances):
        far = distances.groupby("target_set")["domain"].mean()
        return sorted(names, key=lambda name: (far.get(name, np.inf), name))
    order = [*GROUPS, OTHER]
    return sorted(names, key=lambda name: (order.index(group_of(name)), name))
