"""How much data: learning from scratch, frozen and fine-tuned transfer against the training images of the target.

A table of the study ``volume`` holds networks that saw k images of each target class, the same nested draw for every
treatment. Differences pair networks of one (split, seed, target) at one k; intervals are t intervals over these units,
given only where at least two (split, seed) are behind them.

The leader of a comparison is picked on the test images that also measure its margin, so a margin is a little too large,
the more so where a kind may choose among several n. A margin near its threshold should be read as "about equal".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, nothing
from .tables import CONDITION, UNIT, checked, ranges, units_words
from .transfer import relative_to_base, unit_interval

KINDS = {"scratch": "base", "freeze": "AnB", "fine-tune": "AnB+"}
NO_WINNER = "no clear winner"
THRESHOLD = 3.0  # points; about two standard errors of the difference of two networks on 1250 test images
SIZES = {"tiny-imagenet": (200, 500), "cifar10": (10, 5000), "cifar100": (100, 500)}  # classes, images of each
VALUES = ("top1", "delta_points")


def images_behind_all(label: str, *, labels: Callable[[], Iterable[int]] | None = None) -> int:
    """How many training images a class has in the data set of a table's ``label``, such as ``glyphs[50x60]``: 60.

    ``labels`` gives the labels of the training images where the name does not tell (a folder); their mean count is
    taken. Raises InputError when neither helps.
    """
    size = _size(label)
    if size is not None:
        return size[1]
    if labels is None:
        raise InputError(f"the name {label!r} does not tell how many images a class has; pass the training labels.")
    counts = pd.Series(list(labels())).value_counts()
    if not len(counts):
        raise InputError(f"{label!r} has no training images; use a data set that has some.")
    return round(float(counts.mean()))


def half_classes(label: str) -> int | None:
    """How many classes a half of the data set of a table's ``label`` has; None where the name does not tell."""
    size = _size(label)
    return None if size is None else size[0] // 2


def volume_rows(table: pd.DataFrame, *, all_images: int) -> pd.DataFrame:
    """The rows of ``table`` that compare scratch, freeze and fine-tune, with their ``kind`` and the images meant by 0.

    The tables of experiments write 0 images per class for all of them; here they become ``all_images``. A base that
    served only as donor, being of a half that no transfer network learnt, is left out. Raises InputError for a mixture
    of data sets, networks or schedules, for more images than there are and for no row.
    """
    if not isinstance(all_images, int) or isinstance(all_images, bool) or all_images < 1:
        raise InputError(f"all_images is {all_images!r}; give the training images that a class has, such as 60.")
    rows = table.copy()
    if "images_per_class" in rows:
        wrong = rows.loc[~rows["images_per_class"].between(0, all_images), "images_per_class"]
        if len(wrong):
            raise InputError(
                f"the table has networks with {wrong.iloc[0]} images per class, but a class has {all_images}; "
                "leave those rows out, or give the all_images of this data set."
            )
        rows["images_per_class"] = rows["images_per_class"].replace(0, all_images).astype(int)
    named = {treatment: kind for kind, treatment in KINDS.items()}
    rows = checked(rows[rows["treatment"].isin(named)] if "treatment" in rows else rows)
    if not len(rows):
        raise InputError(
            f"no network is selected; the table needs some of {', '.join(KINDS.values())}. Train the study 'volume'."
        )
    for name in CONDITION:
        values = list(rows[name].drop_duplicates())
        if name != "images_per_class" and len(values) > 1:
            raise InputError(
                f"the table mixes {len(values)} values of {name} ({', '.join(map(str, values[:4]))}); "
                f"select one of them, as in table[table['{name}'] == {values[0]!r}]."
            )
    return _without_donors(rows.assign(kind=rows["treatment"].map(named)), all_images)


def comparable(rows: pd.DataFrame) -> bool:
    """Whether a table that is still growing already has scratch, freeze and fine-tune of one target, n and k."""
    return any(len(_three(rows, images, [n])) > 0 for images in images_of(rows) for n in study_cuts(rows))


def study_cuts(rows: pd.DataFrame) -> list[int]:
    """The n that were studied with fewer images than all; those of a table with one number of images are all its n."""
    rows = _prepared(rows)
    copied = rows[rows["kind"] != "scratch"]
    fewer = copied[copied["images_per_class"] < rows["images_per_class"].max()]
    return sorted({int(n) for n in (fewer if len(fewer) else copied)["n"]})


