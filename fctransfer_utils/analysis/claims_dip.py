"""Is the co-adaptation dip optimisation? What Yosinski et al. (2014) suppose, as claims with rules stated beforehand.

All effects are at the middle cuts (n = 4 and 5, as far as the table has them), paired by split, seed and target:

1. the *dip*: BnB - base lies below 0, the rule of ``analysis.claims`` with these cuts;
2. (a) BnB's training loss lies above base's;
3. (b) longer training closes the dip: BnB - base is higher with the longest schedule than with the usual one;
4. (c) the rest of the donor, with one new layer in between, brings it back: stitch - BnB lies above 0, and so does
   warm - BnB;
5. batch norm removes it: BnB - base is higher with batch norm than without.

3 to 5 speak about a dip. Where the usual schedule without batch norm shows none (claim 1 is not reproduced by its rule)
they are *inconclusive* whatever their intervals, and say so: there is nothing to close.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from .claims import MARGIN, SOURCE, Claim, Rule, judge, rule
from .dip import Condition, conditions, middle_cuts, of_dip, over_base
from .tables import ranges

Rows = dict[str, pd.DataFrame]
Points = Callable[[pd.DataFrame], pd.Series]
REMEDIES = ("dip-closes-with-time", "stitching-restores", "warm-start-restores")
REPLICATIONS = "replications with batch norm"


def claims_of_dip(
    table: pd.DataFrame, *, where: str = "08_reading_the_logs", margin: float = MARGIN
) -> tuple[Claim, ...]:
    """The dip and its explanation, judged on the study ``dip`` (one data set; net and epochs may differ)."""
    rows = of_dip(table)
    cuts = middle_cuts(rows)
    parts = _parts(rows)
    usual = parts["usual"]

    def judged(each: Rule) -> Claim:
        return judge(each, usual, where=where, margin=margin)

    words = f"n = {ranges(cuts)}" if cuts else "no n"
    dip = judged(
        replace(
            rule("coadaptation-dip"),
            statement=rule("coadaptation-dip").statement.replace("n = 4-5", words),
            points=lambda there: over_base(there, "BnB", cuts),
            cuts=cuts,
        )
    )
    rest = [_conditional(judged(each), dip, parts) for each in _about_the_dip(parts, cuts, words)]
    return (dip, judged(_loss_rule(cuts, words)), *rest)


def _parts(rows: pd.DataFrame) -> Rows:
    """The conditions that the rules compare: ``usual``, ``longest`` and ``norm`` (usual, with batch norm)."""
    found: list[tuple[Condition, pd.DataFrame]] = conditions(rows)
    plain = [item for item in found if not item[0].batch_norm] or found
    norm = [item for item in found if item[0].batch_norm and item not in plain]
    nothing = plain[0][1].iloc[:0]
    longest = plain[-1][1] if not plain[-1][0].usual and plain[-1][0].net == plain[0][0].net else nothing
    return {"usual": plain[0][1], "longest": longest, "norm": norm[0][1] if norm else nothing}


def _loss_rule(cuts: tuple[int, ...], words: str) -> Rule:
    return Rule(
        "dip-underfits",
        f"BnB fits its training images worse than base does (training loss, BnB - base, {words}).",
        f"{SOURCE}, its logs",
        "+0.24 nats at n = 4, +0.64 at n = 5",
        "above",
        lambda there: over_base(there, "BnB", cuts, "train_loss"),
        ("base", "BnB"),
        cuts,
        unit="nats",
    )


def _about_the_dip(parts: Rows, cuts: tuple[int, ...], words: str) -> list[Rule]:
    def against(other: str, treatment: str = "BnB") -> Points:
        return lambda _: _minus(over_base(parts[other], treatment, cuts), over_base(parts["usual"], "BnB", cuts))

    why = f"{SOURCE}, as it explains the dip"
    both = ("base", "BnB")
    return [
        Rule("dip-closes-with-time", f"Longer training closes the dip (BnB - base, longest minus usual, {words}).",
             why, "not measured", "above", against("longest"), both, cuts),
        Rule("stitching-restores", f"The donor's own rest behind one new layer does better (stitch - BnB, {words}).",
             why, "not measured", "above", against("usual", "stitch"), ("BnB", "stitch"), cuts),
        Rule("warm-start-restores", f"Starting from the donor's own rest does better (warm - BnB, {words}).",
             why, "not measured", "above", against("usual", "warm"), ("BnB", "warm"), cuts),
        Rule("batch-norm-removes", f"Batch norm removes the dip (BnB - base, with minus without batch norm, {words}).",
             REPLICATIONS, "no dip, without a number", "above", against("norm"), both, cuts),
    ]  # fmt: skip


def _minus(one: pd.Series, other: pd.Series) -> pd.Series:
    """The difference of two effects in the units that have both."""
    return (one - other).dropna()


def _conditional(claim: Claim, dip: Claim, parts: Rows) -> Claim:
    """``claim`` about a dip; inconclusive where ``dip`` itself was not found."""
    if claim.ours is None:
        part = {"dip-closes-with-time": "longest", "batch-norm-removes": "norm"}.get(claim.id)
        absent = {"longest": "no network learnt for longer.", "norm": "no network has batch norm."}
        if part and not len(parts[part]):
            return replace(claim, note=f"Cannot be judged: {absent[part]}")
        return claim
    if dip.verdict == "reproduced":
        return claim
    there = "no dip" if dip.verdict == "not reproduced" else "no dip that an interval shows"
    return replace(claim, verdict="inconclusive", note=f"{claim.note} There is {there} here, so nothing to remove.")


def verdict_on_optimisation(claims: Sequence[Claim]) -> str:
    """One sentence that follows from the verdicts of ``claims_of_dip``, whichever way they came out."""
    verdicts = {claim.id: claim.verdict for claim in claims}
    dip, under = verdicts["coadaptation-dip"], verdicts["dip-underfits"]
    helps = [id for id in REMEDIES if verdicts[id] == "reproduced"]
    if dip == "not reproduced":
        return "These networks show no dip: BnB does better than its base, so there is nothing to explain."
    if dip == "inconclusive":
        return "Whether these networks dip at all is open, and with it what a dip would be due to."
    if under == "reproduced" and helps:
        return "These networks dip, they fit their training images worse, and an easier search helps: optimisation."
    if under == "not reproduced" and not helps:
        return "These networks dip although they fit their training images no worse: not what the paper supposes."
    if under == "reproduced" and all(claim.ours is None for claim in claims if claim.id in REMEDIES):
        return (
            "These networks dip and fit their training images worse, as they would if the search failed; whether an "
            "easier search helps was not tried."
        )
    return "These networks dip, but the signs of an optimisation problem are mixed; read them one by one."
