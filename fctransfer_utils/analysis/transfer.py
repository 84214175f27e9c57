"""What a table of trained networks says about transfer: curves, paired effects, Table 1 of Yosinski et al. (2014).

Every difference pairs two networks of one (split, seed, target): same images, same seed, same test half. An interval is
the t interval over such pairs, given only when they come from at least two (split, seed): both directions of one split
and seed share their networks. It speaks about the seeds and splits of the table and the spread between its targets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, mean_interval, nothing, sign_flip_test, without_interval
from .published import paper_table
from .tables import (
    CONDITION,
    CUTS,
    TREATMENTS,
    UNIT,
    WITHOUT_CUT,
    checked,
    missing,
    one_condition,
    ranges,
    replicates_of,
    unit_words,
    units_of,
    units_words,
)

__all__ = [
    "boosts", "coadaptation", "curves", "effect_by_n", "gain_over_own_base", "missing", "paired_effect",
    "pairs", "paper_table", "relative_to_base", "specificity",
]  # fmt: skip

ONE_REPLICATE = "one split and seed, no interval"
SETS_OF_CUTS = ((1, 7), (3, 7), (5, 7))
COMPARISONS = (("AnB+", "base"), ("AnB+", "BnB+"), ("AnB+", "twice"), ("BnB+", "twice"), ("BnB+", "base"))
VALUES = ("top1", "delta_points")


def relative_to_base(table: pd.DataFrame, *, missing_base: str = "raise") -> pd.DataFrame:
    """``table`` with ``base_top1`` and ``delta_points``: top-1 minus that of the base of the same target, in points.

    The base has the same data, image size, net, split, seed, target, images per class and epochs. Networks without one
    raise InputError, or with ``missing_base="omit"`` are left out and told in ``attrs["missing"]``.
    """
    if missing_base not in ("raise", "omit"):
        raise unknown("missing_base", missing_base, ("raise", "omit"))
    table = checked(table)
    keys = [*CONDITION, *UNIT]
    bases = table.loc[table["treatment"] == "base", [*keys, "top1"]].rename(columns={"top1": "base_top1"})
    result = table.merge(bases, on=keys, how="left", validate="many_to_one")
    lost = result[result["base_top1"].isna()]
    words = []
    if len(lost):
        units = sorted(set(lost[list(UNIT)].itertuples(index=False, name=None)))
        words.append(f"base is absent for {units_words(units)}: {len(lost)} networks have nothing to be compared with.")
        if missing_base == "raise":
            raise InputError(f"{words[0]} Train it, or pass missing_base='omit' to leave them out.")
    result = result[result["base_top1"].notna()].reset_index(drop=True)
    result["delta_points"] = 100 * (result["top1"] - result["base_top1"])
    result.attrs["missing"] = tuple(words)
    return result


def curves(
    table: pd.DataFrame, value: str = "top1", *, level: float = 0.95, incomplete: str = "balance"
) -> pd.DataFrame:
    """The mean of each treatment at each n: columns ``treatment, n, mean, low, high, count``.

    ``value`` is ``top1`` (fractions) or ``delta_points`` (points over the base of the same target; base is left out,
    being 0). Halves differ in difficulty, so means of top-1 over different units cannot be compared: ``balance`` takes
    only the units that have every treatment and n of the table, and where there is none, gives nan for the cells that
    lack a unit; ``keep`` averages what there is, as the paper does. ``attrs["missing"]`` says what was absent.
    """
    if value not in VALUES:
        raise unknown("value", value, VALUES)
    if incomplete not in ("balance", "keep"):
        raise unknown("incomplete", incomplete, ("balance", "keep"))
    rows = one_condition(table)
    words = missing(rows)
    if value == "delta_points":
        rows = relative_to_base(rows, missing_base="omit")
        words += rows.attrs["missing"]
        rows = rows[rows["treatment"] != "base"]
    studied = units_of(rows) or units_of(rows, studied=False)
    cells = {
        (name, n): group.set_index(list(UNIT))[value]
        for (name, n), group in sorted(rows.groupby(["treatment", "n"]), key=lambda item: _order(item[0]))
    }
    block, blank = None, set()
    if value == "top1" and incomplete == "balance":
        block = [unit for unit in studied if all(unit in values.index for values in cells.values())]
        if block and len(block) < len(studied):
            rest = [unit for unit in studied if unit not in block]
            words.append(f"Means are over {len(block)} of {len(studied)} targets; left out: {units_words(rest)}.")
        if not block:
            block = studied
            blank = {cell for cell, values in cells.items() if any(unit not in values.index for unit in studied)}
            for name in dict.fromkeys(name for name, _ in sorted(blank, key=_order)):
                cuts = ranges(n for other, n in blank if other == name)
                words.append(f"{name} at n = {cuts} has no mean: it lacks targets that others have.")
    found = []
    for cell, values in cells.items():
        chosen = values if block is None else values[values.index.isin(block)]
        scale = {"level": level, "unit": "points" if value == "delta_points" else ""}
        estimate = nothing("lacks targets", **scale) if cell in blank else unit_interval(chosen, **scale)
        found.append((*cell, estimate.mean, estimate.low, estimate.high, estimate.count))
    result = pd.DataFrame(found, columns=["treatment", "n", "mean", "low", "high", "count"])
    result.attrs["missing"] = tuple(words)
    return result


def pairs(table: pd.DataFrame, treatment: str, against: str = "base", cuts: Sequence[int] = CUTS) -> pd.DataFrame:
    """Every pair of a ``treatment`` network and its ``against`` network: ``split, seed, target, n, points``.

    Paired by split, seed and target, and by n, except with ``base`` and ``twice``, which have no cut.
    """
    for name in (treatment, against):
        if name not in TREATMENTS:
            raise unknown("treatment", name, TREATMENTS)
    return _pairs(one_condition(table), treatment, against, cuts)


def _pairs(rows: pd.DataFrame, treatment: str, against: str, cuts: Sequence[int]) -> pd.DataFrame:
    """``pairs`` of rows that are already checked."""
    keys = [*UNIT] if against in WITHOUT_CUT else [*UNIT, "n"]
    wanted = [WITHOUT_CUT[treatment]] if treatment in WITHOUT_CUT else list(cuts)
    left = rows.loc[(rows["treatment"] == treatment) & rows["n"].isin(wanted), [*UNIT, "n", "top1"]]
    right = rows.loc[rows["treatment"] == against, [*keys, "top1"]].rename(columns={"top1": "other"})
    if left.duplicated([*UNIT, "n"]).any() or right.duplicated(keys).any():
        raise InputError(
            f"{treatment} or {against} has several sources for one target; select one source of the table."
        )
    joined = left.merge(right, on=keys, how="inner")
    joined["points"] = 100 * (joined["top1"] - joined["other"])
    return joined[[*UNIT, "n", "points"]].sort_values([*UNIT, "n"], ignore_index=True)


def by_unit(found: pd.DataFrame, cuts: Sequence[int]) -> pd.Series:
    """``pairs`` averaged over ``cuts`` in each unit that has all of them: points, indexed by (split, seed, target)."""
    wide = found[found["n"].isin(list(cuts))].pivot(index=list(UNIT), columns="n", values="points")
    if set(wide.columns) != set(cuts):
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[]] * len(UNIT), names=list(UNIT)))
    return wide.dropna().mean(axis=1)


def paired_effect(
    table: pd.DataFrame, treatment: str, against: str = "base", cuts: Sequence[int] = CUTS, *, level: float = 0.95
) -> Estimate:
    """The mean of ``treatment`` minus ``against`` in points over ``cuts``: first within each unit, then over units.

    Units that lack one of the cuts are left out; with none left the estimate has count 0 and its method says so.
    """
    return _effect(pairs(table, treatment, against, cuts), treatment, against, cuts, level=level)


def _effect(found: pd.DataFrame, treatment: str, against: str, cuts: Sequence[int], *, level: float = 0.95) -> Estimate:
    points = by_unit(found, _cuts_of(treatment, cuts))
    if not len(points):
        where = "" if treatment in WITHOUT_CUT else f" at all n = {ranges(cuts)}"
        return nothing(f"no target has both {treatment} and {against}{where}", level=level)
    return unit_interval(points, level=level)


def effect_by_n(
    table: pd.DataFrame, treatment: str, against: str, cuts: Sequence[int] = CUTS, *, level: float = 0.95
) -> pd.DataFrame:
    """``treatment`` minus ``against`` at each n: ``effect, n, mean, low, high, count, p``; absent cuts have count 0.

    ``p`` is of the sign-flip test over the pairs, not corrected for the number of cuts; see ``estimates.holm``.
    """
    found = pairs(table, treatment, against, cuts)
    rows = []
    for n in cuts:
        points = by_unit(found, [n])
        estimate = unit_interval(points, level=level) if len(points) else nothing("no pair", level=level)
        p = sign_flip_test(points) if estimate.has_interval else float("nan")
        rows.append((f"{treatment} - {against}", n, estimate.mean, estimate.low, estimate.high, estimate.count, p))
    result = pd.DataFrame(rows, columns=["effect", "n", "mean", "low", "high", "count", "p"])
    result.attrs["missing"] = tuple(missing(table, [treatment, against], cuts))
    return result


def coadaptation(table: pd.DataFrame, cuts: Sequence[int] = CUTS) -> pd.DataFrame:
    """BnB minus base at each n: what splitting fragile co-adapted layers costs. See ``effect_by_n``."""
    return effect_by_n(table, "BnB", "base", cuts)


def specificity(table: pd.DataFrame, cuts: Sequence[int] = CUTS) -> pd.DataFrame:
    """AnB minus BnB at each n: what features of the other half cost beyond the split. See ``effect_by_n``."""
    return effect_by_n(table, "AnB", "BnB", cuts)


def boosts(table: pd.DataFrame, comparisons: Sequence[tuple[str, str]] = COMPARISONS) -> pd.DataFrame:
    """Table 1: gains averaged over n = 1-7, 3-7 and 5-7, in points.

    Columns ``comparison, way, cuts, mean, low, high, count, note``. ``way`` is ``unpaired`` (the paper's: mean of all
    networks of one treatment minus mean of all of the other, whatever their targets; no interval) or ``paired`` (within
    split, seed and target). ``count`` is networks of the first treatment, or pairs. ``note`` says what limits the row.
    """
    rows = one_condition(table)
    found = []
    for treatment, against in comparisons:
        for first, last in SETS_OF_CUTS:
            cuts = range(first, last + 1)
            for way, estimate, note in (
                ("unpaired", *_unpaired(rows, treatment, against, cuts)),
                ("paired", *_paired(rows, treatment, against, cuts)),
            ):
                found.append(
                    (f"{treatment} - {against}", way, f"{first}-{last}",
                     estimate.mean, estimate.low, estimate.high, estimate.count, note)
                )  # fmt: skip
    return pd.DataFrame(found, columns=["comparison", "way", "cuts", "mean", "low", "high", "count", "note"])


def gain_over_own_base(table: pd.DataFrame, treatment: str, cuts: Sequence[int] = CUTS) -> Estimate:
    """The mean over all ``treatment`` networks of their points over their own base, complete or not.

    For incomplete tables such as the published one. Networks of one target share its base, so there is no interval.
    """
    found = pairs(table, treatment, "base", cuts)
    if not len(found):
        return nothing(f"no {treatment} network has its base")
    bases = len(found[list(UNIT)].drop_duplicates())
    return without_interval(found["points"], f"networks that share {bases} base{'s' * (bases > 1)}, no interval")


def _unpaired(rows: pd.DataFrame, treatment: str, against: str, cuts: range) -> tuple[Estimate, str]:
    sides, units, networks = [], [], 0
    for name in (treatment, against):
        wanted = _cuts_of(name, cuts)
        side = rows[(rows["treatment"] == name) & rows["n"].isin(wanted)]
        lacking = sorted(set(wanted) - set(side["n"]))
        if lacking:
            where = "" if name in WITHOUT_CUT else f" at n = {ranges(lacking)}"
            reason = f"{name}{where} is absent"
            return nothing(reason), f"{reason}."
        sides.append(100 * float(side["top1"].mean()))
        units.append(side.groupby(list(UNIT)).size() / len(side))
        networks = networks or len(side)
    shares = pd.concat(units, axis=1).fillna(0)
    alike = (shares.iloc[:, 0] - shares.iloc[:, 1]).abs().max() < 1e-9
    ours, theirs = (f"{name} on {_targets(part)}" for name, part in zip((treatment, against), units, strict=True))
    note = "" if alike else f"The targets differ: {ours}; {theirs}."
    mean = sides[0] - sides[1]
    return Estimate(
        mean, float("nan"), float("nan"), networks, method="unpaired means, no interval", of="network"
    ), note


def _paired(rows: pd.DataFrame, treatment: str, against: str, cuts: range) -> tuple[Estimate, str]:
    found = _pairs(rows, treatment, against, cuts)
    estimate = _effect(found, treatment, against, cuts)
    if estimate.count == 0:
        absent = [f"{name} is absent." for name in (treatment, against) if name not in set(rows["treatment"])]
        return estimate, " ".join(absent) or f"{estimate.method[0].upper()}{estimate.method[1:]}."
    left = len(found[list(UNIT)].drop_duplicates()) - estimate.count
    note = f"{left} target{'s' * (left > 1)} left out for lack of some n." if left else ""
    return estimate, " ".join(filter(None, [note, "" if estimate.has_interval else "No interval: one split and seed."]))


def _targets(shares: pd.Series) -> str:
    """The halves a treatment was trained on, in words."""
    if len(shares) > 2:
        letters = sorted({unit[2] for unit in shares.index})
        return f"{len(shares)} targets of half {' and '.join(letters)}"
    return " and ".join(unit_words(unit) for unit in shares.index)


def _cuts_of(treatment: str, cuts: Sequence[int]) -> list[int]:
    return [WITHOUT_CUT[treatment]] if treatment in WITHOUT_CUT else list(cuts)


def unit_interval(points: pd.Series, *, level: float = 0.95, unit: str = "points") -> Estimate:
    """The estimate over units: with an interval only where at least two replicates are behind it."""
    return replicate_interval(points, points.index, level=level, unit=unit)


def replicate_interval(
    points: Iterable[float], units: Collection[Sequence], *, level: float = 0.95, unit: str = "points"
) -> Estimate:
    """``unit_interval`` of values whose ``units``, (split, seed, ...), stand beside them."""
    if len(units) > 1 and replicates_of(units) < 2:
        return without_interval(points, ONE_REPLICATE, level=level, unit=unit)
    return mean_interval(points, level=level, unit=unit)


def _order(cell: tuple[str, int]) -> tuple[int, int]:
    return TREATMENTS.index(cell[0]), cell[1]
