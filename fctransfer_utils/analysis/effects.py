"""Effects of treatments in points of accuracy, with intervals over replicates.

A table of networks is tidy: one row for each, with the columns ``replicate``, ``target`` (the half that it learnt),
``treatment``, ``n`` (the last layer that is copied), ``top1`` (share, 0 to 1) and, if there are any, ``diverged``,
``data`` and ``split``. The two directions of a replicate share both base networks, so they are not two witnesses: they
are averaged within the replicate, and R replicates give R values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import pandas as pd

from ..errors import InputError, unknown
from .stats import t_interval

WITHOUT_CUT = ("base", "long", "twice", "scratch")  # one network for each target: it is compared with every n
NEEDED = ("replicate", "target", "treatment", "n")
CONDITIONS = ("data", "split")


def effect(table: pd.DataFrame, first: str, second: str, by: Sequence[str] = ("n",)) -> pd.DataFrame:
    """The mean difference ``first`` - ``second`` with its t interval of 95 % over replicates, a row for each ``by``.

    Columns: those of ``by``, ``first, second, mean, low, high`` (points), ``count`` (replicates), ``left_out`` (text:
    the replicates that could not be used and what each lacks; what diverged is lacking). Without "n" in ``by``, a
    replicate's value is the mean over all n that both treatments have. Raises InputError for a treatment or column that
    the table lacks, and for a table that mixes what ``by`` does not tell apart.
    """
    _, summary = _compare(table, [(first, second)], by)
    return summary


def effects(table: pd.DataFrame, pairs: Iterable[tuple[str, str]], by: Sequence[str] = ("n",)) -> pd.DataFrame:
    """``effect`` of several pairs of treatments below each other; the column ``effect`` reads "AnB - BnB"."""
    found = pd.concat([effect(table, *pair, by) for pair in pairs], ignore_index=True)
    return found.assign(effect=found["first"] + " - " + found["second"])


def by_replicate(table: pd.DataFrame, first: str, second: str, by: Sequence[str] = ("n",)) -> pd.DataFrame:
    """The values behind ``effect``: for each ``by`` and complete replicate the ``difference``, in points."""
    values, _ = _compare(table, [(first, second)], by)
    return values.rename(columns={"value": "difference"})


def levels(
    table: pd.DataFrame, by: Sequence[str] = ("n",), *, measure: str = "top1", scale: float = 100
) -> pd.DataFrame:
    """The mean ``measure`` of every treatment with its t interval over replicates, both directions averaged.

    Columns ``treatment``, then as ``effect``; ``scale`` 100 gives per cent of a share. These intervals hold what
    replicates differ in, such as easy and hard classes; that falls out of an ``effect``, so compare treatments there.
    """
    pairs = [(name, None) for name in dict.fromkeys(table["treatment"])] if "treatment" in table else []
    _, summary = _compare(table, pairs, by, measure=measure, scale=scale)
    return summary.drop(columns="second").rename(columns={"first": "treatment"})


def _compare(
    table: pd.DataFrame,
    pairs: Sequence[tuple[str, str | None]],
    by: Sequence[str],
    *,
    measure: str = "top1",
    scale: float = 100,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The values of complete replicates, and their summaries; without a second treatment, of the first alone."""
    rows = _checked(table, by, measure)
    for name in {name for pair in pairs for name in pair if name} - set(rows["treatment"]):
        raise unknown("treatment of this table", name, sorted(set(rows["treatment"])))
    values, summaries = [], []
    outer = [name for name in by if name != "n"]
    groups = rows.groupby(outer, sort=False) if outer else [((), rows)]
    for (key, group), (first, second) in product(groups, pairs):
        where = dict(zip(outer, key if isinstance(key, tuple) else (key,), strict=True))
        for n, cells in _cells(group, first, second, apart="n" in by):
            place = {name: where.get(name, n) for name in by}
            mean = scale * cells.mean(axis=1, skipna=False)
            names = f"{first} or {second}" if second else first
            lacking = [f"replicate {one} lacks {names} {_listed(cells.loc[one])}" for one in mean.index[mean.isna()]]
            good = mean.dropna()
            values += [place | {"replicate": one, "value": value} for one, value in good.items()]
            told = t_interval(good)._asdict() | {"left_out": "; ".join(lacking)}
            summaries.append(place | {"first": first, "second": second} | told)
    columns = [*by, "first", "second", "mean", "low", "high", "count", "left_out"]
    return pd.DataFrame(values, columns=[*by, "replicate", "value"]), pd.DataFrame(summaries, columns=columns)


def _cells(rows: pd.DataFrame, first: str, second: str | None, *, apart: bool) -> Iterator[tuple[int, pd.DataFrame]]:
    """For each n (all at once, as n = 0, if not ``apart``): the values, replicates x (n, target)."""
    names = [name for name in (first, second) if name]
    mine = rows[rows["treatment"].isin(names)]
    cuts = [set(mine.loc[mine["treatment"] == name, "n"]) for name in names if name not in WITHOUT_CUT]
    shared = sorted(set.intersection(*cuts)) if cuts else [0]
    if not shared:
        return
    targets, replicates = sorted(set(rows["target"])), sorted(set(mine["replicate"]))
    columns = pd.MultiIndex.from_product([shared, targets], names=["n", "target"])
    wide = None
    for name in names:
        its = mine[mine["treatment"] == name]
        if name in WITHOUT_CUT:
            once = its.pivot(index="replicate", columns="target", values="value")
            found = pd.concat(dict.fromkeys(shared, once), axis=1)
        else:
            found = its.pivot(index="replicate", columns=["n", "target"], values="value")
        found = found.reindex(index=replicates, columns=columns)
        wide = found if wide is None else wide - found
    for n in shared if apart else [0]:
        yield n, wide[[n]] if apart else wide


def _listed(cells: pd.Series) -> str:
    missing = cells.index[cells.isna()]
    return ", ".join(f"at n = {n} on {target}" if n else f"on {target}" for n, target in missing)


def _checked(table: pd.DataFrame, by: Sequence[str], measure: str) -> pd.DataFrame:
    """The columns that count, and ``value``; a network that diverged has none."""
    absent = [name for name in dict.fromkeys((*NEEDED, measure, *by)) if name not in table]
    if absent:
        raise InputError(f"the table has no column {absent[0]!r}; it has {', '.join(map(str, table.columns))}.")
    for name in CONDITIONS:
        if name in table and name not in by and table[name].nunique() > 1:
            found = list(table[name].unique())
            raise InputError(
                f"the table mixes {name} {', '.join(map(repr, found))}; take one of them, or put {name!r} into ``by``."
            )
    keys = list(dict.fromkeys((*by, *NEEDED)))
    rows = table[keys].assign(value=table[measure].astype(float))
    if "diverged" in table:
        rows["value"] = rows["value"].mask(table["diverged"].eq(True))
    if measure == "top1" and not rows["value"].dropna().between(0, 1).all():
        worst = rows.loc[~rows["value"].between(0, 1), "value"].dropna().iloc[0]
        raise InputError(f"top1 = {worst} is no share; give 0 to 1, not per cent.")
    twins = rows[rows.duplicated(keys, keep=False)]
    if len(twins):
        row = twins.iloc[0]
        raise InputError(
            f"several rows stand for {row['treatment']} at n = {row['n']} in replicate {row['replicate']} on target "
            f"{row['target']}; take one of them, or put the column that tells them apart into ``by``."
        )
    return rows
