"""Short answers that follow from numbers: paired gaps between choices, and the words that their intervals allow."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, mean_interval, nothing

UNCLEAR = "no clear difference"


def gap(
    table: pd.DataFrame, one: str, other: str, *, value: str = "top1", by: str = "choice", scale: float = 100.0,
    unit: str = "points",
) -> Estimate:  # fmt: skip
    """``one`` minus ``other`` (values of the column ``by``), paired by seed, in ``unit`` after ``scale``.

    The interval is over the seeds of what was drawn anew, on one donor and one set of images. Values that are not
    finite (a diverged run) are left out with their pair. Raises InputError for a choice that the table lacks.
    """
    for name in (one, other):
        if name not in set(table[by]):
            raise unknown(by, name, list(dict.fromkeys(table[by])))
    wide = table[table[by].isin([one, other])].pivot_table(index="seed", columns=by, values=value)
    if one not in wide or other not in wide:
        return nothing("every run diverged", unit=unit)
    differences = (scale * (wide[one] - wide[other])).replace([np.inf, -np.inf], np.nan).dropna()
    return mean_interval(differences, unit=unit) if len(differences) else nothing("no pair", unit=unit)


def word(estimate: Estimate, *, above: str, below: str, unclear: str = UNCLEAR) -> str:
    """``above`` or ``below`` where the whole interval lies there, ``unclear`` where it covers 0.

    Where there is one network only the word says that its sign decides nothing.
    """
    if not estimate.count or math.isnan(estimate.mean):
        return "not measured"
    if not estimate.has_interval:
        return f"{above if estimate.mean > 0 else below}, in one pair, which decides nothing"
    if estimate.low > 0:
        return above
    return below if estimate.high < 0 else unclear


def largest(table: pd.DataFrame, *, by: str, value: str) -> tuple[str, float]:
    """The choice with the largest mean of ``value`` over seeds, and that mean; InputError where none is finite."""
    means = table.groupby(by, sort=False)[value].mean().dropna()
    if not len(means):
        raise InputError(f"no {by} has a finite {value}; train at least one that does not diverge.")
    return str(means.idxmax()), float(means.max())


def answer_table(rows: Sequence[tuple[str, str, object, str]]) -> pd.DataFrame:
    """``question, short answer, number, cell`` as text. Raises InputError for an empty answer."""
    for question, short, number, cell in rows:
        if not (question.strip() and short.strip() and str(number).strip() and cell.strip()):
            raise InputError(f"the answer to {question!r} lacks its words, its number or its cell; give all of them.")
    return pd.DataFrame(
        [(question, short, str(number), cell) for question, short, number, cell in rows],
        columns=["question", "short answer", "number", "cell"],
    )
