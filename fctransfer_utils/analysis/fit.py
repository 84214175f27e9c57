"""Does a network underfit, fit or overfit? Read from its training and validation curves, by one stated rule.

At the end of training two distances are taken, in points of top-1, both in eval mode:

- the *shortfall*: how much the training top-1 lacks of what is reachable (100 % unless told otherwise);
- the *gap*: training top-1 minus validation top-1.

It **overfits** if the gap is above the margin and at least as large as the shortfall: learning more of the training
images is not what is missing. It also overfits if it has learnt the training images within the margin while its
validation loss has risen by more than ``RISE`` above its lowest. It **underfits** if the shortfall is above the margin
and larger than the gap. Otherwise it **fits**. The margin is ``MARGIN`` points. The rule was written down before any
head was trained.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError

MARGIN = 10.0
RISE = 0.10
READINGS = ("underfits", "fits", "overfits", "diverged")
NEEDED = ("epoch", "train_loss", "train_top1", "validation_loss", "validation_top1")


@dataclass(frozen=True)
class Reading:
    """What the curves say: ``word`` is one of READINGS; distances in points, ``rise`` as a fraction of the lowest loss.

    ``reason`` is the part of the rule that decided, in words.
    """

    word: str
    shortfall: float
    gap: float
    rise: float
    reason: str


def read_curve(curve: pd.DataFrame, *, margin: float = MARGIN, rise: float = RISE, reachable: float = 1.0) -> Reading:
    """The reading of one network's ``curve``: a row per epoch with ``NEEDED``; losses in nats, top-1 as fractions.

    Raises InputError for missing columns, no rows, a top-1 outside 0..1 or a margin that is not positive.
    """
    curve = _checked(curve)
    if margin <= 0 or rise <= 0 or not 0 < reachable <= 1:
        raise InputError(
            f"margin {margin}, rise {rise}, reachable {reachable}: give margins above 0 and a reachable top-1 in 0..1."
        )
    end = curve.iloc[-1]
    if not (math.isfinite(end["train_loss"]) and math.isfinite(end["validation_loss"])):
        return Reading("diverged", math.nan, math.nan, math.nan, "its loss is not finite")
    shortfall = max(100 * (reachable - end["train_top1"]), 0.0)
    gap = 100 * (end["train_top1"] - end["validation_top1"])
    lowest = curve["validation_loss"].min()
    risen = end["validation_loss"] / lowest - 1 if lowest > 0 else 0.0
    if gap > margin and gap >= shortfall:
        word, reason = "overfits", f"gap of {gap:.0f} points"
    elif shortfall > margin:
        word, reason = "underfits", f"{shortfall:.0f} points short on its training images"
    elif risen > rise:
        word, reason = "overfits", f"validation loss {100 * risen:.0f} % above its lowest"
    else:
        word, reason = "fits", f"short by {shortfall:.0f}, gap {gap:.0f} points"
    return Reading(word, shortfall, gap, risen, reason)


def readings(table: pd.DataFrame, *, by: str = "head", margin: float = MARGIN, rise: float = RISE) -> pd.DataFrame:
    """A row per network of ``table`` (several curves, told apart by the column ``by``), in their order.

    Columns ``by, reading, train_top1, validation_top1`` (fractions at the end), ``shortfall, gap`` (points), ``rise``
    (fraction), ``reason``.
    """
    if by not in table.columns:
        raise InputError(f"the table has no column {by!r} that tells the networks apart; it has {list(table.columns)}.")
    rows = []
    for name, curve in table.groupby(by, sort=False):
        found, end = read_curve(curve, margin=margin, rise=rise), curve.sort_values("epoch").iloc[-1]
        rows.append(
            {
                by: name,
                "reading": found.word,
                "train_top1": end["train_top1"],
                "validation_top1": end["validation_top1"],
                "shortfall": found.shortfall,
                "gap": found.gap,
                "rise": found.rise,
                "reason": found.reason,
            }
        )
    return pd.DataFrame(rows)


def _checked(curve: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in NEEDED if name not in curve.columns]
    if missing or not len(curve):
        raise InputError(f"not a curve of training and validation: it lacks {', '.join(missing) or 'rows'}.")
    for name in ("train_top1", "validation_top1"):
        outside = curve.loc[~curve[name].between(0, 1) & curve[name].notna(), name]
        if len(outside):
            raise InputError(f"{name} {outside.iloc[0]} is outside 0..1; give fractions, not per cent.")
    return curve.sort_values("epoch")
