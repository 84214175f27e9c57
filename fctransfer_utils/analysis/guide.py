"""The guide: given a distance, labels per class and compute, which layers to keep, whether to freeze, and which head.

Everything it says is computed from tables of trained networks; where no table has networks near the question it says
so. How it decides, fixed beforehand:

1. *Which networks count.* Those whose target was measured within ``REACH`` of the asked distance (proxy A-distance,
   0 to 2) and that had at least half and at most twice the asked labels per class. With little compute, only those
   whose kept layers stand still: there each image goes through the network once, and only a head learns.
2. *Which of them are compared.* Options are compared within one condition (study, data set, network, schedule and
   labels), over the units (split, seed, target set) that have all of them. Of several conditions the one nearest to the
   question answers; what the others say is told beside it.
3. *The recommendation* is the option with the highest mean. It is *clear* if the interval of its gap over the next
   one lies above 0 (without an interval: if the gap is at least 3 points). Otherwise the options as good are named,
   and the one of all these that took the fewest seconds to train.
4. *The expected margin* is over that next option. Where there are several (split, seed), leader and next are picked
   on the others and compared on the one left out, so that picking does not flatter the margin; below 0 it means that
   the pick did not hold there. With one, it does flatter, and the guide says so. The test images are the same for all,
   so the margin speaks about new seeds, not about new images.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError, unknown
from .compared import Compared
from .estimates import Estimate, nothing
from .guide_evidence import CONDITION
from .keep import clear
from .transfer import replicate_interval

COMPUTE = {"little": "only a head learns, on features computed once", "enough": "every layer may learn"}
REACH = 0.4
FARTHEST = 2.0
PICKED = "picked on the networks that measure it, no interval"
NO_EVIDENCE = nothing("no evidence")


@dataclass(frozen=True)
class Recommendation:
    """What to do, why, and from which networks that follows.

    ``found`` says whether there is evidence; without, ``reason`` says what is missing and nothing else is set. ``gain``
    is over learning from scratch, ``margin`` over ``next_best`` (points); ``as_good`` names options not clearly worse,
    ``cheapest`` that of them and of the recommended one which took the fewest seconds to train.
    ``rows`` are the keys of the networks that were compared, ``condition`` is what they have in common, ``others`` what
    the other networks near the question say.
    """

    found: bool
    reason: str
    cut: str = ""
    protocol: str = ""
    head: str = ""
    option: str = ""
    clear: bool = False
    margin: Estimate = NO_EVIDENCE
    next_best: str = ""
    gain: Estimate = NO_EVIDENCE
    as_good: tuple[str, ...] = ()
    cheapest: str = ""
    top1: float = math.nan
    rows: tuple[str, ...] = ()
    condition: str = ""
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not self.found:
            return f"No evidence: {self.reason}"
        sure = "" if self.clear else f" Not clearly better than {_listed(self.as_good)}."
        if self.cheapest not in ("", self.option):
            sure += f" Cheapest of these: {self.cheapest}."
        scratch = "" if self.protocol == "scratch" or not self.gain.count else f" Over scratch: {self.gain}."
        return (
            f"{self.option[0].upper()}{self.option[1:]}. Over the next ({self.next_best}): {self.margin}.{sure}"
            f"{scratch} From {len(self.rows)} networks of {self.condition}."
        )


def recommend(
    *, distance: float, labels_per_class: int, compute: str = "enough", evidence: pd.DataFrame, data: str | None = None
) -> Recommendation:
    """What the ``evidence`` (``guide_evidence.gather``) recommends for a target, or that it has none.

    ``distance`` is the proxy A-distance of the target's images from the source's (0 to 2; see ``analysis.distance``),
    ``compute`` "little" or "enough", ``data`` restricts the evidence to one source data set. Raises InputError for
    values out of range.
    """
    _check(distance, labels_per_class, compute, evidence)
    rows = evidence[evidence["domain"].notna()]
    if data is not None:
        rows = rows[rows["data"] == data]
    near = rows[((rows["domain"] - distance).abs() <= REACH) & _alike(rows["labels_per_class"], labels_per_class)]
    allowed = near[near["protocol"] == "frozen"] if compute == "little" else near
    every, found = _conditions(near), []
    for condition, part in sorted(_conditions(allowed).items()):
        measured = Compared.of(part)
        compared = measured.complete()
        if len(compared.options) > 1 and compared.units:
            away = _far_from(part, distance, labels_per_class)
            found.append(((away, -len(measured.units)), part, every[condition], compared))
    if not found:
        return Recommendation(found=False, reason=_lacking(rows, distance, labels_per_class, compute))
    found.sort(key=lambda item: item[0])  # of two as near, the one with more units comes first
    _, part, whole, compared = found[0]
    others = tuple(_short(other, theirs) for _, other, _, theirs in found[1:])
    return _decide(part, whole, compared, others)


def _conditions(rows: pd.DataFrame) -> dict[tuple, pd.DataFrame]:
    """The rows of each condition."""
    places = defaultdict(list)
    for place, condition in enumerate(zip(*(rows[name].tolist() for name in CONDITION), strict=True)):
        places[condition].append(place)
    return {condition: rows.iloc[mine] for condition, mine in places.items()}


def guide_table(
    evidence: pd.DataFrame,
    *,
    distances: Sequence[float],
    labels: Sequence[int],
    computes: Sequence[str] = tuple(COMPUTE),
    data: str | None = None,
) -> pd.DataFrame:
    """``recommend`` for every combination: a row each with the question, the answer, its margin and its count of rows.

    Columns ``compute, distance, labels_per_class, found, option, cut, protocol, head, clear, margin, low, high, count,
    next_best, gain, as_good, networks, condition, reason``.
    """
    rows = []
    for compute in computes:
        for distance in distances:
            for count in labels:
                asked = {"distance": distance, "labels_per_class": count, "compute": compute}
                r = recommend(**asked, evidence=evidence, data=data)
                rows.append(
                    {
                        "compute": compute,
                        "distance": distance,
                        "labels_per_class": count,
                        **{name: getattr(r, name) for name in ("found", "option", "cut", "protocol", "head", "clear")},
                        "margin": r.margin.mean,
                        "low": r.margin.low,
                        "high": r.margin.high,
                        "count": r.margin.count,
                        "next_best": r.next_best,
                        "gain": r.gain.mean,
                        "as_good": "; ".join(r.as_good),
                        "networks": len(r.rows),
                        "condition": r.condition,
                        "reason": r.reason,
                    }
                )
    return pd.DataFrame(rows)


def _decide(part: pd.DataFrame, whole: pd.DataFrame, compared: Compared, others: tuple[str, ...]) -> Recommendation:
    best, second = compared.ranked[:2]
    gaps = {other: compared.gap(best, other) for other in compared.ranked[1:]}
    near = [other for other, gap in gaps.items() if not clear(gap)]
    seconds = part.groupby("option")["seconds"].mean()
    row = part[part["option"] == best].iloc[0]
    return Recommendation(
        found=True,
        reason="",
        cut=row["cut"],
        protocol=row["protocol"],
        head=row["head"],
        option=best,
        clear=clear(gaps[second]),
        margin=_margin(compared),
        next_best=second,
        gain=_over_scratch(Compared.of(whole), best),
        as_good=tuple(near),
        cheapest=min([best, *near], key=lambda option: seconds[option]),
        top1=compared.mean(best),
        rows=tuple(sorted(part.loc[part["option"].isin(compared.options), "key"])),
        condition=_condition(part),
        others=others,
    )


def _margin(compared: Compared) -> Estimate:
    """The leader's gap over the next; with several (split, seed) both are picked on the others (cross-fitting)."""
    mine = [(split, seed) for split, seed, _ in compared.units]
    replicates = list(dict.fromkeys(mine))
    if len(replicates) < 2:
        best, second = compared.ranked[:2]
        gap = 100 * (compared[best] - compared[second])
        return Estimate(float(gap.mean()), math.nan, math.nan, len(gap), method=PICKED)
    gaps, units = [], []
    for replicate in replicates:
        inside = [other == replicate for other in mine]
        best, second = compared.only([not there for there in inside]).ranked[:2]
        left_out = compared.only(inside)
        gaps.extend(100 * (left_out[best] - left_out[second]))
        units.extend(left_out.units)
    return replicate_interval(gaps, units)


