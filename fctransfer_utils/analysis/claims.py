"""The claims of Yosinski et al. (2014) about transfer, each with a rule that was fixed before looking at the numbers.

An effect is a paired difference in points of top-1, averaged over the named cuts within each (split, seed, target) and
then over these. The rule looks only at its 95 % interval:

- a claim that the effect is ``above`` (``below``) 0 is *reproduced* if the whole interval lies above (below) 0, *not
  reproduced* if the whole interval lies on the other side;
- a claim that the effect is ``close`` to 0 is *reproduced* if the whole interval lies within ``MARGIN`` points of 0,
  *not reproduced* if the whole interval lies further away;
- everything else is *inconclusive*, and so is any estimate without an interval (a single pair, or a single split and
  seed): its value is told, but it decides nothing.

The margin, 1 point, is about twice the spread between the halves' bases in the published networks (0.55 points). Eight
claims are tested on one table; at 95 % each, a false verdict somewhere is likelier than 5 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import unknown
from .estimates import Estimate
from .tables import missing, one_condition
from .transfer import by_unit, pairs, unit_interval

VERDICTS = ("reproduced", "not reproduced", "inconclusive")
SIDES = ("above", "below", "close")
MARGIN = 1.0
SOURCE = "Yosinski et al. 2014"


@dataclass(frozen=True)
class Claim:
    """One claim of a paper, its number, ours, and the verdict by a rule stated beforehand.

    ``parts`` are further estimates that the verdict looked at, in words.
    """

    id: str
    statement: str
    source: str
    paper: str
    ours: Estimate | None
    verdict: str
    where: str
    note: str = ""
    parts: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise unknown("verdict", self.verdict, VERDICTS)


@dataclass(frozen=True)
class Rule:
    """How one claim is judged: the effect is ``points(table)`` by unit, expected to lie ``side`` 0.

    ``needs`` and ``cuts`` are the treatments and n that the effect is made of, to name what a table lacks; ``unit`` is
    what the effect is measured in.
    """

    id: str
    statement: str
    source: str
    paper: str
    side: str
    points: Callable[[pd.DataFrame], pd.Series]
    needs: Sequence[str]
    cuts: Sequence[int]
    unit: str = "points"


def verdict_of(estimate: Estimate | None, side: str, *, margin: float = MARGIN) -> str:
    """The verdict on "the effect is ``above`` / ``below`` / ``close`` to 0" by the rules at the top of this module."""
    if side not in SIDES:
        raise unknown("side", side, SIDES)
    if estimate is None or not estimate.has_interval:
        return "inconclusive"
    low, high = estimate.low, estimate.high
    if side == "close":
        holds, fails = -margin <= low and high <= margin, low > margin or high < -margin
    else:
        holds, fails = (low > 0, high < 0) if side == "above" else (high < 0, low > 0)
    return "reproduced" if holds else "not reproduced" if fails else "inconclusive"


def claims_of_transfer(
    table: pd.DataFrame, *, where: str = "05_transfer_curves", margin: float = MARGIN
) -> tuple[Claim, ...]:
    """The claims behind Figure 2 and Table 1, judged on ``table`` (one data set, net and schedule)."""
    rows = one_condition(table)
    return tuple(judge(rule, rows, where=where, margin=margin) for rule in _RULES)


def rule(id: str) -> Rule:
    """The rule of a claim of ``claims_of_transfer``, for a study that tests the same claim on its own cuts."""
    found = {rule.id: rule for rule in _RULES}
    if id not in found:
        raise unknown("claim", id, found)
    return found[id]


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """The claims as rows: ``claim, source, paper, ours, verdict, where, note``, all text."""
    return pd.DataFrame(
        [
            (c.statement, c.source, c.paper, "-" if c.ours is None else str(c.ours), c.verdict, c.where, c.note)
            for c in claims
        ],
        columns=["claim", "source", "paper", "ours", "verdict", "where", "note"],
    )


def judge(rule: Rule, rows: pd.DataFrame, *, where: str, margin: float = MARGIN) -> Claim:
    """The claim of ``rule`` on ``rows``, with its verdict; ``where`` is the notebook that shows it."""
    points = rule.points(rows)
    if not len(points):
        absent = " ".join(missing(rows, rule.needs, rule.cuts)) or "no target has all of them."
        note = f"Cannot be judged, no pair to compare: {absent}"
        return Claim(rule.id, rule.statement, rule.source, rule.paper, None, "inconclusive", where, note)
    ours = unit_interval(points, unit=rule.unit)
    verdict = verdict_of(ours, rule.side, margin=margin)
    return Claim(rule.id, rule.statement, rule.source, rule.paper, ours, verdict, where, _note(rule, ours, margin))


def _note(rule: Rule, ours: Estimate, margin: float) -> str:
    expected = f"within {margin:g} point{'s' * (margin != 1)} of 0" if rule.side == "close" else f"{rule.side} 0"
    if ours.has_interval:
        return f"Expected {expected}."
    inside = {"above": ours.mean > 0, "below": ours.mean < 0, "close": abs(ours.mean) <= margin}[rule.side]
    word = "agrees" if inside else "disagrees"
    return f"Expected {expected}; the value {word}, but one split and seed cannot decide."


def _mean(treatment: str, against: str, cuts: Sequence[int]) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: by_unit(pairs(rows, treatment, against, cuts), cuts)


def _change(
    treatment: str, against: str, later: Sequence[int], earlier: Sequence[int]
) -> Callable[[pd.DataFrame], pd.Series]:
    """The effect at the ``later`` cuts minus that at the ``earlier`` ones, within each unit."""

    def points(rows: pd.DataFrame) -> pd.Series:
        found = pairs(rows, treatment, against)
        return (by_unit(found, later) - by_unit(found, earlier)).dropna()

    return points


_ALL = tuple(range(1, 8))
_RULES = (
    Rule(
        "first-layers-general",
        "Frozen layers 1 and 2 learnt on the other classes serve as well as own ones (AnB - base, n = 1-2).",
        f"{SOURCE}, Fig. 2",
        "+0.3 points at n = 1, -0.1 at n = 2",
        "close",
        _mean("AnB", "base", (1, 2)),
        ("base", "AnB"),
        (1, 2),
    ),
    Rule(
        "coadaptation-dip",
        "Freezing the own middle layers and learning the rest anew costs accuracy (BnB - base, n = 4-5).",
        f"{SOURCE}, Fig. 2",
        "-1.8 points at n = 4, -3.0 at n = 5",
        "below",
        _mean("BnB", "base", (4, 5)),
        ("base", "BnB"),
        (4, 5),
    ),
    Rule(
        "dip-in-the-middle",
        "That cost is largest in the middle: it is smaller again at the top (BnB at n = 6-7 minus BnB at n = 4-5).",
        f"{SOURCE}, Fig. 2",
        "+2.2 points",
        "above",
        _change("BnB", "base", (6, 7), (4, 5)),
        ("base", "BnB"),
        (4, 5, 6, 7),
    ),
    Rule(
        "specificity-grows",
        "Features grow specific to their classes towards the top (AnB - BnB at n = 6-7 minus AnB - BnB at n = 1-2).",
        f"{SOURCE}, Fig. 2",
        "-6.1 points (-3.9 at n = 6, -8.2 at n = 7)",
        "below",
        _change("AnB", "BnB", (6, 7), (1, 2)),
        ("BnB", "AnB"),
        (1, 2, 6, 7),
    ),
    Rule(
        "frozen-top-costs",
        "Seven frozen layers from a random half of the classes cost accuracy on the other half (AnB - base, n = 7).",
        f"{SOURCE}, Fig. 2",
        "-8.3 points",
        "below",
        _mean("AnB", "base", (7,)),
        ("base", "AnB"),
        (7,),
    ),
    Rule(
        "fine-tuned-boost",
        "Copied and then fine-tuned layers do better than learning afresh (AnB+ - base, n = 1-7).",
        f"{SOURCE}, Table 1",
        "+1.6 points (against the own base: +1.0)",
        "above",
        _mean("AnB+", "base", _ALL),
        ("base", "AnB+"),
        _ALL,
    ),
    Rule(
        "boost-beyond-selffer",
        "The boost is due to the other half: it exceeds that of copying own layers (AnB+ - BnB+, n = 1-7).",
        f"{SOURCE}, Table 1",
        "+1.4 points (never on the same target)",
        "above",
        _mean("AnB+", "BnB+", _ALL),
        ("BnB+", "AnB+"),
        _ALL,
    ),
    Rule(
        "boost-beyond-twice",
        "The boost is more than training twice gives (AnB+ - twice, n = 1-7).",
        f"{SOURCE}, Table 1",
        "not measured",
        "above",
        _mean("AnB+", "twice", _ALL),
        ("AnB+", "twice"),
        _ALL,
    ),
)
