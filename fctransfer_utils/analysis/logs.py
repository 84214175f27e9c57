"""The published networks of Yosinski et al. (2014) read once more: which treatment learnt which targets, and what is
left of the boost of AnB+ over BnB+ when the targets' difficulty is taken off.

The top-1 of a network is the *level* of its target plus its *gain* over that level, so the difference between two
treatments' means is a difference of levels plus a difference of gains, exactly. Two yardsticks give the level:

- ``base``: the top-1 of the one base network of that target. If that network was lucky, its target looks too easy and
  every gain over it too small.
- ``frozen``: how far the AnB networks of that target lie above those of all targets at the same n. They share nothing
  with the base of the target, but their layers come from the base of the other half, whose luck they inherit.

The logs hold one base per half and no second seed, so nothing here has an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .tables import CUTS, TREATMENTS, UNIT, one_condition, ranges
from .transfer import SETS_OF_CUTS, relative_to_base

FINE_TUNED = ("BnB+", "AnB+")
YARDSTICKS = ("base", "frozen")


def half_name(split: str, target: str) -> str:
    """``half 0A`` for half A of ``random0``."""
    return f"half {split.removeprefix('random')}{target}"


def targets_by_treatment(table: pd.DataFrame, treatments: Sequence[str] = FINE_TUNED) -> pd.DataFrame:
    """Which halves each treatment was trained on: ``treatment, half, networks, cuts`` (the n, as text)."""
    rows = one_condition(table)
    found = []
    for name in treatments:
        mine = _networks(rows, name)
        for (split, target), cell in mine.groupby(["split", "target"]):
            found.append((name, half_name(split, target), len(cell), ranges(cell["n"])))
    return pd.DataFrame(found, columns=["treatment", "half", "networks", "cuts"])


def shared_targets(table: pd.DataFrame, treatment: str, against: str) -> list[tuple]:
    """The (split, seed, target) on which both treatments have a network, at whatever n."""
    rows = one_condition(table)
    units = [set(_networks(rows, name)[list(UNIT)].itertuples(index=False, name=None)) for name in (treatment, against)]
    return sorted(units[0] & units[1])


def own_gains(table: pd.DataFrame, treatments: Sequence[str] = FINE_TUNED) -> pd.DataFrame:
    """Every network of ``treatments`` over the base of its own target.

    Columns ``treatment, half, split, target, n, top1, base_top1, delta_points``; top-1 as fractions.
    """
    rows = relative_to_base(one_condition(table))
    found = pd.concat([_networks(rows, name) for name in treatments])
    found = found.assign(half=[half_name(s, t) for s, t in zip(found["split"], found["target"], strict=True)])
    columns = ["treatment", "half", "split", "target", "n", "top1", "base_top1", "delta_points"]
    return found.sort_values(["treatment", "split", "target", "n"])[columns].reset_index(drop=True)


def levels(table: pd.DataFrame) -> pd.DataFrame:
    """How easy each half is, in points over the mean of the halves, by both yardsticks of this module.

    Columns ``half, split, seed, target, base, frozen, networks`` (those behind ``frozen``). ``frozen`` is nan where
    not every half has AnB at the same n. Raises InputError where a base is absent.
    """
    rows = one_condition(table)
    bases = rows[rows["treatment"] == "base"].set_index(list(UNIT))["top1"].sort_index()
    if not len(bases):
        raise InputError("the table has no base network; the level of a target is read off its base.")
    wide = rows[rows["treatment"] == "AnB"].pivot(index=list(UNIT), columns="n", values="top1").reindex(bases.index)
    complete = wide.dropna(axis=1)
    frozen = (complete - complete.mean()).mean(axis=1) if len(complete.columns) else complete.sum(axis=1) * np.nan
    result = pd.DataFrame({"base": 100 * (bases - bases.mean()), "frozen": 100 * frozen})
    result["networks"] = len(complete.columns)
    result = result.reset_index()
    names = [half_name(split, target) for split, target in zip(result["split"], result["target"], strict=True)]
    result.insert(0, "half", names)
    return result


def decomposition(
    table: pd.DataFrame,
    treatment: str = "AnB+",
    against: str = "BnB+",
    *,
    sets_of_cuts: Sequence[tuple[int, int]] = SETS_OF_CUTS,
    yardsticks: Sequence[str] = YARDSTICKS,
) -> pd.DataFrame:
    """The difference of two treatments' means as ``reported = targets + rest``, in points.

    ``targets`` is the difference of the levels of their targets, ``rest`` that of the gains over these levels. Columns
    ``yardstick, cuts, reported, targets, rest, networks, networks_against``. Raises InputError for a treatment without
    networks at the cuts and an unknown yardstick.
    """
    rows = one_condition(table)
    found = []
    for yardstick in yardsticks:
        if yardstick not in YARDSTICKS:
            raise unknown("yardstick", yardstick, YARDSTICKS)
        level = levels(rows).set_index(list(UNIT))[yardstick]
        for first, last in sets_of_cuts:
            cuts = range(first, last + 1)
            sides = [_networks(rows, name, cuts) for name in (treatment, against)]
            parts = _parts(*sides, level)
            found.append((yardstick, f"{first}-{last}", *parts, *map(len, sides)))
    columns = ["yardstick", "cuts", "reported", "targets", "rest", "networks", "networks_against"]
    return pd.DataFrame(found, columns=columns)


def left_out(
    table: pd.DataFrame, treatment: str = "AnB+", against: str = "BnB+", *, yardstick: str = "base"
) -> pd.DataFrame:
    """``decomposition`` over all cuts once more without each network in turn, and without each half in turn.

    Columns ``kind`` (network, half), ``left_out``, ``reported, targets, rest``. A half without which a treatment has no
    network left is not left out.
    """
    rows = one_condition(table)
    level = levels(rows).set_index(list(UNIT))[yardstick]
    sides = [_networks(rows, name) for name in (treatment, against)]
    found = []
    for place, side in enumerate(sides):
        for kind, groups in (("network", side.groupby(level=0)), ("half", side.groupby(["split", "target"]))):
            for _, group in groups:
                kept = side.drop(group.index)
                if not len(kept):
                    continue
                first = group.iloc[0]
                name = half_name(first["split"], first["target"])
                name = name if kind == "half" else f"{first['treatment']} n = {first['n']} on {name}"
                pair = [kept, sides[1]] if place == 0 else [sides[0], kept]
                found.append((kind, name, *_parts(*pair, level)))
    return pd.DataFrame(found, columns=["kind", "left_out", "reported", "targets", "rest"])


def chance_of_targets(table: pd.DataFrame, treatment: str = "AnB+", against: str = "BnB+") -> tuple[float, int]:
    """How often other halves would have set two treatments at least as far apart: a share, and of how many ways.

    Each way gives the halves of the two treatments to as many other halves of the table, with as many networks on each,
    and compares the means of the halves' bases.
    """
    rows = one_condition(table)
    bases = rows[rows["treatment"] == "base"].set_index(list(UNIT))["top1"].to_dict()
    weights: list[tuple[tuple, float]] = []
    for name, sign in ((treatment, 1), (against, -1)):
        units = _networks(rows, name)[list(UNIT)].value_counts(normalize=True)
        weights += [(unit, sign * share) for unit, share in units.items()]
    there = abs(sum(share * bases[unit] for unit, share in weights))
    values, shares = list(bases.values()), np.array([share for _, share in weights])
    ways = np.array([np.dot(shares, chosen) for chosen in permutations(values, len(shares))])
    return float(np.mean(np.abs(ways) >= there - 1e-12)), len(ways)


def _parts(mine: pd.DataFrame, other: pd.DataFrame, level: pd.Series) -> tuple[float, float, float]:
    """Difference of the means, of the levels, and of what is left, in points."""
    reported, targets = 0.0, 0.0
    for side, sign in ((mine, 1), (other, -1)):
        units = pd.MultiIndex.from_frame(side[list(UNIT)])
        reported += sign * 100 * float(side["top1"].mean())
        targets += sign * float(level.reindex(units).mean(skipna=False))
    return reported, targets, reported - targets


def _networks(rows: pd.DataFrame, treatment: str, cuts: Sequence[int] = CUTS) -> pd.DataFrame:
    if treatment not in TREATMENTS:
        raise unknown("treatment", treatment, TREATMENTS)
    found = rows[(rows["treatment"] == treatment) & rows["n"].isin(list(cuts))]
    if not len(found):
        raise InputError(f"the table has no {treatment} network at n = {ranges(cuts)}; choose other treatments or n.")
    return found