def _over_scratch(compared: Compared, best: str) -> Estimate:
    scratch = "learn from scratch"
    if best == scratch or not compared.has(best, scratch):
        return nothing("nothing learnt from scratch beside it")
    return compared.gap(best, scratch)


def _alike(labels: pd.Series, wanted: int) -> pd.Series:
    return labels.between(wanted / 2, wanted * 2)


def _far_from(part: pd.DataFrame, distance: float, labels: int) -> float:
    """How far a condition is from the question."""
    away = abs(math.log2(part["labels_per_class"].iloc[0] / labels)) + abs(part["domain"].mean() - distance) / REACH
    return round(away, 6)


def _condition(part: pd.DataFrame) -> str:
    row = part.iloc[0]
    sets = ", ".join(dict.fromkeys(part["target_set"]))
    low, high = part["domain"].min(), part["domain"].max()
    at = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"
    return f"study {row['study']} ({row['data']} to {sets}, distance {at}, {row['labels_per_class']} labels per class)"


def _short(part: pd.DataFrame, compared: Compared) -> str:
    best, second = compared.ranked[:2]
    return f"{_condition(part)}: {best}, over {second}: {compared.gap(best, second)}"


def _lacking(rows: pd.DataFrame, distance: float, labels: int, compute: str) -> str:
    if not len(rows):
        return "no trained network has a measured distance; measure the distances of the targets first."
    near = rows[(rows["domain"] - distance).abs() <= REACH]
    if not len(near):
        there = ", ".join(f"{value:.2f}" for value in sorted(set(rows["domain"].round(2))))
        return f"no target was measured within {REACH} of distance {distance:g}; measured ones lie at {there}."
    fitting = near[_alike(near["labels_per_class"], labels)]
    if not len(fitting):
        there = ", ".join(str(count) for count in sorted(set(near["labels_per_class"])))
        return f"near that distance, no network had half to twice {labels} labels per class; there are {there}."
    return f"near that distance and with about {labels} labels per class fewer than 2 options fit compute {compute!r}."


def _check(distance: float, labels: int, compute: str, evidence: pd.DataFrame) -> None:
    if isinstance(distance, bool) or not isinstance(distance, int | float) or not 0 <= distance <= FARTHEST:
        raise InputError(
            f"distance {distance!r} is outside 0..2; give the proxy A-distance of the target"
            " (analysis.distance.proxy_a_distance)."
        )
    if isinstance(labels, bool) or not isinstance(labels, int) or labels < 1:
        raise InputError(f"labels_per_class is {labels!r}; give a whole number from 1 on.")
    if compute not in COMPUTE:
        raise unknown("compute", compute, COMPUTE, mend=f"({'; '.join(f'{k}: {v}' for k, v in COMPUTE.items())}.)")
    if "option" not in evidence.columns:
        raise InputError("the evidence has no column option; pass the result of guide_evidence.gather.")


def _listed(options: Sequence[str], *, most: int = 3) -> str:
    more = f" and {len(options) - most} more" if len(options) > most else ""
    return "; ".join(options[:most]) + more
