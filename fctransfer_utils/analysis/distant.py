"""Figure 3 of Yosinski et al. (2014) from tables of trained networks: distant halves, random halves, random filters.

Everything is top-1 minus that of the base of the same target, in points. Distant halves differ in kind (letters and
symbols, natural and man-made), so their two directions are two questions; a mean over both is taken only within a split
and seed that has both. Random halves are interchangeable, so there the mean is over the directions there are. A
*replicate* is one (split, seed), and an interval is the t interval over replicates, given from two on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, mean_interval, nothing
from .published import paper_table
from .tables import CONDITION, CUTS, REPLICATE, missing, one_condition, ranges
from .transfer import by_unit, pairs

BOTH = "both"
DISTANT_SPLITS = ("letters-symbols", "natural-manmade")
GAUSSIAN = "-gaussian"
KINDS = ("random halves", "distant halves", "random filters (He)", "random filters (Gaussian)")
FILTERS = {"random filters (He)": "random", "random filters (Gaussian)": "random-gaussian"}


class Tables(NamedTuple):
    """The networks of one condition, by what they answer.

    ``filters`` holds the bases of its targets too; ``control`` are bases that were drawn by the paper's Gaussian.
    """

    halves: pd.DataFrame
    distant: pd.DataFrame
    filters: pd.DataFrame
    control: pd.DataFrame


def tables_of(halves: pd.DataFrame, distant: pd.DataFrame, filters: pd.DataFrame) -> Tables:
    """The three studies checked and made comparable: one data set, network, size and schedule in all of them.

    ``halves`` is the transfer study on random halves, ``distant`` that on distant ones, ``filters`` that with untrained
    layers, whose whole networks of the paper's Gaussian are set apart as the control. A published or empty table passes
    too. Raises InputError when the conditions differ or a split is in the wrong table.
    """
    drawn = filters["net"].astype(str).str.endswith(GAUSSIAN)
    parts = {"halves": halves, "distant": distant, "filters": filters[~drawn]}
    checked = {name: one_condition(part) for name, part in parts.items()}
    for name, rows in checked.items():
        far = set(rows["split"]) & set(DISTANT_SPLITS)
        if name == "distant" and len(rows) and set(rows["split"]) != far:
            raise unknown("distant split", sorted(set(rows["split"]) - far)[0], DISTANT_SPLITS)
        if name != "distant" and far:
            raise InputError(f"{sorted(far)[0]} is a distant split; pass its networks as the distant ones.")
    for column in CONDITION:
        values = {name: rows[column].iloc[0] for name, rows in checked.items() if len(rows)}
        if len(set(values.values())) > 1:
            there = ", ".join(f"{value} ({name})" for name, value in values.items())
            raise InputError(f"the tables differ in {column}: {there}; compare networks of one condition only.")
    control = filters[drawn]
    return Tables(*checked.values(), one_condition(control) if len(control) else control)


def published_tables(*, path: Path | str | None = None) -> Tables:
    """The published networks (``analysis.published``) as the tables of Figure 3.

    Their untrained filters are the paper's Gaussian; they learnt all classes, so ``filters`` has one target, ``whole``.
    """
    halves, distant, filters = (
        paper_table(experiment=name, path=path) for name in ("random_split", "natural_manmade", "random_filters")
    )
    return tables_of(halves, distant, filters.replace({"treatment": {"random": "random-gaussian"}}))


def replicate_points(
    table: pd.DataFrame, cuts: Sequence[int], *, treatment: str = "AnB", against: str = "base", direction: str = BOTH
) -> pd.Series:
    """``treatment`` minus ``against`` in points, mean over ``cuts`` and over the directions, indexed by (split, seed).

    ``direction`` is a target half, or ``both``: then distant splits need both targets, random ones take what there is.
    """
    return _by_replicate(pairs(table, treatment, against, cuts), cuts, direction)


def _by_replicate(found: pd.DataFrame, cuts: Sequence[int], direction: str) -> pd.Series:
    """``pairs`` as ``replicate_points``."""
    points = by_unit(found, cuts)
    if direction != BOTH:
        points = points[points.index.get_level_values("target") == direction]
    if not len(points):
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=list(REPLICATE)))
    grouped = points.groupby(level=list(REPLICATE))
    means = grouped.mean()
    if direction == BOTH:
        whole = (grouped.size() == 2) | ~means.index.get_level_values("split").isin(DISTANT_SPLITS)
        means = means[whole]
    return means


def gap_by_n(
    table: pd.DataFrame,
    cuts: Sequence[int] = CUTS,
    *,
    treatment: str = "AnB",
    against: str = "base",
    direction: str = BOTH,
    level: float = 0.95,
) -> pd.DataFrame:
    """``treatment`` minus ``against`` at each n: ``direction, n, mean, low, high, count``; count is of replicates.

    An n without a replicate has count 0 and no mean; ``attrs["missing"]`` says in words what the table lacks.
    """
    rows, every = [], pairs(table, treatment, against, cuts)
    for n in cuts:
        found = _interval(_by_replicate(every, [n], direction), level)
        rows.append((direction, n, found.mean, found.low, found.high, found.count))
    result = pd.DataFrame(rows, columns=["direction", "n", "mean", "low", "high", "count"])
    words = missing(table, [against, treatment], cuts) if len(table) else ["no network."]
    result.attrs["missing"] = (*words, *(_one_way(table, treatment) if direction == BOTH else ()))
    return result


def _one_way(table: pd.DataFrame, treatment: str) -> list[str]:
    """The replicates of distant halves that learnt one target only, so that they have no mean over both."""
    rows = table[(table["treatment"] == treatment) & table["split"].isin(DISTANT_SPLITS)]
    targets = rows.groupby(list(REPLICATE))["target"].unique()
    return [
        f"{treatment} on {split} (seed {seed}) learnt target {found[0]} only, so it has no mean of both directions."
        for (split, seed), found in targets.items()
        if len(found) == 1
    ]


def directions(distant: pd.DataFrame, cuts: Sequence[int] = CUTS, **comparison: str) -> pd.DataFrame:
    """``gap_by_n`` of distant halves for both directions together and each target alone, one under the other."""
    targets = sorted(set(distant["target"]))
    return _stacked([gap_by_n(distant, cuts, direction=one, **comparison) for one in (BOTH, *targets)])


def relative_lines(tables: Tables, cuts: Sequence[int] = CUTS) -> pd.DataFrame:
    """The bottom of Figure 3 as a table: ``kind, direction, n, mean, low, high, count`` with ``kind`` of ``KINDS``.

    Only the n that a study has at all are listed; ``attrs["missing"]`` holds what each of them lacks beside these.
    """
    found, words = [], []
    for kind in KINDS:
        table = {"random halves": tables.halves, "distant halves": tables.distant}.get(kind, tables.filters)
        treatment = FILTERS.get(kind, "AnB")
        there = sorted(set(table.loc[table["treatment"] == treatment, "n"]) & set(cuts))
        if not there:
            words.append(f"{kind}: {treatment} is absent.")
            continue
        line = gap_by_n(table, there, treatment=treatment)
        words += [f"{kind}: {sentence}" for sentence in line.attrs["missing"] if "Nothing but base" not in sentence]
        if left := sorted(set(cuts) - set(there)):
            words.append(f"{kind}: {treatment} at n = {ranges(left)} is absent.")
        found.append(line.assign(kind=kind))
    if not found:
        raise InputError(f"nothing to compare: {' '.join(words)} Train the studies, or choose another data set.")
    result = pd.concat(found, ignore_index=True)
    result = result[["kind", *[name for name in result if name != "kind"]]]
    result.attrs["missing"] = tuple(words)
    return result


def difference(
    one: pd.Series, other: pd.Series, *, name: str = "difference", level: float = 0.95
) -> tuple[Estimate, pd.Series]:
    """``one`` minus ``other`` (points by (split, seed)) seed by seed, means over splits within a seed.

    The splits differ, so a seed is the pair: what the two share is the seed alone, and a pair serves as an independent
    replicate. Returns the estimate and the differences, indexed by (``name``, seed, "both").
    """
    mine, theirs = (side.groupby(level="seed").mean() for side in (one, other))
    values = (mine - theirs).dropna()
    index = pd.MultiIndex.from_tuples([(name, seed, BOTH) for seed in values.index], names=["split", "seed", "target"])
    return _interval(values, level), pd.Series(values.to_numpy(), index=index, dtype=float)


def extra_loss(tables: Tables, cuts: Sequence[int] = CUTS, *, level: float = 0.95) -> pd.DataFrame:
    """What distance costs: the gap of distant halves minus that of random ones at each n.

    Columns ``n, mean, low, high, count``; count is the number of seeds that both have.
    """
    rows = []
    for n in cuts:
        sides = [replicate_points(table, [n]) for table in (tables.distant, tables.halves)]
        found, _ = difference(*sides, level=level)
        rows.append((n, found.mean, found.low, found.high, found.count))
    return pd.DataFrame(rows, columns=["n", "mean", "low", "high", "count"])


def distance_and_gap(distances: pd.DataFrame, gaps: pd.DataFrame) -> pd.DataFrame:
    """One row per split, target and n that both tables have: ``distances`` with the column ``gap`` (points).

    ``distances`` has ``split, target, n`` and measures, ``gaps`` is a table of networks with base and AnB; the gap is
    the mean over its seeds. Raises InputError when nothing fits together.
    """
    points = pairs(gaps, "AnB", "base").groupby(["split", "target", "n"])["points"].mean().rename("gap")
    joined = distances.merge(points.reset_index(), on=["split", "target", "n"], how="inner")
    if not len(joined):
        raise InputError("no split, target and n has both a distance and a gap; measure the halves that were trained.")
    return joined


def rank_correlations(joined: pd.DataFrame, measures: Sequence[str], gap: str = "gap") -> pd.DataFrame:
    """Spearman's rank correlation of each measure with the gap: ``measure, over, rho, count``.

    ``over`` is "all points" (every split, target and n; the number of layers moves both, so a high value may say no
    more than that) and "within n" (the mean over n of the correlation among the points of one n, where depth is the
    same); ``count`` is the points, or the points of one n. Points of one net are not independent, so there is no p.
    """
    from scipy import stats

    rows = []
    for measure in measures:
        if measure not in joined:
            raise unknown("measure", measure, [name for name in joined if name not in ("split", "target", "n", gap)])
        known = joined.dropna(subset=[measure, gap])
        whole = _spearman(stats, known[measure], known[gap])
        inside = [_spearman(stats, part[measure], part[gap]) for _, part in known.groupby("n")]
        inside = [value for value in inside if np.isfinite(value)]
        sizes = known.groupby("n").size()
        rows.append((measure, "all points", whole, len(known)))
        within = float(np.mean(inside)) if inside else float("nan")
        rows.append((measure, "within n", within, int(sizes.max()) if len(sizes) else 0))
    return pd.DataFrame(rows, columns=["measure", "over", "rho", "count"])


def _spearman(stats, one: pd.Series, other: pd.Series) -> float:
    if len(one) < 3 or one.nunique() < 2 or other.nunique() < 2:
        return float("nan")
    return float(stats.spearmanr(one, other).statistic)


def _interval(points: pd.Series, level: float) -> Estimate:
    return mean_interval(points, level=level) if len(points) else nothing("no pair", level=level)


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    words = tuple(dict.fromkeys(word for part in parts for word in part.attrs["missing"]))
    result = pd.concat(parts, ignore_index=True)
    result.attrs["missing"] = words
    return result


def contents(tables: Tables) -> pd.DataFrame:
    """Which networks there are: ``study, split, treatment, n, seeds, networks``, of the treatments of Figure 3."""
    rows = [
        (name, split, treatment, ranges(cells["n"]), cells["seed"].nunique(), len(cells))
        for name, table in tables._asdict().items()
        for (split, treatment), cells in table.groupby(["split", "treatment"], sort=False)
        if treatment in ("base", "BnB", "AnB", *FILTERS.values())
    ]
    return pd.DataFrame(rows, columns=["study", "split", "treatment", "n", "seeds", "networks"])
