"""What the study ``fc`` shows, as tables: gaps by target and distance, explanations, probes, rates, what is missing.

Every function takes one row per network (``analysis.fc.chosen`` or ``at_rate``), unless it says otherwise. Gaps are
points of top-1 over arm A, paired by seed, with t intervals over the seeds; ``count`` is their number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from .claims_fc import LEAST, SHARE
from .estimates import Estimate, mean_interval
from .fc import (
    ARMS,
    CELL,
    GROUPS,
    ISOLATES,
    MAIN,
    NETWORK,
    OTHER,
    SEED,
    at_rate,
    by_seed,
    chosen,
    difference,
    estimate,
    group_of,
    labels_of,
    paired,
    plain_target,
    rates_of,
    targets_of,
)

BOUNDS = ["mean", "low", "high", "count"]
TRUNK = ("conv1", "conv2", "conv3", "conv4", "conv5")
LAST = TRUNK[-1]
CAUSES = {"C": "hidden layers", "D": "layout", "E": "depth and capacity"}
EVERY = 0  # in place of a number of labels: their mean


def top1_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean top-1 (fractions) by ``target_set, group, labels_per_class, arm, protocol``: ``mean, low, high, count``."""
    tuned = rows[(rows["group"] != "source") & (rows["protocol"] != "P8")]
    found = []
    for (target, labels, protocol, arm), part in tuned.groupby(["target_set", "labels_per_class", "protocol", "arm"]):
        value = mean_interval(part["top1"], unit="")
        found.append((target, group_of(target), int(labels), arm, protocol, *_bounds(value)))
    return pd.DataFrame(found, columns=["target_set", "group", "labels_per_class", "arm", "protocol", *BOUNDS])


def gap_by_target(rows: pd.DataFrame, *, arm: str = "B", protocols: Sequence[str] = MAIN) -> pd.DataFrame:
    """``arm`` minus A on every target with every number of labels, and over all of these (``labels_per_class`` 0).

    Columns ``target_set, plain, group, protocol, labels_per_class, mean, low, high, count``.
    """
    found = []
    for target in targets_of(rows):
        part = rows[rows["target_set"] == target]
        for protocol in protocols:
            for labels in (EVERY, *labels_of(part)):
                points = difference(part, (arm, protocol), ("A", protocol), labels=labels or None)
                if len(points):
                    place = (target, plain_target(target), group_of(target), protocol, labels)
                    found.append((*place, *_bounds(estimate(points))))
    return pd.DataFrame(found, columns=["target_set", "plain", "group", "protocol", "labels_per_class", *BOUNDS])


def gap_by_group(rows: pd.DataFrame, *, arm: str = "B", protocols: Sequence[str] = MAIN) -> pd.DataFrame:
    """``arm`` minus A over the targets of each group: ``group, protocol, labels_per_class, mean, low, high, count``."""
    found = []
    for group in (*GROUPS, OTHER):
        for protocol in protocols:
            for labels in (EVERY, *labels_of(rows)):
                points = difference(rows, (arm, protocol), ("A", protocol), group=group, labels=labels or None)
                if len(points):
                    found.append((group, protocol, labels, *_bounds(estimate(points))))
    return pd.DataFrame(found, columns=["group", "protocol", "labels_per_class", *BOUNDS])


def by_distance(rows: pd.DataFrame, distances: pd.DataFrame, *, protocols: Sequence[str] = MAIN) -> pd.DataFrame:
    """``gap_by_target`` over all labels beside the measured ``domain`` distance and its ends, of measured targets.

    ``distances`` has ``target_set, domain, domain_low, domain_high``, one row per target.
    """
    gaps = gap_by_target(rows, protocols=protocols)
    gaps = gaps[gaps["labels_per_class"] == EVERY].drop(columns="labels_per_class")
    far = distances.groupby("target_set")[["domain", "domain_low", "domain_high"]].mean().reset_index()
    return gaps.merge(far, on="target_set").sort_values(["protocol", "domain"], kind="stable").reset_index(drop=True)


def distance_slopes(rows: pd.DataFrame, distances: pd.DataFrame, *, protocols: Sequence[str] = MAIN) -> pd.DataFrame:
    """Points of B over A more per unit of measured distance, one slope per seed: ``protocol, mean, low, high, count``.

    Not part of a verdict: the groups were fixed by name. Seeds with fewer than two measured targets have no slope.
    """
    far = distances.groupby("target_set")["domain"].mean()
    found = []
    for protocol in protocols:
        tuned = rows[rows["group"] != "source"]
        points = paired(tuned, ("B", protocol), ("A", protocol)).rename("points").reset_index()
        points["domain"] = points["target_set"].map(far)
        means = points.dropna().groupby([*SEED, "target_set"])[["points", "domain"]].mean()
        slopes = {seed: _slope(part) for seed, part in means.groupby(level=list(SEED))}
        slopes = {seed: value for seed, value in slopes.items() if math.isfinite(value)}
        value = estimate(_by_seed(slopes))
        found.append((protocol, *_bounds(value)))
    return pd.DataFrame(found, columns=["protocol", *BOUNDS])


