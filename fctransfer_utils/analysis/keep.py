"""Which layers to keep: networks that keep a base's layers up to a cut and learn few labels of other images.

A *choice* is an arm and a protocol: ``fc6+new fc7, frozen`` keeps conv1..fc6 of the donor as they are, draws fc7 anew
and puts a new last layer on it. A *unit* is one (split, seed, target set): networks that learnt the same labels on top
of the same donor. Differences pair networks of one unit with the same number of labels, are averaged over the target
sets of a seed, and have t intervals over the seeds: they speak of other seeds on these targets, not of other targets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, nothing
from .tables import refuse_mixture, refuse_outside
from .transfer import unit_interval

ARMS = ("conv5", "conv5+new fc6-fc7", "fc6", "fc6+new fc7", "fc7")
KEPT = {"conv5": 5, "conv5+new fc6-fc7": 5, "fc6": 6, "fc6+new fc7": 6, "fc7": 7, "scratch": 0}
PROTOCOLS = ("frozen", "fine-tuned")
SCRATCH = ("scratch", "scratch")
UNIT = ("split", "seed", "target_set")
CONDITION = ("data", "image_size", "net", "epochs")
NEEDED = (*CONDITION, *UNIT, "arm", "protocol", "labels_per_class", "top1")
THRESHOLD = 3.0  # points; as in analysis.volume: about two standard errors of a difference of two networks

Choice = tuple[str, str]  # arm and protocol
LAST_HIDDEN = {
    "replaced": (("fc6+new fc7", "fc7"), "fc7 drawn anew instead of kept"),
    "left out": (("fc6", "fc7"), "fc7 left out instead of kept"),
}


def keep_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study ``keep`` with a top-1, checked, with their ``choice`` in words.

    Raises InputError for an absent column, an unknown arm or protocol, a top-1 outside 0..1, a mixture of data sets,
    networks or schedules, two rows that stand for the same network, and no row.
    """
    absent = [name for name in NEEDED if name not in table.columns]
    if absent:
        raise InputError(f"the table has no column {', '.join(absent)}; pass the rows of the study 'keep'.")
    rows = table[table["top1"].notna()].astype({"labels_per_class": int}).reset_index(drop=True)
    if not len(rows):
        raise InputError("no network is selected; train the study 'keep'.")
    for name, allowed in (("arm", KEPT), ("protocol", (*PROTOCOLS, "scratch"))):
        strangers = sorted(set(rows[name]) - set(allowed))
        if strangers:
            raise unknown(name, strangers[0], allowed)
    refuse_outside(rows["top1"])
    refuse_mixture(rows, CONDITION)
    keys = [*UNIT, "arm", "protocol", "labels_per_class"]
    if rows.duplicated(keys).any():
        twin = rows[rows.duplicated(keys)].iloc[0]
        raise InputError(f"two rows stand for {twin['arm']} ({twin['protocol']}) on {twin['target_set']}; keep one.")
    rows["choice"] = [words((arm, protocol)) for arm, protocol in zip(rows["arm"], rows["protocol"], strict=True)]
    return rows


def words(choice: Choice) -> str:
    """A choice in words, such as ``fc6+new fc7, frozen``."""
    arm, protocol = choice
    return "from scratch" if protocol == "scratch" else f"{arm}, {protocol}"


def labels_of(rows: pd.DataFrame) -> list[int]:
    """The numbers of labels per class, from few to many."""
    return sorted({int(count) for count in rows["labels_per_class"]})


def targets_of(rows: pd.DataFrame, distances: pd.DataFrame | None = None) -> list[str]:
    """The target sets; with ``distances`` (``split, target_set, domain``) from near to far, those without one last."""
    names = sorted(set(rows["target_set"]))
    if distances is None or not len(distances):
        return names
    far = distances.groupby("target_set")["domain"].mean()
    return sorted(names, key=lambda name: (far.get(name, math.inf), name))


def short_target(name: str) -> str:
    """A target set for a figure: ``letters-symbols:B`` for ``glyphs[50x60] letters-symbols:B``, without ``folder:``."""
    return name.rpartition(" ")[2].removeprefix("folder:")


