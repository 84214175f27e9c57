"""The claims behind Figure 3 of Yosinski et al. (2014), each with a rule that was fixed before looking at the numbers.

The verdict is read off the 95 % interval as in ``analysis.claims``; what an interval is made of differs:

- one value per (split, seed), the mean over its directions, because the two directions share their networks; a mean of
  distant halves counts only where both directions are there;
- distant halves against random ones, or against untrained filters: one difference per seed, each side first taken
  relative to the bases of its own targets;
- where a table has only some of the n that a rule names, it is judged on these, and the note names them.

The paper's claims about untrained filters are judged twice, for its own initialisation (Gaussian) and for one that
keeps the size of the signal (He): where the verdicts differ, the claim was about the initialisation. "Near chance" is
taken as: of what base has over chance, less than a tenth is left. The published networks satisfy it from n = 3 on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ..errors import InputError
from .claims import SOURCE, Claim, Rule, judge
from .distant import FILTERS, Tables, difference, gap_by_n, replicate_points
from .tables import UNIT, ranges
from .transfer import ONE_REPLICATE, pairs

LEFT = 0.1  # of base's advantage over chance: what still counts as near chance
HE, GAUSSIAN = FILTERS
DRAWN = {HE: "He", GAUSSIAN: "the paper's Gaussian"}
Sides = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Question:
    """One claim: its rule without the points, the comparisons it is made of, and what is done with them.

    ``sides`` are (part of ``Tables``, treatment, against); ``points`` gets the tables, the n to judge at and chance.
    """

    id: str
    statement: str
    where: str
    paper: str
    side: str
    sides: Sides
    cuts: Sequence[int]
    points: Callable[[Tables, Sequence[int], float], pd.Series]


def claims_of_distant(
    tables: Tables, *, chance: float, where: str = "06_distant_tasks_and_random_filters"
) -> tuple[Claim, ...]:
    """The claims of Figure 3 judged on ``distant.tables_of(...)``.

    ``chance`` is the top-1 of guessing on the targets of the untrained filters, a fraction. Raises InputError outside
    0..1.
    """
    if not 0 < chance < 1:
        raise InputError(f"chance {chance} is outside 0..1; give 1 divided by the number of classes of a half.")
    return tuple(_judged(question, tables, chance, where) for question in QUESTIONS)


def _judged(question: Question, tables: Tables, chance: float, where: str) -> Claim:
    cuts = _available(question, tables)
    points = question.points(tables, cuts, chance) if cuts else pd.Series(dtype=float)
    rule = Rule(
        question.id, question.statement, f"{SOURCE}, {question.where}", question.paper, question.side,
        lambda _: points, ("base",), (0,),
    )  # fmt: skip
    claim = judge(rule, tables.halves, where=where)
    if claim.ours is None:
        lacking = " ".join(_lacking(question, tables)) or "no seed has both sides."
        return replace(claim, note=f"Cannot be judged, nothing to compare: {lacking}")
    if claim.ours.count == 1:
        claim = replace(claim, ours=replace(claim.ours, method=ONE_REPLICATE))
    if tuple(cuts) != tuple(question.cuts):
        claim = replace(claim, note=f"{claim.note} Judged at n = {ranges(cuts)} only.")
    return claim


def _available(question: Question, tables: Tables) -> list[int]:
    """The n of the question at which every side has networks."""
    there = [
        set(rows.loc[rows["treatment"] == treatment, "n"])
        for part, treatment, _ in question.sides
        for rows in [getattr(tables, part)]
    ]
    return [n for n in question.cuts if all(n in cuts for cuts in there)]


def _lacking(question: Question, tables: Tables) -> list[str]:
    words: list[str] = []
    for part, treatment, against in question.sides:
        rows = getattr(tables, part)
        for name in (against, treatment):
            if name not in set(rows["treatment"]):
                words.append(f"{name} is absent ({_PARTS[part]}).")
        if not words:
            words += gap_by_n(rows, question.cuts, treatment=treatment, against=against).attrs["missing"]
    return list(dict.fromkeys(words))


def _loss(part: str, treatment: str, against: str = "base") -> Callable[[Tables, Sequence[int], float], pd.Series]:
    """What ``treatment`` is above ``against``, one value per (split, seed)."""
    return lambda tables, cuts, _: replicate_points(getattr(tables, part), cuts, treatment=treatment, against=against)


def _beyond(one: tuple[str, str], other: tuple[str, str]) -> Callable[[Tables, Sequence[int], float], pd.Series]:
    """One (part, treatment) relative to base minus another one relative to base, seed by seed."""

    def points(tables: Tables, cuts: Sequence[int], _: float) -> pd.Series:
        sides = [replicate_points(getattr(tables, part), cuts, treatment=name) for part, name in (one, other)]
        return difference(*sides)[1]

    return points


def _growth(tables: Tables, cuts: Sequence[int], _: float) -> pd.Series:
    """The extra loss of distant halves at the later cuts minus that at the earlier ones, seed by seed."""
    early, late = [n for n in cuts if n <= 2], [n for n in cuts if n > 2]
    if not early or not late:
        return pd.Series(dtype=float)
    extra = _beyond(("distant", "AnB"), ("halves", "AnB"))
    return (extra(tables, late, 0.0) - extra(tables, early, 0.0)).dropna()


def _above_chance(treatment: str) -> Callable[[Tables, Sequence[int], float], pd.Series]:
    """Top-1 above chance minus a tenth of what base has above chance, one value per (split, seed)."""

    def points(tables: Tables, cuts: Sequence[int], chance: float) -> pd.Series:
        rows = tables.filters
        bases = rows[rows["treatment"] == "base"].set_index(list(UNIT))["top1"]
        found = pairs(rows, treatment, "base", cuts).groupby(list(UNIT))["points"].agg(["mean", "size"])
        found = found.loc[found["size"] == len(cuts), "mean"]
        left = found + 100 * (1 - LEFT) * (bases.reindex(found.index) - chance)
        return left.groupby(level=["split", "seed"]).mean()

    return points


def _of_filters(kind: str) -> list[Question]:
    name, drawn = FILTERS[kind], DRAWN[kind]
    mine = kind == GAUSSIAN
    filters: Sides = (("filters", name, "base"),)
    short = "gaussian" if mine else "he"
    return [
        Question(
            f"untrained-costs-{short}",
            f"One or two untrained frozen layers already cost accuracy ({drawn}: {name} - base, n = 1-2).",
            "Fig. 3",
            "-8.5 points at n = 1, -17.4 at n = 2" if mine else "not measured",
            "below",
            filters,
            (1, 2),
            _loss("filters", name),
        ),
        Question(
            f"untrained-at-chance-{short}",
            f"With three and more of them a network stays near chance ({drawn}: {name} above chance minus a tenth of"
            " what base has above chance, n = 3-7).",
            "Fig. 3",
            "-3.9 points (top-1 of 0.1 to 5.0 %, chance 0.1 %)" if mine else "not measured",
            "below",
            filters,
            (3, 4, 5, 6, 7),
            _above_chance(name),
        ),
        Question(
            f"distant-beats-untrained-{short}",
            f"Even features of a distant task beat untrained ones ({drawn}: AnB - base of distant halves minus"
            f" {name} - base, n = 1-7).",
            "Fig. 3",
            "+34.0 points" if mine else "not measured",
            "above",
            (("distant", "AnB", "base"), *filters),
            _ALL,
            _beyond(("distant", "AnB"), ("filters", name)),
        ),
    ]


_ALL = tuple(range(1, 8))
_PARTS = {"halves": "random halves", "distant": "distant halves", "filters": "untrained filters"}
_TWO_KINDS: Sides = (("distant", "AnB", "base"), ("halves", "AnB", "base"))
QUESTIONS = (
    Question(
        "distant-top-costs",
        "Seven frozen layers from the distant half cost accuracy (AnB - base, n = 7).",
        "Fig. 3",
        "-25.0 points",
        "below",
        (("distant", "AnB", "base"),),
        (7,),
        _loss("distant", "AnB"),
    ),
    Question(
        "distant-loses-more",
        "High layers lose more between distant halves than between random ones (distant minus random halves of"
        " AnB - base, n = 6-7).",
        "Fig. 3",
        "-14.4 points (-25.0 against -8.3 at n = 7)",
        "below",
        _TWO_KINDS,
        (6, 7),
        _beyond(("distant", "AnB"), ("halves", "AnB")),
    ),
    Question(
        "distance-costs-more-with-depth",
        "What distance costs grows with the cut (the same difference at n = 6-7 minus that at n = 1-2).",
        "Fig. 3",
        "-14.0 points",
        "below",
        _TWO_KINDS,
        (1, 2, 6, 7),
        _growth,
    ),
    Question(
        "distant-specificity",
        "The loss between distant halves is specificity, not the cut alone (distant AnB - BnB, n = 6-7).",
        "Fig. 3",
        "not measured",
        "below",
        (("distant", "AnB", "BnB"),),
        (6, 7),
        _loss("distant", "AnB", "BnB"),
    ),
    *_of_filters(GAUSSIAN),
    *_of_filters(HE),
)
