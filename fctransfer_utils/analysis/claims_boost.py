"""Claim 5 of Yosinski et al. (2014) on a balanced table: does transfer boost generalisation after fine-tuning?

The rules are those of ``analysis.claims`` on the cuts that the design has; one is added, what the paper says of BnB+:
fine-tuning brings back what freezing lost and no more, so BnB+ lies *close* to base. It was written down, with the
margin of all others, before the balanced networks were looked at.

The interval of the rule counts each (split, seed, target) as one pair. Its two directions share networks (the base of
one is the donor of the other), so ``boost_tests`` gives a second interval beside it, over the seeds, each averaged over
its directions first. Where the two disagree, the second is the one to trust; the verdict is by the first, as stated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import pandas as pd

from .claims import MARGIN, SOURCE, Claim, Rule, judge, rule
from .estimates import Estimate, holm, mean_interval, nothing, sign_flip_test, without_interval
from .power import BOOSTS, by_replicate, differences
from .tables import CUTS, UNIT, one_condition, ranges, replicates_of
from .transfer import effect_by_n, unit_interval

ADAPTED = {
    "fine-tuned-boost": ("AnB+", "base"),
    "boost-beyond-selffer": ("AnB+", "BnB+"),
    "boost-beyond-twice": ("AnB+", "twice"),
}
ALL_CUTS = "n = 1-7"


def cuts_of_design(table: pd.DataFrame, treatments: Sequence[str] = ("AnB+", "BnB+")) -> tuple[int, ...]:
    """The n to average over when targets have different ones: the set with which most pairs can be used.

    A mean must be over the same n in every target, so a set counts the targets that have all ``treatments`` at all of
    its n, once per n; sets with at least two (split, seed) come first. It depends on which networks there are and never
    on their top-1. Without any such target, the n of ``treatments`` there are.
    """
    rows = one_condition(table)
    rows = rows[rows["treatment"].isin(list(treatments)) & rows["n"].isin(CUTS)]
    cells = rows.groupby([*UNIT, "n"])["treatment"].nunique()
    complete = cells[cells == len(set(treatments))].reset_index()
    if not len(complete):
        return tuple(sorted(set(rows["n"])))
    by_unit = {unit: frozenset(cell["n"]) for unit, cell in complete.groupby(list(UNIT))}
    there = sorted(set(complete["n"]))

    def worth(cuts: tuple[int, ...]) -> tuple[bool, int, int]:
        units = [unit for unit, own in by_unit.items() if own.issuperset(cuts)]
        return replicates_of(units) > 1, len(units) * len(cuts), len(units)

    sets = [cuts for size in range(1, len(there) + 1) for cuts in combinations(there, size)]
    return max(sets, key=worth)


def claims_of_boost(
    table: pd.DataFrame,
    *,
    cuts: Sequence[int] | None = None,
    where: str = "08_reading_the_logs",
    margin: float = MARGIN,
) -> tuple[Claim, ...]:
    """Claim 5 in four parts, judged on ``table`` (one data set, net and schedule) over ``cuts``, by default its own."""
    rows = one_condition(table)
    chosen = cuts_of_design(rows) if cuts is None else tuple(cuts)
    return tuple(judge(each, rows, where=where, margin=margin) for each in _rules(chosen))


def _rules(cuts: tuple[int, ...]) -> list[Rule]:
    words = f"n = {ranges(cuts)}"
    adapted = [
        replace(
            rule(id),
            statement=rule(id).statement.replace(ALL_CUTS, words),
            points=_over(treatment, against, cuts),
            cuts=cuts,
        )
        for id, (treatment, against) in ADAPTED.items()
    ]
    return [
        *adapted,
        Rule(
            "selffer-no-boost",
            f"Fine-tuning brings back what freezing own layers lost, and no more (BnB+ - base, {words}).",
            f"{SOURCE}, Fig. 2",
            "+0.2 points (against the own base: +1.0)",
            "close",
            _over("BnB+", "base", cuts),
            ("base", "BnB+"),
            cuts,
        ),
    ]


def _over(treatment: str, against: str, cuts: tuple[int, ...]) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: differences(rows, treatment, against, cuts)


def boost_tests(
    table: pd.DataFrame, comparisons: Sequence[tuple[str, str]] = BOOSTS, *, cuts: Sequence[int] | None = None
) -> pd.DataFrame:
    """Paired differences averaged over ``cuts``, with both intervals and the sign-flip test, one row per comparison.

    Columns ``comparison, cuts, mean, low, high, pairs`` (the stated rule: pairs are split, seed and target),
    ``low_seeds, high_seeds, seeds`` (directions averaged within each split and seed first), ``p, p_holm`` (sign-flip
    test over the pairs, and corrected by Holm for the comparisons).
    """
    rows = one_condition(table)
    chosen = cuts_of_design(rows) if cuts is None else tuple(cuts)
    found = []
    for treatment, against in comparisons:
        points = differences(rows, treatment, against, chosen)
        one, other = both_estimates(points)
        p = sign_flip_test(points) if one.has_interval else float("nan")
        name, bounds = f"{treatment} - {against}", (one.low, one.high, one.count, other.low, other.high, other.count)
        found.append((name, ranges(chosen), one.mean, *bounds, p))
    columns = ["comparison", "cuts", "mean", "low", "high", "pairs", "low_seeds", "high_seeds", "seeds", "p"]
    result = pd.DataFrame(found, columns=columns)
    result["p_holm"] = holm(list(result["p"]))
    return result


def both_estimates(points: pd.Series) -> tuple[Estimate, Estimate]:
    """The estimate over (split, seed, target), which the rules use, and the one over (split, seed)."""
    if not len(points):
        return nothing("no pair"), nothing("no pair")
    over_seeds = by_replicate(points)
    if replicates_of(points.index) < 2:
        return unit_interval(points), without_interval(over_seeds, "one split and seed, no interval")
    return unit_interval(points), mean_interval(over_seeds)


def boosts_by_n(
    table: pd.DataFrame, comparisons: Sequence[tuple[str, str]] = BOOSTS, *, cuts: Sequence[int] | None = None
) -> tuple[pd.DataFrame, ...]:
    """``effect_by_n`` of each comparison with ``p_holm``, corrected over all comparisons and n together."""
    rows = one_condition(table)
    chosen = cuts_of_design(rows) if cuts is None else tuple(cuts)
    frames = [effect_by_n(rows, treatment, against, chosen) for treatment, against in comparisons]
    corrected = iter(holm([p for frame in frames for p in frame["p"]]))
    for frame in frames:
        frame["p_holm"] = [next(corrected) for _ in range(len(frame))]
    return tuple(frames)
