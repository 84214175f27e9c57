"""Zhang et al.'s claims about FC layers, each with a rule fixed on 25 November 2026, before a network was trained.

D = top-1 of arm B (with FC) minus arm A (without) in points, paired by seed in every cell (target set and number of
labels), with the learning rate that each network chose on validation images. D(near) and D(far) are, per seed, the
means over the targets of a group (over the numbers of labels within each target first); DiD = D(far) - D(near) of the
same seed. Intervals are t intervals at 95 % over the seeds. The groups are those of ``analysis.fc``; views and
fine-grained targets are reported and judge nothing.

1. *Near, no FC is better* (P1, P2, P3 each): reproduced if the interval of D(near) lies below 0, not reproduced if it
   lies above 0.
2. *Far, FC is essential* (P1, P2, P3 each): **supports** if the lower bounds of D(far) and of DiD are above 0 and both
   means at least 0.5 points; **refutes at this scale** if an upper bound of the two is below 0.5 points.
3. *Far and very few images, frozen features learnt with FC are best*: at the fewest labels on far targets, arm B frozen
   (P2) minus arm A fine-tuned (P3), and minus arm A frozen (P2). Supports if both lower bounds are above 0; refutes if
   an upper bound is below 0.

Everything else, and every mean of a single seed, is inconclusive. A claim with two parts holds only if both do, so its
p is the larger one; p is that of a paired t test against 0, and Holm's correction over the family is told beside it.
With 6 seeds or more the exact sign-flip p is told as well (below 6 it cannot fall under 0.05).

Explanations, on far targets: *hidden layers* (arm C), *layout* (D), *capacity* (E) explain B's gain over A where that
gain has a lower bound above 0 and they give at least 80 % of it. *Capacity, not transfer*: P4 or P5 matches B's P3 if
the lower bound of the difference is above -0.5 points. Where B gains nothing there is nothing to explain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from .claims import Claim
from .estimates import Estimate, holm, sign_flip_test
from .fc import MAIN, Choice, difference, estimate, labels_of

PLANNED = "2026-11-25"
ZHANG = "Zhang et al. 2017"
LEAST = 0.5  # points: the smallest gain that counts
SHARE = 0.8  # of B's gain, from which on another arm explains it
FLIP_SEEDS = 6  # fewer cannot give a sign-flip p below 0.05
WORDS = {"reproduced": "supports", "not reproduced": "refutes at this scale", "inconclusive": "inconclusive"}
HOW = {"P1": "equal linear probe on the frozen trunk", "P2": "frozen trunk, head learns", "P3": "fine-tuned"}
PAPER_NEAR = {"P1": "not measured", "P2": "-0.8 points", "P3": "-0.9 (VGG), -0.1 points (ResNet)"}
PAPER_FAR = {
    "P1": "not measured",
    "P2": "+0.5 to +3.8 points (near: -0.8)",
    "P3": "+0.3 to +1.4 points (near: -0.9, -0.1)",
}
PAPER_FEW = "scenes of nine classes: +2.8, +3.6 over fine-tuned, +3.8, +2.6 points over frozen"


@dataclass(frozen=True)
class Judged:
    """A claim with everything that its verdict looked at: ``parts`` by name, and the p-values (nan where none)."""

    claim: Claim
    protocol: str
    parts: dict[str, Estimate]
    p: float
    flip: float


def judged_of_fc(rows: pd.DataFrame, *, where: str = "09_fc_versus_gap") -> tuple[Judged, ...]:
    """The claims judged on one row per network (``analysis.fc.chosen``), with parts and p-values."""
    near = [_near(rows, protocol, where) for protocol in MAIN]
    far = [_far(rows, protocol, where) for protocol in MAIN]
    return (*near, *far, _few(rows, where))


def claims_of_fc(rows: pd.DataFrame, *, where: str = "09_fc_versus_gap") -> tuple[Claim, ...]:
    """The claims of ``judged_of_fc`` alone, for the report."""
    return tuple(judged.claim for judged in judged_of_fc(rows, where=where))


def family(judged: tuple[Judged, ...]) -> pd.DataFrame:
    """The claims as one family: ``claim, protocol, parts, word, p, holm, flip``; nan where there is no p."""
    adjusted = holm([one.p for one in judged])
    return pd.DataFrame(
        [
            (
                one.claim.id,
                one.protocol,
                "; ".join(f"{name} {value}" for name, value in one.parts.items()),
                WORDS[one.claim.verdict],
                one.p,
                corrected,
                one.flip,
            )
            for one, corrected in zip(judged, adjusted, strict=True)
        ],
        columns=["claim", "protocol", "parts", "word", "p", "holm", "flip"],
    )


def far_verdict(far: Estimate, did: Estimate, *, least: float = LEAST) -> str:
    """Rule 2 of the plan on D(far) and DiD."""
    if not (far.has_interval and did.has_interval):
        return "inconclusive"
    if min(far.low, did.low) > 0 and min(far.mean, did.mean) >= least:
        return "reproduced"
    return "not reproduced" if min(far.high, did.high) < least else "inconclusive"


def near_verdict(near: Estimate) -> str:
    """Rule 1 of the plan on D(near)."""
    if not near.has_interval:
        return "inconclusive"
    return "reproduced" if near.high < 0 else "not reproduced" if near.low > 0 else "inconclusive"


def few_verdict(over_tuned: Estimate, over_frozen: Estimate) -> str:
    """Rule 3 of the plan on arm B frozen minus arm A fine-tuned, and minus arm A frozen."""
    if not (over_tuned.has_interval and over_frozen.has_interval):
        return "inconclusive"
    if min(over_tuned.low, over_frozen.low) > 0:
        return "reproduced"
    return "not reproduced" if min(over_tuned.high, over_frozen.high) < 0 else "inconclusive"


def _near(rows: pd.DataFrame, protocol: str, where: str) -> Judged:
    near = difference(rows, ("B", protocol), ("A", protocol), group="near")
    verdict = near_verdict(estimate(near))
    statement = f"Near the source no FC layers are better (D(near) below 0, {protocol}: {HOW[protocol]})."
    return _judged(
        f"near-no-fc-{protocol}", statement, f"{ZHANG}, Table 2", PAPER_NEAR[protocol], protocol, {"D(near)": near},
        verdict, where,
    )  # fmt: skip


def _far(rows: pd.DataFrame, protocol: str, where: str) -> Judged:
    far, near = (difference(rows, ("B", protocol), ("A", protocol), group=group) for group in ("far", "near"))
    did = (far - near).dropna()
    verdict = far_verdict(estimate(far), estimate(did))
    statement = f"Far in image properties FC layers are essential (D(far) and DiD, {protocol}: {HOW[protocol]})."
    return _judged(
        f"far-fc-{protocol}", statement, f"{ZHANG}, Table 2", PAPER_FAR[protocol], protocol,
        {"D(far)": far, "DiD": did}, verdict, where,
    )  # fmt: skip


def _few(rows: pd.DataFrame, where: str) -> Judged:
    labels = labels_of(rows)[0] if labels_of(rows) else None

    def over(other: Choice) -> pd.Series:
        return difference(rows, ("B", "P2"), other, group="far", labels=labels)

    tuned, frozen = over(("A", "P3")), over(("A", "P2"))
    verdict = few_verdict(estimate(tuned), estimate(frozen))
    statement = "Far and with very few images, frozen features learnt with FC are best (arm B frozen against arm A)."
    return _judged(
        "far-few-frozen-fc-best", statement, f"{ZHANG}, Table 2", PAPER_FEW, "P2",
        {"over A fine-tuned": tuned, "over A frozen": frozen}, verdict, where,
    )  # fmt: skip


def _judged(
    id: str, statement: str, source: str, paper: str, protocol: str, parts: dict[str, pd.Series], verdict: str,
    where: str,
) -> Judged:  # fmt: skip
    found = {name: estimate(points) for name, points in parts.items()}
    first = next(iter(found.values()))
    note = "; ".join(f"{name} {value}" for name, value in found.items())
    if any(not value.count for value in found.values()):
        note = f"Cannot be judged, no pair of networks for {', '.join(n for n, v in found.items() if not v.count)}."
    elif not all(value.has_interval for value in found.values()):
        note += ": one seed cannot decide."
    else:
        note += f": {WORDS[verdict]}."
    others = "; ".join(f"{name} {value}" for name, value in list(found.items())[1:])
    claim = Claim(id, statement, source, paper, first if first.count else None, verdict, where, note, others)
    return Judged(claim, protocol, found, *_p_values(list(parts.values())))


def _p_values(parts: list[pd.Series]) -> tuple[float, float]:
    """The larger p of the parts: of a paired t test, and of the exact sign-flip test where there are enough seeds."""
    if any(len(points) < 2 for points in parts):
        return math.nan, math.nan
    from scipy import stats

    t = max(float(stats.ttest_1samp(points, 0).pvalue) if points.std() else float(not points.any()) for points in parts)
    enough = all(len(points) >= FLIP_SEEDS for points in parts)
    return t, max(sign_flip_test(points) for points in parts) if enough else math.nan
