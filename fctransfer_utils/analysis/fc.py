"""With and without fully connected layers: the published table with intervals, and what has to hold before we judge.

C.-L. Zhang, J.-H. Luo, X.-S. Wei and J. Wu, "In Defense of Fully Connected Layers in Visual Representation Transfer",
PCM 2017, LNCS 10736, doi 10.1007/978-3-319-77383-4_79. ``figures/tables/zhang2017_table2.csv`` holds the accuracies of
their Table 2: numbers of theirs, no text.
"""

from __future__ import annotations

from itertools import product

import pandas as pd

from ..files import TABLES
from .effects import effect
from .stats import bracket

PAPER = "Zhang 2017"
EQUAL = 1.0  # points within which the source accuracies of two heads lie, as means over replicates
SEES_PLACES = 2.0  # points by which FC layers on the flattened map have to beat pooling where places tell the class
SEES_LEARNING = 5.0  # points by which a probe has to prefer a trained trunk to the same one untrained
FINDS = 10.0  # points by which the map of a trained network has to find more than what knows nothing
KNOWS_NOTHING = {"pointing": ("untrained map", "centre map"), "retrieval": ("untrained map",)}  # by measure


# On how many images a target is tested, whether that is official, and on which side of the authors' order it stands.
# How sets without an official test set were split we do not know: Caltech-101 without its background less 30 images a
# class, and 11 images of each of nine scenes, are what is usual.
TESTED = {
    "Caltech-101": (5647, False, "near"), "Indoor-67": (1340, True, "far"), "RGB-scene-9": (99, False, "far"),
    "NIR-scene-9": (99, False, "far"), "CUB-200": (5794, True, "far"),
}  # fmt: skip