def missing_cells(rows: pd.DataFrame) -> tuple[str, ...]:
    """What keeps a comparison from being complete, one sentence each: kinds, and cuts of a kind at some k."""
    rows, cuts = _prepared(rows), study_cuts(rows)
    there = set(rows["kind"])
    words = [f"{kind} ({KINDS[kind]}) is absent." for kind in KINDS if kind not in there]
    for images, part in rows.groupby("images_per_class"):
        units = sorted(set(part[list(UNIT)].itertuples(index=False, name=None)))
        have = set(part[[*UNIT, "kind", "n"]].itertuples(index=False, name=None))
        for kind in (kind for kind in KINDS if kind in there):
            expected = [0] if kind == "scratch" else cuts
            gaps: dict[tuple[int, ...], list[tuple]] = {}
            for unit in units:
                lacking = tuple(n for n in expected if (*unit, kind, n) not in have)
                if lacking:
                    gaps.setdefault(lacking, []).append(unit)
            for lacking, where in gaps.items():
                cut = "" if kind == "scratch" else f" at n = {ranges(lacking)}"
                words.append(f"{KINDS[kind]}{cut} with {images} images per class is absent for {units_words(where)}.")
    return tuple(words)


def learning_curves(rows: pd.DataFrame, value: str = "top1", *, level: float = 0.95) -> pd.DataFrame:
    """The mean of each treatment, n and k: columns ``kind, treatment, n, images_per_class, mean, low, high, count``.

    ``value`` is ``top1`` (fractions), averaged over the units that have every cell, or ``delta_points``: points over
    the base of the same unit that saw as many images. Without a unit that has all, a raw mean over whatever units there
    are would mix halves: cells that lack a unit are nan. ``attrs["missing"]`` says what was absent.
    """
    if value not in VALUES:
        raise unknown("value", value, VALUES)
    rows = _prepared(rows)
    words = list(missing_cells(rows))
    rows = rows[(rows["kind"] == "scratch") | rows["n"].isin(study_cuts(rows))]
    if value == "delta_points":
        rows = relative_to_base(rows, missing_base="omit")
        words += rows.attrs["missing"]
        rows = rows[rows["kind"] != "scratch"]
    wide = rows.pivot(index=list(UNIT), columns=["kind", "n", "images_per_class"], values=value)
    if value == "top1" and len(wide.dropna()):
        if len(wide.dropna()) < len(wide):
            rest = [unit for unit in wide.index if wide.loc[[unit]].isna().any(axis=None)]
            words.append(
                f"Means are over {len(wide) - len(rest)} of {len(wide)} targets; left out: {units_words(rest)}."
            )
        wide = wide.dropna()
    found = []
    for kind, n, images in sorted(wide.columns, key=lambda cell: (list(KINDS).index(cell[0]), *cell[1:])):
        values = wide[kind, n, images]
        whole = value == "delta_points" or values.notna().all()
        unit = "points" if value == "delta_points" else ""
        estimate = unit_interval(values.dropna(), level=level, unit=unit) if whole else nothing("lacks targets")
        found.append((kind, KINDS[kind], int(n), int(images), *_numbers(estimate)))
    names = ["kind", "treatment", "n", "images_per_class", "mean", "low", "high", "count"]
    result = pd.DataFrame(found, columns=names)
    result.attrs["missing"] = tuple(words)
    return result


def best_treatment(rows: pd.DataFrame, *, threshold: float = THRESHOLD, level: float = 0.95) -> pd.DataFrame:
    """The map: which kind does best at each n and k, and by how much over the second best kind.

    Columns ``images_per_class, n, best, margin, low, high, count, second, leader, top1``; ``margin`` in points with its
    interval over units. ``best`` is the ``leader``, or "no clear winner" where the interval covers 0, or where there is
    no interval and the margin is below ``threshold`` points. Cells that lack a kind are left out and told in
    ``attrs["missing"]``. Raises InputError when no cell has all three.
    """
    rows = _prepared(rows)
    found = []
    for images in images_of(rows):
        for n in study_cuts(rows):
            lead = _lead(_three(rows, images, [n]), threshold=threshold, level=level)
            if lead is not None:
                found.append({"images_per_class": images, **lead, "n": n})
    names = ["images_per_class", "n", "best", "margin", "low", "high", "count", "second", "leader", "top1"]
    return _told(rows, found, names)


def best_overall(rows: pd.DataFrame, *, threshold: float = THRESHOLD, level: float = 0.95) -> pd.DataFrame:
    """The map in one row per k: the best of everything, each kind at the n that serves it best.

    Columns as in ``best_treatment``; ``n`` belongs to the leader (0: from scratch) and ``second_n`` to the second.
    """
    rows = _prepared(rows)
    found = []
    for images in images_of(rows):
        lead = _lead(_three(rows, images, study_cuts(rows)), threshold=threshold, level=level)
        if lead is not None:
            found.append({"images_per_class": images, **lead})
    names = ["images_per_class", "n", "best", "margin", "low", "high", "count", "second", "second_n", "leader", "top1"]
    return _told(rows, found, names)


