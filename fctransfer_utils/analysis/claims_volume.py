"""Claims about transfer and the number of labelled images, each with a rule fixed before looking at the numbers.

The verdicts follow ``analysis.claims``: they look only at the 95 % interval over units. No claim lets a treatment
choose its best n: each is a mean over all n of the study, so that nothing is picked on the test images. *Few* is the
smallest number of images per class in the table, *all* the largest.

Three claims are the paper's. The others are what practitioners advise each other; the paper trained transfer networks
with all images only and says nothing about them (source "common advice").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .claims import MARGIN, SOURCE, Claim, Rule, judge
from .tables import UNIT
from .volume import images_of, missing_cells, study_cuts

ADVICE = "common advice"
NOT_MEASURED = "not measured"


def claims_of_volume(
    rows: pd.DataFrame, *, where: str = "07_how_much_data", margin: float = MARGIN
) -> tuple[Claim, ...]:
    """The claims judged on ``volume.volume_rows`` of one data set, net and schedule."""
    found = [judge(rule, rows, where=where, margin=margin) for rule in rules_for(study_cuts(rows))]
    words = " ".join(missing_cells(rows)[:3]) or "no target has all of it, at more than one number of images."
    return tuple(
        claim if claim.ours is not None else replace(claim, note=f"Cannot be judged, no pair to compare: {words}")
        for claim in found
    )


def rules_for(cuts: Sequence[int]) -> tuple[Rule, ...]:
    """The rules, stated for the ``cuts`` that a study has."""
    deep, shallow = (max(cuts), min(cuts)) if cuts else (0, 0)
    both = tuple(cuts)
    return (
        Rule(
            "less-data-costs",
            "Learning from scratch, fewer images cost accuracy (points of top-1 lost per halving of the images).",
            f"{SOURCE}, Fig. S1",
            "+7.2 points per halving (250 to 1300 images)",
            "above",
            _per_doubling(_top1("base", (0,))),
            ("base",),
            (0,),
        ),
        Rule(
            "every-step-costs",
            "It falls steadily: every step to the next smaller number of images costs (the smallest of the steps).",
            f"{SOURCE}, Fig. S1",
            "+1.1 points (250 to 1300 images); with 100 or fewer the networks stay near chance",
            "above",
            _smallest_step(_top1("base", (0,))),
            ("base",),
            (0,),
        ),
        Rule(
            "gain-grows-with-less-data",
            "The fewer images, the larger the gain of fine-tuned transfer (AnB+ - base, points more per halving).",
            ADVICE,
            NOT_MEASURED,
            "above",
            _per_halving(_difference("AnB+", "base", both)),
            ("base", "AnB+"),
            both,
        ),
        Rule(
            "transfer-when-few",
            "With few images, even frozen transfer beats learning from scratch (AnB - base, fewest images).",
            ADVICE,
            NOT_MEASURED,
            "above",
            _at(_difference("AnB", "base", both), first=True),
            ("base", "AnB"),
            both,
        ),
        Rule(
            "freeze-when-few",
            "With few images, frozen layers do better than fine-tuned ones (AnB - AnB+, fewest images).",
            ADVICE,
            NOT_MEASURED,
            "above",
            _at(_difference("AnB", "AnB+", both), first=True),
            ("AnB", "AnB+"),
            both,
        ),
        Rule(
            "fine-tune-when-many",
            "With many images, fine-tuned layers do better than frozen ones (AnB+ - AnB, all images).",
            ADVICE,
            NOT_MEASURED,
            "above",
            _at(_difference("AnB+", "AnB", both), first=False),
            ("AnB", "AnB+"),
            both,
        ),
        Rule(
            "cut-lower-with-more-data",
            "The more images, the fewer layers to freeze "
            f"(AnB at n = {deep} minus AnB at n = {shallow}, points more per halving).",
            ADVICE,
            NOT_MEASURED,
            "above",
            _per_halving(_deep_minus_shallow(shallow, deep)),
            ("AnB",),
            tuple(sorted({shallow, deep})),
        ),
        Rule(
            "boost-with-all",
            "Fine-tuned transfer helps even with all images (AnB+ - base, all images).",
            f"{SOURCE}, Table 1",
            "+1.6 points for n = 1-7 (against the own base: +1.0)",
            "above",
            _at(_difference("AnB+", "base", both), first=False),
            ("base", "AnB+"),
            both,
        ),
    )


Wide = Callable[[pd.DataFrame], pd.DataFrame]  # units x images per class, in points
Points = Callable[[pd.DataFrame], pd.Series]


def _top1(treatment: str, cuts: Sequence[int]) -> Wide:
    """100 x top-1, averaged over ``cuts``; a unit that lacks one of them at some k lacks that k."""

    def wide(rows: pd.DataFrame) -> pd.DataFrame:
        part = rows[(rows["treatment"] == treatment) & rows["n"].isin(list(cuts))]
        cells = part.groupby([*UNIT, "images_per_class"])["top1"].agg(["mean", "size"])
        return 100 * cells.loc[cells["size"] == len(cuts), "mean"].unstack("images_per_class")

    return wide


def _difference(treatment: str, against: str, cuts: Sequence[int]) -> Wide:
    ours, theirs = (_top1(name, (0,) if name == "base" else cuts) for name in (treatment, against))
    return lambda rows: _minus(ours(rows), theirs(rows))


def _deep_minus_shallow(shallow: int, deep: int) -> Wide:
    if shallow == deep:
        return lambda rows: pd.DataFrame()
    return lambda rows: _minus(_top1("AnB", (deep,))(rows), _top1("AnB", (shallow,))(rows))


def _minus(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    if not len(one) or not len(other):
        return pd.DataFrame()
    return (one - other).dropna(how="all").dropna(how="all", axis=1)


def _at(wide: Wide, *, first: bool) -> Points:
    """The difference at the smallest or the largest number of images in the table."""

    def points(rows: pd.DataFrame) -> pd.Series:
        images, found = images_of(rows), wide(rows)
        wanted = images[0] if first else images[-1]
        if len(images) < 2 or wanted not in found:
            return _nothing()
        return found[wanted].dropna()

    return points


def _per_doubling(wide: Wide) -> Points:
    """The least-squares slope against log2 of the images, of units that have every number of images."""

    def points(rows: pd.DataFrame) -> pd.Series:
        found = wide(rows)
        found = found[sorted(found.columns)].dropna()
        if len(images_of(rows)) < 2 or list(found.columns) != images_of(rows) or not len(found):
            return _nothing()
        logs = np.log2(np.array(found.columns, dtype=float))
        logs -= logs.mean()
        return (found * logs).sum(axis=1) / (logs**2).sum()

    return points


def _per_halving(wide: Wide) -> Points:
    return lambda rows: -_per_doubling(wide)(rows)


def _smallest_step(wide: Wide) -> Points:
    def points(rows: pd.DataFrame) -> pd.Series:
        found = wide(rows)
        found = found[sorted(found.columns)].dropna()
        if len(found.columns) < 2 or not len(found):
            return _nothing()
        return found.diff(axis=1).iloc[:, 1:].min(axis=1)

    return points


def _nothing() -> pd.Series:
    return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[]] * len(UNIT), names=list(UNIT)))
