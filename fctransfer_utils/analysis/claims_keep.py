"""Claims about which layers to keep, each with a rule fixed before any network of the study was trained.

Effects are differences of top-1 in points, paired by split, seed and target set, and then averaged over the target sets
of one seed where a claim is about all of them. *Few* is the smallest number of labels per class in the table,
*many* the largest. *Far* is measured: the claims about distance look at the slope of an effect against the proxy
A-distance of the target sets (0 to 2, as measured on the donor's features before anything was trained on the target),
one slope per seed, so that nobody has to say where near ends. A verdict looks only at the 95 % interval over these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .claims import Claim, verdict_of
from .keep import ARMS, PROTOCOLS, SCRATCH, UNIT, Choice, labels_of, over_targets, paired
from .transfer import unit_interval

ADVICE = "common advice"
ZHANG = "Zhang et al. 2017"
YOSINSKI = "Yosinski et al. 2014"
Points = Callable[[pd.DataFrame, pd.DataFrame], pd.Series]


@dataclass(frozen=True)
class KeepRule:
    """One claim: its effect in points is expected to lie ``side`` 0."""

    id: str
    statement: str
    source: str
    paper: str
    side: str
    points: Points


def claims_of_keep(
    rows: pd.DataFrame, distances: pd.DataFrame, *, where: str = "11_which_layers_to_keep"
) -> tuple[Claim, ...]:
    """The claims judged on ``analysis.keep.keep_rows``; ``distances`` has ``target_set, domain``."""
    return tuple(_judge(rule, rows, distances, where) for rule in RULES)


def _judge(rule: KeepRule, rows: pd.DataFrame, distances: pd.DataFrame, where: str) -> Claim:
    points = rule.points(rows, distances)
    common = {"id": rule.id, "statement": rule.statement, "source": rule.source, "paper": rule.paper, "where": where}
    if not len(points):
        return Claim(**common, ours=None, verdict="inconclusive", note="Cannot be judged: nothing to compare.")
    ours = unit_interval(points)
    note = f"Expected {rule.side} 0."
    if not ours.has_interval:
        agrees = ours.mean > 0 if rule.side == "above" else ours.mean < 0
        note = f"{note[:-1]}; the value {'agrees' if agrees else 'disagrees'}, but one seed cannot decide."
    return Claim(**common, ours=ours, verdict=verdict_of(ours, rule.side), note=note)


def _between(one: Sequence[Choice], other: Sequence[Choice], *, few: bool) -> Points:
    """The mean of paired differences of choices, averaged over the target sets of each seed."""

    def points(rows: pd.DataFrame, distances: pd.DataFrame) -> pd.Series:
        labels = labels_of(rows)[0 if few else -1]
        return _over_targets(_mean(rows, one, other, labels))

    return points


def _slope_with_distance(one: Choice, other: Choice) -> Points:
    """Points more per unit of distance, with few labels: one slope per seed over its target sets."""

    def slope(rows: pd.DataFrame, distances: pd.DataFrame) -> pd.Series:
        effect = paired(rows, one, other, labels=labels_of(rows)[0]).rename("points").reset_index()
        far = distances.groupby("target_set")["domain"].mean()
        effect["domain"] = effect["target_set"].map(far)
        found = {}
        for seed, part in effect.dropna().groupby("seed"):
            away = part["domain"] - part["domain"].mean()
            if len(part) > 1 and (away**2).sum() > 1e-6:
                found["all", int(seed), "all"] = float((away * part["points"]).sum() / (away**2).sum())
        return _series(found)

    return slope


def _slope_with_labels(one: Choice, other: Choice) -> Points:
    """Points more per doubling of the labels, averaged over the target sets of each seed."""

    def points(rows: pd.DataFrame, distances: pd.DataFrame) -> pd.Series:
        counts = labels_of(rows)
        if len(counts) < 2:
            return _series({})
        wide = pd.concat({count: paired(rows, one, other, labels=count) for count in counts}, axis=1).dropna()
        logs = np.log2(np.array(counts, dtype=float))
        logs -= logs.mean()
        return _over_targets((wide * logs).sum(axis=1) / (logs**2).sum())

    return points


def _mean(rows: pd.DataFrame, one: Sequence[Choice], other: Sequence[Choice], labels: int) -> pd.Series:
    parts = [paired(rows, a, b, labels=labels) for a, b in zip(one, other, strict=True)]
    return pd.concat(parts, axis=1).dropna().mean(axis=1)


def _over_targets(points: pd.Series) -> pd.Series:
    return over_targets(points) if len(points) else points


def _series(values: dict[tuple, float]) -> pd.Series:
    index = pd.MultiIndex.from_tuples(list(values), names=list(UNIT)) if values else _no_units()
    return pd.Series(list(values.values()), index=index, dtype=float)


def _no_units() -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([[]] * len(UNIT), names=list(UNIT))


_FROZEN = [(arm, PROTOCOLS[0]) for arm in ARMS]
_TUNED = [(arm, PROTOCOLS[1]) for arm in ARMS]
RULES = (
    KeepRule(
        "old-hidden-beat-new-dense",
        "With few labels, keep the old hidden FC layers rather than draw new dense ones on the last convolution "
        "(fc7 minus conv5+new fc6-fc7, frozen): the VGG-19 question.",
        ADVICE, "not measured", "above",
        _between([("fc7", "frozen")], [("conv5+new fc6-fc7", "frozen")], few=True),
    ),
    KeepRule(
        "far-few-frozen-fc",
        "Far from the source and with few labels, frozen features learnt with FC layers gain on the convolutions "
        "(fc7 minus conv5, frozen, points more per unit of distance).",
        f"{ZHANG}, claim 3", "+0.5 to +3.8 points on far targets, -0.8 on the near one", "above",
        _slope_with_distance(("fc7", "frozen"), ("conv5", "frozen")),
    ),
    KeepRule(
        "far-cut-lower",
        "The farther the target, the lower the best cut (fc7 minus conv5, frozen, points more per unit of distance).",
        f"{YOSINSKI}, section 4.2", "man-made/natural at n = 7: -25 points, random halves: -8", "below",
        _slope_with_distance(("fc7", "frozen"), ("conv5", "frozen")),
    ),
    KeepRule(
        "replace-last-hidden-far",
        "The farther the target, the more it pays to draw the last hidden layer anew, too "
        "(fc6+new fc7 minus fc7, frozen, points more per unit of distance).",
        ADVICE, "not measured", "above",
        _slope_with_distance(("fc6+new fc7", "frozen"), ("fc7", "frozen")),
    ),
    KeepRule(
        "new-hidden-need-labels",
        "New hidden layers need labels: they gain on a linear layer on the same cut with every doubling "
        "(conv5+new fc6-fc7 minus conv5, frozen, points more per doubling).",
        ADVICE, "not measured", "above",
        _slope_with_labels(("conv5+new fc6-fc7", "frozen"), ("conv5", "frozen")),
    ),
    KeepRule(
        "freeze-when-few",
        "With few labels, freeze: fine-tuning would over-fit (frozen minus fine-tuned, mean over the arms).",
        ADVICE, "not measured", "above", _between(_FROZEN, _TUNED, few=True),
    ),
    KeepRule(
        "fine-tune-when-many",
        "With many labels, fine-tune (fine-tuned minus frozen, mean over the arms).",
        ADVICE, "not measured", "above", _between(_TUNED, _FROZEN, few=False),
    ),
    KeepRule(
        "kept-beats-scratch",
        "With few labels, any kept layers beat learning from scratch (frozen minus scratch, mean over the arms).",
        ADVICE, "not measured", "above", _between(_FROZEN, [SCRATCH] * len(ARMS), few=True),
    ),
)  # fmt: skip