def top1_by_choice(rows: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """The mean of every choice on every target set with every number of labels, over the units that have it.

    Columns ``target_set, labels_per_class, arm, protocol, kept, choice, mean, low, high, count`` (fractions).
    """
    found = []
    for (target, count, arm, protocol), part in rows.groupby(["target_set", "labels_per_class", "arm", "protocol"]):
        estimate = unit_interval(part.set_index(list(UNIT))["top1"], level=level, unit="")
        found.append((target, int(count), arm, protocol, KEPT[arm], words((arm, protocol)), *_numbers(estimate)))
    names = ["target_set", "labels_per_class", "arm", "protocol", "kept", "choice", "mean", "low", "high", "count"]
    order = {arm: place for place, arm in enumerate((*ARMS, "scratch"))}
    result = pd.DataFrame(found, columns=names)
    return result.sort_values(
        ["target_set", "labels_per_class", "arm", "protocol"],
        key=lambda column: column.map(order) if column.name == "arm" else column,
    ).reset_index(drop=True)


def paired(rows: pd.DataFrame, one: Choice, other: Choice, *, labels: int) -> pd.Series:
    """Top-1 of ``one`` minus ``other`` in points with ``labels`` per class, indexed by (split, seed, target set)."""
    wide = _wide(rows, labels)
    for choice in (one, other):
        if choice not in wide:
            return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[]] * len(UNIT), names=list(UNIT)))
    return (100 * (wide[one] - wide[other])).dropna()


def effect(rows: pd.DataFrame, one: Choice, other: Choice, *, labels: int, level: float = 0.95) -> Estimate:
    """``paired``, averaged over the target sets of each seed, as an estimate over seeds; of count 0 where no unit has
    both choices.
    """
    points = paired(rows, one, other, labels=labels)
    if not len(points):
        return nothing(f"no target has both {words(one)} and {words(other)}", level=level)
    return unit_interval(over_targets(points), level=level)


def over_targets(points: pd.Series) -> pd.Series:
    """The mean of ``paired`` over all target sets by seed, of the seeds that have every one; of all where none has."""
    wide = points.unstack("seed")
    whole = wide.dropna(axis=1)
    means = (whole if whole.shape[1] else wide).mean()
    index = pd.MultiIndex.from_tuples([("all", int(seed), "all") for seed in means.index], names=list(UNIT))
    return pd.Series(means.to_numpy(), index=index, dtype=float)


