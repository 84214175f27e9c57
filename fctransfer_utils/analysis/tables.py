"""The tidy table of trained networks: what its columns must hold, and what is absent from it, in words.

A *unit* is one (split, seed, target): the networks that learnt the same images from the same seed and can be compared
pair by pair. A *replicate* is one (split, seed): its two directions share networks (the base of one is the donor of the
other), so they alone give no interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from ..errors import InputError, unknown

TREATMENTS = ("base", "BnB", "BnB+", "AnB", "AnB+", "random", "random-gaussian", "twice", "warm", "stitch")
CUTS = tuple(range(1, 8))
CONDITION = ("data", "image_size", "net", "images_per_class", "epochs")
UNIT = ("split", "seed", "target")
REPLICATE = ("split", "seed")
NEEDED = (*CONDITION, *UNIT, "source", "treatment", "n", "top1")
WITHOUT_CUT = {"base": 0, "twice": 8}


def checked(table: pd.DataFrame) -> pd.DataFrame:
    """A copy of ``table`` with the needed columns and types; networks without a top-1 are left out.

    ``top1`` is a fraction 0..1. Raises InputError for an absent column, an unknown treatment, a top-1 outside 0..1 and
    for two rows that stand for the same network.
    """
    absent = [name for name in NEEDED if name not in table.columns]
    if absent:
        raise InputError(
            f"the table has no column {', '.join(absent)}; it needs {', '.join(NEEDED)}. "
            "Use a table that `fctransfer table` wrote."
        )
    result = table.copy()
    result["source"] = result["source"].fillna("").astype(str)
    for name in ("treatment", "split", "target"):
        result[name] = result[name].astype(str)
    strangers = sorted(set(result["treatment"]) - set(TREATMENTS))
    if strangers:
        raise unknown("treatment", strangers[0], TREATMENTS)
    result = result[result["top1"].notna()]
    refuse_outside(result["top1"])
    keys = [*CONDITION, *UNIT, "source", "treatment", "n"]
    twins = result[result.duplicated(keys, keep=False)]
    if len(twins):
        first = twins.iloc[0]
        raise InputError(
            f"{len(twins)} rows stand for the same network, such as {first['treatment']} n = {first['n']} on "
            f"{unit_words(first[list(UNIT)])}; keep one row per network."
        )
    return result.astype({"n": int}).reset_index(drop=True)


def one_condition(table: pd.DataFrame) -> pd.DataFrame:
    """``checked(table)``, refused when it mixes data sets, networks, sizes or schedules: a mean over those is wrong."""
    result = checked(table)
    refuse_mixture(result, CONDITION)
    return result


def refuse_mixture(rows: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raises InputError when one of ``columns`` has several values."""
    for name in columns:
        values = list(rows[name].drop_duplicates())
        if len(values) > 1:
            raise InputError(
                f"the table mixes {len(values)} values of {name} ({', '.join(map(str, values[:4]))}); "
                f"select one of them, as in table[table['{name}'] == {values[0]!r}]."
            )


def refuse_outside(top1: pd.Series) -> None:
    """Raises InputError for a top-1 that is no fraction 0..1."""
    outside = top1[~top1.between(0, 1)]
    if len(outside):
        raise InputError(f"top1 {outside.iloc[0]} is outside 0..1; give fractions, not per cent.")


def units_of(table: pd.DataFrame, *, studied: bool = True) -> list[tuple]:
    """The (split, seed, target) of ``table``; ``studied`` leaves out those where only a base was trained."""
    rows = table[table["treatment"] != "base"] if studied else table
    return sorted(set(rows[list(UNIT)].itertuples(index=False, name=None)))


def replicates_of(units: Iterable[Sequence]) -> int:
    """How many different (split, seed) the units hold."""
    return len({tuple(unit)[: len(REPLICATE)] for unit in units})


def missing(table: pd.DataFrame, treatments: Sequence[str] | None = None, cuts: Sequence[int] = CUTS) -> list[str]:
    """What a complete table of ``treatments`` at ``cuts`` would hold beside this one, one sentence each.

    ``treatments`` defaults to those that the table has. Complete means: every unit has every treatment at every cut.
    """
    table = checked(table)
    for name in treatments or ():
        if name not in TREATMENTS:
            raise unknown("treatment", name, TREATMENTS)
    there = set(table["treatment"])
    wanted = [name for name in TREATMENTS if name in (there if treatments is None else treatments)]
    studied, every = units_of(table), units_of(table, studied=False)
    words = []
    for name in wanted:
        if name not in there:
            words.append(f"{name} is absent.")
            continue
        rows = table[table["treatment"] == name]
        expected = [WITHOUT_CUT[name]] if name in WITHOUT_CUT else list(cuts)
        have = set(rows[[*UNIT, "n"]].itertuples(index=False, name=None))
        gaps: dict[tuple[int, ...], list[tuple]] = {}
        for unit in studied or every:
            lacking = tuple(n for n in expected if (*unit, n) not in have)
            if lacking:
                gaps.setdefault(lacking, []).append(unit)
        for lacking, units in gaps.items():
            where = "" if name in WITHOUT_CUT else f" at n = {ranges(lacking)}"
            words.append(f"{name}{where} is absent for {units_words(units)}.")
    idle = [unit for unit in every if unit not in studied]
    if idle and studied:
        words.append(f"Nothing but base was trained on {units_words(idle)}.")
    return words


def ranges(numbers: Iterable[int]) -> str:
    """``[1, 2, 3, 5]`` as ``"1-3, 5"``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def unit_words(unit: Sequence) -> str:
    """A unit in words, such as ``target B (random0, seed 1)``."""
    split, seed, target = unit
    return f"target {target} ({split}, seed {seed})"


def units_words(units: Sequence[Sequence], *, most: int = 3) -> str:
    """Units in words; beyond ``most`` they are counted."""
    named = [unit_words(unit) for unit in units[:most]]
    rest = len(units) - len(named)
    return ", ".join(named) + (f" and {rest} more" if rest else "")