def advice(best: pd.DataFrame) -> str:
    """The answer to "freeze or fine-tune, given the size of my data" in one sentence, from ``best_overall``."""
    if not len(best):
        raise InputError("the map has no row, so there is nothing to advise; pass the result of best_overall.")
    ordered = best.sort_values("images_per_class")
    runs: list[list] = []
    for row in ordered.itertuples():
        if runs and runs[-1][0].best == row.best and (row.best != NO_WINNER or _rivals(row) == _rivals(runs[-1][0])):
            runs[-1].append(row)
        else:
            runs.append([row])
    parts = [f"with {_span(run)} {_verdict(run)}" for run in runs]
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def images_of(rows: pd.DataFrame) -> list[int]:
    """The numbers of images per class in ``rows``, from few to many."""
    return sorted({int(images) for images in rows["images_per_class"]})


def complete(rows: pd.DataFrame, images: int, *, cuts: Sequence[int]) -> pd.DataFrame:
    """Top-1 of the units that have every (kind, n) at ``images`` per class: a row per unit, a column per (kind, n)."""
    part = rows[(rows["images_per_class"] == images) & ((rows["kind"] == "scratch") | rows["n"].isin(list(cuts)))]
    return part.pivot(index=list(UNIT), columns=["kind", "n"], values="top1").dropna()


def best_columns(wide: pd.DataFrame) -> dict[str, tuple[str, int]]:
    """The column of ``complete`` with the highest mean for each kind that it has, the best kind first."""
    means = wide.mean().sort_index()
    found = {kind: means[[column for column in means.index if column[0] == kind]] for kind in KINDS}
    columns = {kind: values.idxmax() for kind, values in found.items() if len(values)}
    return dict(sorted(columns.items(), key=lambda item: -means[item[1]]))


def _lead(wide: pd.DataFrame, *, threshold: float, level: float) -> dict | None:
    if not len(wide):
        return None
    columns = best_columns(wide)
    first, second = list(columns.values())[:2]
    margin = unit_interval(100 * (wide[first] - wide[second]), level=level)
    clear = margin.low > 0 if margin.has_interval else margin.mean >= threshold
    numbers = dict(zip(("margin", "low", "high", "count"), _numbers(margin), strict=True))
    return {
        "n": int(first[1]),
        "best": first[0] if clear else NO_WINNER,
        **numbers,
        "second": second[0],
        "second_n": int(second[1]),
        "leader": first[0],
        "top1": float(wide[first].mean()),
    }


def _three(rows: pd.DataFrame, images: int, cuts: Sequence[int]) -> pd.DataFrame:
    """``complete``, or nothing where one of the three kinds is absent."""
    wide = complete(rows, images, cuts=cuts)
    return wide if {kind for kind, _ in wide.columns} == set(KINDS) else wide.iloc[:0]


def _size(label: str) -> tuple[int, int] | None:
    rendered = re.match(r"glyphs\[(\d+)x(\d+)", label)
    return (int(rendered[1]), int(rendered[2])) if rendered else SIZES.get(label)


def _without_donors(rows: pd.DataFrame, all_images: int) -> pd.DataFrame:
    used = (rows["kind"] != "scratch") | (rows["images_per_class"] < all_images)
    if not (rows["kind"] != "scratch").any():
        return rows
    return rows[used.groupby([rows[name] for name in UNIT]).transform("any")].reset_index(drop=True)


def _told(rows: pd.DataFrame, found: list[dict], names: list[str]) -> pd.DataFrame:
    words = missing_cells(rows)
    if not found:
        reason = " ".join(words[:3]) or "no target has all of them."
        raise InputError(f"scratch, freeze and fine-tune cannot be compared: {reason} Train what is absent.")
    result = pd.DataFrame(found, columns=names)
    result.attrs["missing"] = words
    return result


def _prepared(rows: pd.DataFrame) -> pd.DataFrame:
    if "kind" not in rows:
        raise InputError("the table has no column kind; pass the result of volume_rows(table, all_images=...).")
    if not len(rows):
        raise InputError("no network is selected; keep at least one row of volume_rows(table, all_images=...).")
    return rows


def _numbers(estimate: Estimate) -> tuple[float, float, float, int]:
    return estimate.mean, estimate.low, estimate.high, estimate.count


def _rivals(row) -> frozenset[str]:
    return frozenset((row.leader, row.second))


def _span(run: list) -> str:
    low, high = run[0].images_per_class, run[-1].images_per_class
    return f"{low} image{'s' * (low != 1)} per class" if low == high else f"{low} to {high} images per class"


def _verdict(run: list) -> str:
    if run[0].best == NO_WINNER:
        widest = max(row.margin for row in run)
        return f"no clear winner between {' and '.join(sorted(_rivals(run[0])))} (at most {widest:.1f} points apart)"
    if run[0].best == "scratch":
        return "learn from scratch"
    return f"{run[0].best} (n = {ranges(row.n for row in run)})"