def last_hidden(rows: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """What it brings to draw the last hidden layer (fc7) anew, or to leave it out, beside keeping it.

    Columns ``target_set, labels_per_class, protocol, change, mean, low, high, count``: points over keeping fc7.
    """
    return _contrasts(rows, {name: pair for name, (pair, _) in LAST_HIDDEN.items()}, level=level)


def new_hidden(rows: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """What new hidden layers bring over a linear layer right on the cut; columns as in ``last_hidden``."""
    pairs = {"after conv5": ("conv5+new fc6-fc7", "conv5"), "after fc6": ("fc6+new fc7", "fc6")}
    return _contrasts(rows, pairs, level=level)


def freezing(rows: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Frozen minus fine-tuned for every arm: ``target_set, labels_per_class, arm, mean, low, high, count`` (points)."""
    found = []
    for target in targets_of(rows):
        part = rows[rows["target_set"] == target]
        for labels in labels_of(part):
            for arm in ARMS:
                estimate = effect(part, (arm, "frozen"), (arm, "fine-tuned"), labels=labels, level=level)
                found.append((target, labels, arm, *_numbers(estimate)))
    return pd.DataFrame(found, columns=["target_set", "labels_per_class", "arm", "mean", "low", "high", "count"])


def best_choices(rows: pd.DataFrame, *, threshold: float = THRESHOLD, level: float = 0.95) -> pd.DataFrame:
    """The leader on every target set with every number of labels, and all that are not clearly worse.

    Columns ``target_set, labels_per_class, best, top1, second, margin, low, high, count, as_good, over_scratch``.
    ``margin`` in points over the second; ``as_good`` names the choices whose difference from the leader covers 0, or
    without an interval is below ``threshold`` points. The leader is picked on the images that measure its margin, so
    the margin is rather too large.
    """
    found = []
    for target in targets_of(rows):
        part = rows[rows["target_set"] == target]
        for labels in labels_of(part):
            wide = _wide(part, labels).dropna(axis=1)
            if wide.shape[1] < 2:
                continue
            ranked = list(wide.mean().sort_values(ascending=False, kind="stable").index)
            best, gaps = ranked[0], {}
            for other in ranked[1:]:
                gaps[other] = unit_interval(100 * (wide[best] - wide[other]), level=level)
            margin = gaps[ranked[1]]
            near = [words(other) for other, gap in gaps.items() if not clear(gap, threshold)]
            scratch = gaps[SCRATCH].mean if SCRATCH in gaps else 0.0 if best == SCRATCH else math.nan
            found.append(
                (target, labels, words(best), float(wide[best].mean()), words(ranked[1]), *_numbers(margin),
                 "; ".join(near), scratch)
            )  # fmt: skip
    names = ["target_set", "labels_per_class", "best", "top1", "second", "margin", "low", "high", "count", "as_good",
             "over_scratch"]  # fmt: skip
    return pd.DataFrame(found, columns=names)


def clear(gap: Estimate, threshold: float = THRESHOLD) -> bool:
    """Whether a leader's gap is more than noise: its interval lies above 0, or without one it reaches ``threshold``."""
    return gap.low > 0 if gap.has_interval else gap.mean >= threshold


def with_distance(table: pd.DataFrame, distances: pd.DataFrame) -> pd.DataFrame:
    """``table`` (with ``target_set``) and its measured ``domain`` distance (0..2), nan where it was not measured."""
    far = distances.groupby("target_set")["domain"].mean()
    return table.assign(domain=table["target_set"].map(far))


def missing_choices(rows: pd.DataFrame) -> tuple[str, ...]:
    """What keeps the study from being complete, one sentence per target set and number of labels."""
    wanted = {*((arm, protocol) for arm in ARMS for protocol in PROTOCOLS), SCRATCH}
    said = []
    for (target, labels), part in rows.groupby(["target_set", "labels_per_class"]):
        lacking = sorted(words(choice) for choice in wanted - set(zip(part["arm"], part["protocol"], strict=True)))
        if lacking:
            more = f" and {len(lacking) - 3} more" if len(lacking) > 3 else ""
            said.append(f"{', '.join(lacking[:3])}{more}: absent for {target} with {labels} labels per class.")
    return tuple(said)


def _contrasts(rows: pd.DataFrame, pairs: dict[str, tuple[str, str]], *, level: float) -> pd.DataFrame:
    found = []
    for target in targets_of(rows):
        part = rows[rows["target_set"] == target]
        for labels in labels_of(part):
            for protocol in PROTOCOLS:
                for name, (one, other) in pairs.items():
                    estimate = effect(part, (one, protocol), (other, protocol), labels=labels, level=level)
                    found.append((target, labels, protocol, name, *_numbers(estimate)))
    names = ["target_set", "labels_per_class", "protocol", "change", "mean", "low", "high", "count"]
    return pd.DataFrame(found, columns=names)


def _wide(rows: pd.DataFrame, labels: int) -> pd.DataFrame:
    part = rows[rows["labels_per_class"] == labels]
    return part.pivot(index=list(UNIT), columns=["arm", "protocol"], values="top1")


def _numbers(estimate: Estimate) -> tuple[float, float, float, int]:
    return estimate.mean, estimate.low, estimate.high, estimate.count


def choices(arms: Sequence[str] = ARMS, protocols: Sequence[str] = PROTOCOLS) -> list[Choice]:
    """Every choice of these arms and protocols. Raises InputError for an unknown one."""
    for name, values, allowed in (("arm", arms, ARMS), ("protocol", protocols, PROTOCOLS)):
        for value in values:
            if value not in allowed:
                raise unknown(name, value, allowed)
    return [(arm, protocol) for arm in arms for protocol in protocols]
