"""What the pictures of notebook 12 show: layers by treatment and cut, accuracies beside them, filters, options."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .compared import Compared
from .estimates import Estimate, mean_interval
from .first_layer import movement, unpack
from .guide import Recommendation
from .guide_evidence import LAYERS
from .tables import CUTS, WITHOUT_CUT
from .transfer import by_unit, curves, pairs, unit_interval

DRAWN = ("base", "BnB", "BnB+", "AnB", "AnB+", "twice")
NAMES = (*LAYERS, "fc8")
SHOWN = {"top1": "top-1 (%)", "points": "top-1 minus the own base (points)"}
BEFORE, AFTER = "before training", "after training"


def layers_of(treatment: str, n: int) -> list[dict[str, Any]]:
    """The eight layers of a network before its first step: ``layer, origin, frozen``, as ``plots.surgery`` has them.

    The network learns half B: ``origin`` is "B" for a copy of B's own base, "A" for one of the other half's, else
    "new". Raises InputError for another treatment and a cut outside 1..7.
    """
    _check(treatment, n)
    copied = WITHOUT_CUT.get(treatment, n)
    donor = "A" if treatment.startswith("A") else "B"
    still = treatment in ("BnB", "AnB")
    return [
        {"layer": name, "origin": donor if place < copied else "new", "frozen": still and place < copied}
        for place, name in enumerate(NAMES)
    ]


def accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """Every treatment at every cut: ``shown, treatment, n, mean, low, high, count, words`` from one study's networks.

    ``shown`` is "top1" (per cent, means over the targets that have every treatment, as in Figure 2) or "points" (paired
    with the base of the same split, seed and target, over all pairs there are). ``base`` and ``twice`` stand at every
    n. Where there is no interval, the bounds are nan and ``words`` say why.
    """
    means = curves(table, "top1")
    rows = []
    for name in (name for name in DRAWN if name in set(means["treatment"])):
        found = None if name == "base" else pairs(table, name)
        for n in CUTS:
            at = means[(means["treatment"] == name) & (means["n"] == WITHOUT_CUT.get(name, n))]
            if len(at) and at["count"].iloc[0]:
                row = at.iloc[0]
                level = Estimate(*(100 * row[["mean", "low", "high"]]), int(row["count"]), unit="")
                rows.append(("top1", name, n, *_numbers(level), _said(level, "{:.1f}", "network")))
            points = () if found is None else by_unit(found, [WITHOUT_CUT.get(name, n)])
            if len(points):
                gap = unit_interval(points)
                rows.append(("points", name, n, *_numbers(gap), _said(gap, "{:+.1f}", "pair")))
    columns = ["shown", "treatment", "n", "mean", "low", "high", "count", "words"]
    return pd.DataFrame(rows, columns=columns)


def told_cut(numbers: pd.DataFrame, *, n: int, shown: str) -> str:
    """The numbers at one cut in words, one treatment after the other. Raises InputError as ``at_cut``."""
    rows = at_cut(numbers, n=n, shown=shown)
    return f"n = {n}, {SHOWN[shown]}: " + "; ".join(f"{row.treatment} {row.words}" for row in rows.itertuples()) + "."


def at_cut(numbers: pd.DataFrame, *, n: int, shown: str) -> pd.DataFrame:
    """The rows of ``accuracies`` at one cut. Raises InputError for a cut or a number that they do not have."""
    if shown not in SHOWN:
        raise unknown("number to show", shown, SHOWN)
    _check("base", n)
    return numbers[(numbers["shown"] == shown) & (numbers["n"] == n)]


def filter_changes(table: pd.DataFrame) -> pd.DataFrame:
    """By task, what training did to first-layer filters: a row per task over its networks (seeds).

    ``table`` has ``task, seed, net`` (``BEFORE`` or ``AFTER``), ``gabor_r2`` and weights as ``first_layer.pack`` writes
    them. Columns ``task, networks, before, after`` (mean Gabor R²), ``change`` (an Estimate over the networks) and
    ``movement`` (median of the filters, mean of the networks).
    """
    rows = []
    for task, part in table.groupby("task", sort=False):
        means = part.pivot_table(index="seed", columns="net", values="gabor_r2")
        moved = [np.median(movement(*_pair(nets))) for _, nets in part.groupby("seed")]
        change = mean_interval(means[AFTER] - means[BEFORE], unit="")
        rows.append((task, len(means), means[BEFORE].mean(), means[AFTER].mean(), change, float(np.mean(moved))))
    return pd.DataFrame(rows, columns=["task", "networks", "before", "after", "change", "movement"])


def said_change(change: Estimate) -> str:
    """A change of Gabor R² with its interval, as in a table."""
    return _said(change, "{:+.2f}", "network")


def filters_at(table: pd.DataFrame, *, task: str, seed: int) -> dict[str, pd.DataFrame]:
    """The rows of one network, ``{BEFORE: ..., AFTER: ...}``. Raises InputError for an unknown task or seed."""
    for name, value in (("task", task), ("seed", seed)):
        if value not in set(table[name]):
            raise unknown(name, value, table[name].drop_duplicates())
    rows = table[(table["task"] == task) & (table["seed"] == seed)]
    if not len(rows):
        there = sorted(set(table.loc[table["task"] == task, "seed"]))
        raise unknown(f"seed of {task!r}", seed, there)
    return {state: rows[rows["net"] == state] for state in (BEFORE, AFTER)}


def likeness(table: pd.DataFrame, one: tuple[str, int], other: tuple[str, int], state: str = AFTER) -> float:
    """How alike two first layers are: mean over the filters of the first of the best absolute cosine in the second.

    ``one`` and ``other`` are (task, seed). It is above 0 for noise too; compare with ``state=BEFORE``.
    """
    flat = []
    for task, seed in (one, other):
        rows = filters_at(table, task=task, seed=seed)[state]
        weights = next(iter(unpack(rows).values()))
        flat.append(weights.reshape(len(weights), -1))
    unit = [weights / np.linalg.norm(weights, axis=1, keepdims=True) for weights in flat]
    return float(np.abs(unit[0] @ unit[1].T).max(axis=1).mean())


def option_gaps(evidence: pd.DataFrame, answer: Recommendation) -> pd.DataFrame:
    """The options that a recommendation compared, best first: ``option, top1, mean, low, high, count``.

    ``mean`` is the gap to the recommended option in points, paired by (split, seed, target set), with its interval
    where at least two (split, seed) are behind it; the recommended one has 0. Empty where there is no evidence.
    """
    columns = ["option", "top1", "mean", "low", "high", "count"]
    compared = Compared.of(evidence[evidence["key"].isin(answer.rows)])
    found = []
    for option in compared.ranked:
        gap = compared.gap(option, answer.option)
        bounds = (math.nan, math.nan) if option == answer.option else (gap.low, gap.high)
        found.append((option, compared.mean(option), gap.mean, *bounds, gap.count))
    return pd.DataFrame(found, columns=columns)


def _check(treatment: str, n: int) -> None:
    if treatment not in DRAWN:
        raise unknown("treatment", treatment, DRAWN)
    if isinstance(n, bool) or n not in CUTS:
        raise InputError(f"n = {n} is outside {CUTS[0]}..{CUTS[-1]}; give a cut between two of the eight layers.")


def _numbers(estimate: Estimate) -> tuple[float, float, float, int]:
    return estimate.mean, estimate.low, estimate.high, estimate.count


def _said(estimate: Estimate, form: str, thing: str) -> str:
    """A number with its interval, or with the reason why it has none."""
    counted = f"{estimate.count} {thing}{'s' * (estimate.count > 1)}"
    if estimate.has_interval:
        return f"{form.format(estimate.mean)} [{form.format(estimate.low)}, {form.format(estimate.high)}], {counted}"
    reason = "one seed" if estimate.count == 1 else f"one seed, {counted}"
    return f"{form.format(estimate.mean)} ({reason}, no interval)"


def _pair(nets: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    found = unpack(nets)
    return found[BEFORE], found[AFTER]