def published() -> pd.DataFrame:
    """Table 2 as differences: a row for each ``model``, ``protocol`` and ``dataset``, in the authors' order.

    ``with_fc, without_fc`` (per cent); ``mean``: with less without, in points, and ``low, high``: Newcombe's interval
    of 95 % for two shares of ``images`` test images each. It tells how far other test images might put it, as if both
    networks had been tested on draws of their own, and nothing about other networks. ``known``: whether ``images`` is
    official.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep

    given, where, rows = pd.read_csv(TABLES / "zhang2017_table2.csv"), ["model", "protocol", "dataset"], []
    wide = given.pivot(index=where, columns="fc_layers", values="accuracy_percent")[["with", "without"]]
    for place in given[where].drop_duplicates().itertuples(index=False, name=None):
        images, known, kind = TESTED[place[2]]
        first, second = wide.loc[place]
        counts = (first / 100 * images, images, second / 100 * images, images)
        low, high = confint_proportions_2indep(*counts, method="newcomb")
        found = {"with_fc": first, "without_fc": second, "mean": first - second, "low": 100 * low, "high": 100 * high}
        rows.append(dict(zip(where, place, strict=True)) | {"kind": kind} | found | {"images": images, "known": known})
    return pd.DataFrame(rows)


def gains(table: pd.DataFrame, head: str = "fc") -> pd.DataFrame:
    """The gain of ``head`` over "gap" (points, t interval over replicates) for each target, use and labels.

    ``table``: rows of ``head_measures.measured``. The source accuracies are no gains and left out.
    """
    parts = []
    for use, rows in table[table["use"] != "source"].groupby("use", sort=False):
        by = ["target", "kind", "labels"]
        parts.append(effect(rows, f"{head} {use}", f"gap {use}", by=by).assign(use=use))
    return pd.concat(parts, ignore_index=True)


def equal_sources(table: pd.DataFrame, first: str = "fc", second: str = "gap") -> pd.Series:
    """The gain of head ``first`` over ``second`` on the source itself: ``mean, low, high, count`` and ``equal``."""
    rows = table[table["use"] == "source"]
    found = effect(rows, f"{first} source", f"{second} source", by=()).iloc[0][["mean", "low", "high", "count"]]
    return pd.concat([found, pd.Series({"equal": abs(found["mean"]) <= EQUAL})])


def probes_see(table: pd.DataFrame) -> pd.DataFrame:
    """The control of the probes: trained trunks over the untrained one, on the near target with most labels.

    A row for each head and probe, with ``sees``: the interval of the gain lies beyond ``SEES_LEARNING``.
    """
    rows = table[(table["kind"] == "near") & table["use"].str.startswith("probe")]
    rows, found = rows[rows["labels"] == rows["labels"].max()], []
    for use, its in rows.groupby("use", sort=False):
        for head in dict.fromkeys(its.loc[its["head"] != "untrained", "head"]):
            found.append(effect(its, f"{head} {use}", f"untrained {use}", by=()).assign(head=head, use=use))
    table = pd.concat(found, ignore_index=True)
    return table.assign(sees=table["low"] > SEES_LEARNING)[["use", "head", "mean", "low", "high", "count", "sees"]]


def untestable(rules: pd.DataFrame, table: pd.DataFrame) -> dict[str, str]:
    """Which of Zhang et al.'s claims ``table`` cannot judge, and why: for ``claims.judge``.

    Heads that are compared have to know their source equally well (within ``EQUAL`` points on average). And each use of
    them, with the most labels, has to show what only FC layers on the flattened map can see: on pages, whose class is
    their layout, these beat pooling by more than ``SEES_PLACES`` points with their whole interval.
    """
    found = {}
    for rule in _of_the_paper(rules, maps=False):
        compared = [name.split(" ", 1) for name in (rule["first"], rule["second"])]
        heads, uses = ({each[place]: None for each in compared} for place in (0, 1))
        reasons = []
        if len(heads) == 2:
            level = equal_sources(table, *heads)
            if not level["equal"]:
                reasons.append(f"source accuracies differ by {level['mean']:+.1f} points")
        for use in uses:
            pages = table[(table["kind"] == "layout") & (table["use"] == use)]
            gain = effect(pages[pages["labels"] == pages["labels"].max()], f"fc {use}", f"gap {use}", by=()).iloc[0]
            if not gain["low"] > SEES_PLACES:
                told = bracket(gain[["mean", "low", "high"]], sign=True)
                reasons.append(f"on pages FC layers, {use}, gain {told} points over pooling")
        if reasons:
            found[rule["id"]] = "; ".join(reasons)
    return found


def maps_untestable(rules: pd.DataFrame, table: pd.DataFrame) -> dict[str, str]:
    """Which claims about the last map ``table`` cannot judge, and why: for ``claims.judge``.

    ``table``: a row for each replicate, ``measure`` and ``treatment`` ("fc map", "untrained map" and so on, "centre
    map" for the middle of the picture), the value in ``top1``. Both networks have to know their source equally well
    (measure "source"), and to find more than what knows nothing, by more than ``FINDS`` points with the whole interval.
    """
    found = {}
    for rule in _of_the_paper(rules, maps=True):
        measure = rule["where"].removeprefix("measure=")
        level = effect(table[table["measure"] == "source"], rule["first"], rule["second"], by=())["mean"].iloc[0]
        reasons = [] if abs(level) <= EQUAL else [f"source accuracies differ by {level:+.1f} points"]
        its = table[table["measure"] == measure]
        for other, name in product(KNOWS_NOTHING.get(measure, ()), (rule["first"], rule["second"])):
            gain = effect(its, name, other, by=()).iloc[0]
            if not gain["low"] > FINDS:
                told = bracket(gain[["mean", "low", "high"]], sign=True)
                reasons.append(f"{name} finds {told} points more than {other}")
        if reasons:
            found[rule["id"]] = "; ".join(reasons)
    return found


def _of_the_paper(rules: pd.DataFrame, *, maps: bool) -> list[dict]:
    """The claims of ``PAPER`` about maps, or the others."""
    its = rules[rules["paper"] == PAPER]
    return its[its["where"].str.startswith("measure=") == maps].to_dict("records")