def explanations(rows: pd.DataFrame, *, group: str = "far", protocols: Sequence[str] = MAIN) -> pd.DataFrame:
    """What gives B's gain over A on the targets of a ``group``, by the rules of ``analysis.claims_fc``.

    A row per protocol and arm B, C, D, E: ``protocol, arm, what, mean, low, high, count, share, over, over_low, word``.
    ``mean`` is the arm's gain over A; ``share`` of B's gain on the same seeds; ``over`` the gain minus 80 % of B's,
    with the lower end of its interval. ``word``: "explains" or "does not explain" (for B "gains"), "nothing to explain"
    where B's gain has no lower bound above 0, "undecided" with a single seed, "not measured".
    """
    found = []
    for protocol in protocols:
        whole = difference(rows, ("B", protocol), ("A", protocol), group=group)
        gain = estimate(whole)
        found.append((protocol, "B", "with FC", *_bounds(gain), *_WHOLE, _gains(gain)))
        for arm, what in CAUSES.items():
            own = difference(rows, (arm, protocol), ("A", protocol), group=group)
            both = pd.concat({"own": own, "whole": whole}, axis=1).dropna()
            part, base = estimate(both["own"]), estimate(both["whole"])
            over = estimate(both["own"] - SHARE * both["whole"])
            share = part.mean / base.mean if base.count and base.low > 0 else math.nan
            word = "not measured" if not part.count else _gains(base)
            if word == "gains":
                word = "explains" if share >= SHARE else "does not explain"
            found.append((protocol, arm, what, *_bounds(part), share, over.mean, over.low, word))
    names = ["protocol", "arm", "what", *BOUNDS, "share", "over", "over_low", "word"]
    return pd.DataFrame(found, columns=names)


def transfer_or_capacity(rows: pd.DataFrame, *, group: str = "far") -> pd.DataFrame:
    """P4, P5, P6, P7 and the frozen P2 of the FC head minus arm B fine-tuned (P3) on the targets of a ``group``.

    Columns ``choice, what, mean, low, high, count, word``. ``word``: "matches" where the lower bound is above -0.5
    points, "falls behind" where the upper bound is below it, else "open"; judged for P4 and P5 only, and "nothing to
    explain" where B gains nothing over A in P3.
    """
    gain = estimate(difference(rows, ("B", "P3"), ("A", "P3"), group=group))
    ways = {
        ("B", "P4"): "hidden FC layers drawn anew on the target",
        ("A", "P5"): "trunk learnt without FC, FC added on the target",
        ("B", "P6"): "last layer first, then everything",
        ("B", "P2"): "trunk frozen",
        ("B", "P7"): "nothing transferred",
        ("A", "P3"): "arm A fine-tuned",
    }
    found = []
    for (arm, protocol), what in ways.items():
        value = estimate(difference(rows, (arm, protocol), ("B", "P3"), group=group))
        word = ""
        if protocol in ("P4", "P5"):
            word = "not measured" if not value.count else _gains(gain)
            word = _matches(value) if word == "gains" else word
        found.append((f"{protocol} of {'the FC head' if protocol == 'P5' else arm}", what, *_bounds(value), word))
    return pd.DataFrame(found, columns=["choice", "what", *BOUNDS, "word"])


def conversion(rows: pd.DataFrame) -> pd.DataFrame:
    """The paper's conversion on the source's own classes: what a GAP head in place of B's costs, against going on.

    Columns ``what, mean, low, high, count`` in points of top-1 on the source.
    """
    pairs = {
        "converted minus continued": (("B", "converted"), ("B", "continued")),
        "continued minus arm B": (("B", "continued"), ("B", "source")),
        "converted minus arm B": (("B", "converted"), ("B", "source")),
        "arm A minus arm B": (("A", "source"), ("B", "source")),
    }
    own = rows[rows["group"] == "source"]
    found = [(what, *_bounds(estimate(by_seed(paired(own, one, other))))) for what, (one, other) in pairs.items()]
    return pd.DataFrame(found, columns=["what", *BOUNDS])


