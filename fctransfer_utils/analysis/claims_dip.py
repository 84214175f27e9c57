"""Is the co-adaptation dip optimisation? What Yosinski et al. (2014) suppose, as claims with rules stated beforehand.

All effects are at the middle cuts (n = 4 and 5, as far as the table has them), paired by split, seed and target:

1. the *dip*: BnB - base lies below 0, the rule of ``analysis.claims`` with these cuts; and the same with the longest
   schedule of both, where base has less left to improve and the head start of BnB's frozen layers counts less;
2. (a) BnB's training loss lies above base's; and the same with the longest schedule;
3. (b) longer training closes the dip: BnB - base is higher with the longest schedule than with the usual one;
4. (c) the rest of the donor, with one new layer in between, brings it back: stitch - BnB lies above 0, and so does
   warm - BnB;
5. batch norm removes it: BnB - base is higher with batch norm than without.

The two halves of 1 and 2 about the longest schedule were added when the first seed on glyphs had shown how large the
head start is; everything else was stated before any network of this study was looked at.

3 to 5 speak about a dip with the usual schedule. Where there is none without batch norm (the dip is not reproduced by
its rule) they are *inconclusive* whatever their intervals, and say so: there is nothing to remove.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from .claims import MARGIN, SOURCE, Claim, Rule, judge, rule
from .dip import Condition, conditions, middle_cuts, of_dip, over_base
from .tables import ranges

Rows = dict[str, pd.DataFrame]
DIP, LONG_DIP = "coadaptation-dip", "dip-with-time"
UNDERFIT, LONG_UNDERFIT = "dip-underfits", "underfits-with-time"
REMEDIES = ("dip-closes-with-time", "stitching-restores", "warm-start-restores")
NORM = "batch-norm-removes"
REPLICATIONS = "replications with batch norm"
WHY = f"{SOURCE}, as it explains the dip"
ABSENT = {"longest": "no network learnt for longer.", "norm": "no network has batch norm."}
NEEDED_PART = {LONG_DIP: "longest", LONG_UNDERFIT: "longest", REMEDIES[0]: "longest", NORM: "norm"}
BOTH = ("base", "BnB")


def claims_of_dip(
    table: pd.DataFrame, *, where: str = "08_reading_the_logs", margin: float = MARGIN
) -> tuple[Claim, ...]:
    """The dip and its explanation, judged on the study ``dip`` (one data set; net and epochs may differ)."""
    rows = of_dip(table)
    cuts = middle_cuts(rows)
    parts = _parts(rows)
    found = {}
    for each in (*_dip_rules(parts, cuts), *_remedy_rules(parts, cuts)):
        claim = judge(each, parts["usual"], where=where, margin=margin)
        part = NEEDED_PART.get(each.id)
        if claim.ours is None and part and not len(parts[part]):
            claim = replace(claim, note=f"Cannot be judged: {ABSENT[part]}")
        found[each.id] = claim
    return tuple(
        _nothing_to_remove(claim, found[DIP]) if id in (*REMEDIES, NORM) else claim for id, claim in found.items()
    )


def _parts(rows: pd.DataFrame) -> Rows:
    """The conditions that the rules compare: ``usual``, ``longest`` and ``norm`` (usual, with batch norm)."""
    found: list[tuple[Condition, pd.DataFrame]] = conditions(rows)
    plain = [item for item in found if not item[0].batch_norm] or found
    norm = [item for item in found if item[0].batch_norm and item not in plain]
    nothing = plain[0][1].iloc[:0]
    longest = plain[-1][1] if not plain[-1][0].usual and plain[-1][0].net == plain[0][0].net else nothing
    return {"usual": plain[0][1], "longest": longest, "norm": norm[0][1] if norm else nothing}


def _dip_rules(parts: Rows, cuts: tuple[int, ...]) -> list[Rule]:
    known, words = rule(DIP), _words(cuts)
    dip = replace(
        known,
        statement=known.statement.replace("n = 4-5", words),
        points=lambda _: over_base(parts["usual"], "BnB", cuts),
        cuts=cuts,
    )
    under = Rule(
        UNDERFIT,
        f"BnB fits its training images worse than base does (training loss, BnB - base, {words}).",
        f"{SOURCE}, its logs",
        "+0.24 nats at n = 4, +0.64 at n = 5",
        "above",
        lambda _: over_base(parts["usual"], "BnB", cuts, "train_loss"),
        BOTH,
        cuts,
        unit="nats",
    )
    return [
        dip,
        replace(
            dip,
            id=LONG_DIP,
            statement=f"It costs accuracy too where both learn longest (BnB - base, longest schedule, {words}).",
            points=lambda _: over_base(parts["longest"], "BnB", cuts),
        ),
        under,
        replace(
            under,
            id=LONG_UNDERFIT,
            statement=f"BnB fits worse too where both learn longest (training loss, BnB - base, {words}).",
            points=lambda _: over_base(parts["longest"], "BnB", cuts, "train_loss"),
        ),
    ]


def _remedy_rules(parts: Rows, cuts: tuple[int, ...]) -> list[Rule]:
    def remedy(id: str, statement: str, part: str, treatment: str = "BnB", source: str = WHY) -> Rule:
        def points(_: pd.DataFrame) -> pd.Series:
            return (over_base(parts[part], treatment, cuts) - over_base(parts["usual"], "BnB", cuts)).dropna()

        needs = BOTH if treatment == "BnB" else ("BnB", treatment)
        paper = "no dip, without a number" if source == REPLICATIONS else "not measured"
        return Rule(id, f"{statement}, {_words(cuts)}).", source, paper, "above", points, needs, cuts)

    longer, stitch, warm = REMEDIES
    return [
        remedy(longer, "Longer training closes the dip (BnB - base, longest minus usual", "longest"),
        remedy(stitch, "The donor's own rest behind one new layer does better (stitch - BnB", "usual", "stitch"),
        remedy(warm, "Starting from the donor's own rest does better (warm - BnB", "usual", "warm"),
        remedy(NORM, "Batch norm removes the dip (BnB - base, with minus without", "norm", source=REPLICATIONS),
    ]


def _words(cuts: tuple[int, ...]) -> str:
    return f"n = {ranges(cuts)}" if cuts else "no n"


def _nothing_to_remove(claim: Claim, dip: Claim) -> Claim:
    """``claim`` about a remedy; inconclusive where ``dip`` itself was not found."""
    if claim.ours is None or dip.verdict == "reproduced":
        return claim
    there = "no dip" if dip.verdict == "not reproduced" else "no dip that an interval shows"
    return replace(claim, verdict="inconclusive", note=f"{claim.note} There is {there} here, so nothing to remove.")


def verdict_on_optimisation(claims: Sequence[Claim]) -> str:
    """What follows from the verdicts of ``claims_of_dip``, whichever way they came out, in a sentence or two."""
    verdicts = {claim.id: claim.verdict for claim in claims}
    if verdicts[DIP] == "reproduced":
        return _of_a_dip(verdicts, tried=any(claim.ours is not None for claim in claims if claim.id in REMEDIES))
    first = {
        "not reproduced": "With the usual schedule there is no dip: BnB does better than its base.",
        "inconclusive": "Whether there is a dip with the usual schedule is open.",
    }[verdicts[DIP]]
    if verdicts[LONG_DIP] == "reproduced":
        fit = {
            "reproduced": "it fits its training images worse there, as in an optimisation problem",
            "not reproduced": "it fits its training images no worse there, so that is not what the paper supposes",
            "inconclusive": "whether it fits its training images worse there is open",
        }[verdicts[LONG_UNDERFIT]]
        return f"{first} Where both learn longest BnB lies below base, and {fit}."
    if verdicts[LONG_DIP] == "not reproduced":
        return f"{first} Where both learn longest there is none either."
    return f"{first} Where both learn longest it is open."


def _of_a_dip(verdicts: dict[str, str], *, tried: bool) -> str:
    under, helps = verdicts[UNDERFIT], [id for id in REMEDIES if verdicts[id] == "reproduced"]
    if under == "reproduced" and helps:
        return "These networks dip, they fit their training images worse, and an easier search helps: optimisation."
    if under == "reproduced" and not tried:
        return (
            "These networks dip and fit their training images worse, as they would if the search failed; whether an "
            "easier search helps was not tried."
        )
    if under == "not reproduced" and not helps:
        return "These networks dip although they fit their training images no worse: not what the paper supposes."
    return "These networks dip, but the signs of an optimisation problem are mixed; read them one by one."
