"""Whether networks have learnt enough: how their curves end, and whether two accuracies differ by more than chance."""

from __future__ import annotations

import math

import pandas as pd

from ..errors import InputError
from .estimates import Estimate

NEEDED = ("network", "epoch", "train_loss", "test_loss", "test_top1")


def endings(table: pd.DataFrame, *, last: int = 2) -> pd.DataFrame:
    """The last epoch of each network of a curve table, and what the ``last`` epochs before the end changed.

    Columns ``network, epochs, train_loss, test_loss, test_top1, change_top1`` (percentage points),
    ``change_train_loss, change_test_loss`` (nats). Changes are nan for a curve of no more than ``last`` epochs. Raises
    InputError for a table without curves and for ``last`` below 1.
    """
    missing = [name for name in NEEDED if name not in table.columns]
    if missing or not len(table):
        raise InputError(f"not a table of learning curves: it lacks {', '.join(missing) or 'rows'}.")
    if last < 1:
        raise InputError(f"last = {last} is no number of epochs to look back; give 1 or more.")
    rows = []
    for name, curve in table.groupby("network", sort=False):
        curve = curve.sort_values("epoch").set_index("epoch")
        end, epochs = curve.iloc[-1], int(curve.index[-1])
        before = curve.loc[epochs - last] if epochs - last in curve.index else None
        rows.append(
            {
                "network": name,
                "epochs": epochs,
                "train_loss": end["train_loss"],
                "test_loss": end["test_loss"],
                "test_top1": end["test_top1"],
                "change_top1": math.nan if before is None else 100 * (end["test_top1"] - before["test_top1"]),
                "change_train_loss": math.nan if before is None else end["train_loss"] - before["train_loss"],
                "change_test_loss": math.nan if before is None else end["test_loss"] - before["test_loss"],
            }
        )
    return pd.DataFrame(rows)


def accuracy_difference(one: float, other: float, *, images: tuple[int, int], level: float = 0.95) -> Estimate:
    """``one`` minus ``other`` (top-1 fractions measured on so many test images) in points.

    The interval holds the chance in the choice of test images only (binomial, independent images): not that of the
    first weights or the order of images, which only further seeds show.
    """
    for share in (one, other):
        if not 0 <= share <= 1:
            raise InputError(f"top-1 {share} is outside 0..1; give fractions.")
    if min(images) < 1:
        raise InputError(f"images = {images}; an accuracy needs at least 1 test image.")
    from scipy import stats

    error = math.sqrt(sum(p * (1 - p) / count for p, count in zip((one, other), images, strict=True)))
    reach = 100 * float(stats.norm.ppf((1 + level) / 2)) * error
    mean = 100 * (one - other)
    return Estimate(mean, mean - reach, mean + reach, min(images), level, "binomial, one network each", of="image")