def source_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Top-1 of every arm on the classes of its source (fractions): ``arm, words, isolates, mean, low, high, count``."""
    own = rows[rows["protocol"] == "source"]
    found = []
    for arm, part in own.groupby("arm"):
        found.append((arm, ARMS[arm], ISOLATES[arm], *_bounds(mean_interval(part["top1"], unit=""))))
    return pd.DataFrame(found, columns=["arm", "words", "isolates", *BOUNDS])


def layer_probes(rows: pd.DataFrame) -> pd.DataFrame:
    """Linear probes (P1, P8) by arm and layer over the targets of each group, with the labels that P8 has.

    Columns ``group, arm, layer, place, top1, mean, low, high, count``: ``top1`` a fraction; ``mean`` and its interval
    in points over the same layer of arm A, nan for A itself and for layers that A lacks.
    """
    both = (rows["protocol"] == "P1") | ((rows["protocol"] == "P8") & (rows["layer"] != LAST))
    probes = rows[both & (rows["layer"] != "")]
    counts = set(probes.loc[probes["protocol"] == "P8", "labels_per_class"])  # P1 is there with fewer labels, too
    probes = probes[probes["labels_per_class"].isin(counts)].assign(protocol="probe")
    found = []
    for (group, arm, layer), part in probes.groupby(["group", "arm", "layer"]):
        top1 = by_seed(part.set_index([*SEED, "target_set", "labels_per_class"])["top1"]).mean()
        gain = estimate(pd.Series(dtype=float))
        if arm != "A" and layer in TRUNK:
            gain = estimate(difference(probes, (arm, "probe"), ("A", "probe"), group=group, layer=layer))
        found.append((group, arm, layer, _place(layer), float(top1), *_bounds(gain)))
    result = pd.DataFrame(found, columns=["group", "arm", "layer", "place", "top1", *BOUNDS])
    order = [*GROUPS, OTHER]
    return result.sort_values(
        ["group", "arm", "place"], key=lambda column: column.map(order.index) if column.name == "group" else column
    ).reset_index(drop=True)


def by_rate(rows: pd.DataFrame, *, protocols: Sequence[str] = ("P2", "P3")) -> pd.DataFrame:
    """Every learning rate as if it were the one for all arms: ``protocol, group, rate, arm, top1`` and B over A.

    ``rows`` holds every rate (``fc_rows``). ``top1`` is over the cells that all arms have there, so that their heights
    can be compared. ``mean, low, high, count``: arm B minus A in points at that rate, over all cells of both; the rows
    with ``rate`` nan are those where each network chose its own.
    """
    found = []
    for rate in (*rates_of(rows), math.nan):
        part = chosen(rows) if math.isnan(rate) else at_rate(rows, rate)
        for protocol in protocols:
            for group in ("near", "far"):
                gap = estimate(difference(part, ("B", protocol), ("A", protocol), group=group))
                mine = _in_common(part[(part["protocol"] == protocol) & (part["group"] == group)])
                for arm, cells in mine.groupby("arm"):
                    top1 = by_seed(cells.set_index([*SEED, *CELL])["top1"]).mean()
                    found.append((protocol, group, rate, arm, float(top1), *_bounds(gap)))
    return pd.DataFrame(found, columns=["protocol", "group", "rate", "arm", "top1", *BOUNDS])


def _in_common(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of cells that every arm has; all rows where there is none."""
    arms = rows.groupby(list(CELL))["arm"].transform("nunique")
    shared = rows[arms == rows["arm"].nunique()]
    return shared if len(shared) else rows


def chosen_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """How often each rate was chosen: ``protocol, arm``, a column per rate, ``networks``; ``rows`` holds every rate."""
    rates = rates_of(rows)
    tuned = rows[(rows["group"] != "source") & (rows["protocol"] != "P8")]
    several = tuned[tuned.duplicated(list(NETWORK), keep=False)]
    best = chosen(several) if len(several) else several
    counts = best.groupby(["protocol", "arm"])["learning_rate"].value_counts().unstack(fill_value=0)
    counts = counts.reindex(columns=rates, fill_value=0)
    counts.columns = [f"{rate:g}" for rate in rates]
    return counts.assign(networks=counts.sum(axis=1)).reset_index().rename_axis(columns=None)


def _bounds(value: Estimate) -> tuple[float, float, float, int]:
    return value.mean, value.low, value.high, value.count


_WHOLE = (1.0, math.nan, math.nan)  # share, over, over_low of B itself


def _gains(gain: Estimate) -> str:
    if not gain.count:
        return "not measured"
    if not gain.has_interval:
        return "undecided"
    return "gains" if gain.low > 0 else "nothing to explain"


def _matches(value: Estimate) -> str:
    if not value.has_interval:
        return "open"
    return "matches" if value.low > -LEAST else "falls behind" if value.high < -LEAST else "open"


def _slope(means: pd.DataFrame) -> float:
    away = means["domain"] - means["domain"].mean()
    spread = float((away**2).sum())
    return float((away * means["points"]).sum() / spread) if len(means) > 1 and spread > 1e-6 else math.nan


def _by_seed(values: dict[tuple, float]) -> pd.Series:
    index = pd.MultiIndex.from_tuples(list(values) or [], names=list(SEED)) if values else None
    return pd.Series(list(values.values()), index=index, dtype=float)


def _place(layer: str) -> int:
    return int(layer[-1])
