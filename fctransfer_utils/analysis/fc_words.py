"""What the tables of the study ``fc`` say, in sentences that follow from their numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .answers import word
from .claims_fc import Judged
from .estimates import Estimate, detectable_difference
from .fc import MAIN, difference
from .fc_effects import CAUSES

UNEQUAL = 3.0  # points of top-1 on the source
SAID = {
    "reproduced": "yes: supports the claim",
    "not reproduced": "no: refutes the claim at this scale",
    "inconclusive": "inconclusive",
}
QUESTIONS = {
    "near-no-fc-P3": "Near: is no FC better? (fine-tuned)",
    "far-fc-P1": "Far: is FC essential? (trunk alone)",
    "far-fc-P2": "Far: is FC essential? (frozen, own head)",
    "far-fc-P3": "Far: is FC essential? (fine-tuned)",
    "far-few-frozen-fc-best": "Far and few labels: are frozen FC features best?",
}


def as_estimate(row: pd.Series) -> Estimate:
    """The estimate in a row with ``mean, low, high, count``."""
    return Estimate(float(row["mean"]), float(row["low"]), float(row["high"]), int(row["count"]))


def source_sentence(source: pd.DataFrame) -> str:
    """How far the arms are apart on their own source: ``source`` is ``analysis.fc_effects.source_table``.

    Beyond ``UNEQUAL`` points it says that a difference on a target need not be about transfer.
    """
    known = source.dropna(subset=["mean"]).sort_values("mean")
    if len(known) < 2:
        return "Only one arm was trained on the source."
    (low, worst), (high, best) = ((known.iloc[place]["arm"], 100 * known.iloc[place]["mean"]) for place in (0, -1))
    said = f"Best on the source: arm {high} ({best:.1f} %), worst: arm {low} ({worst:.1f} %)."
    if best - worst <= UNEQUAL:
        return f"{said} All arms are within {UNEQUAL:.0f} points."
    return (
        f"{said} **They are {best - worst:.0f} points apart**: with the same training some arms have learnt less, and"
        " what they lack on a target may be that, not what FC layers do to transfer. Read D with this in mind, and DiD"
        " first."
    )


def order_sentence(far: pd.DataFrame) -> str:
    """Whether every near target was measured nearer than every far one; ``far`` has ``group, domain``, a row each."""
    ends = far[far["group"].isin(["near", "far"])].groupby("group")["domain"].agg(["min", "max"])
    if set(ends.index) != {"near", "far"}:
        return "There is no near or no far target to compare."
    if ends.loc["near", "max"] < ends.loc["far", "min"]:
        return "The measured order **agrees** with the groups: every near target is nearer than every far one."
    return "The measured order **disagrees** with the groups: some near target is no nearer than some far one."


def slope_sentences(slopes: pd.DataFrame) -> list[str]:
    """What the slopes against distance (``analysis.fc_effects.distance_slopes``) say, a sentence per protocol."""
    said = []
    for _, row in slopes.iterrows():
        value = as_estimate(row)
        words = word(value, above="FC helps more the farther the target", below="FC helps less the farther it is")
        said.append(f"{row['protocol']}: per unit of distance {value} ({words})")
    return said


def explanation_sentences(parts: pd.DataFrame) -> list[str]:
    """What ``analysis.fc_effects.explanations`` says, a sentence per protocol."""
    said = []
    for protocol in MAIN:
        mine = parts[parts["protocol"] == protocol].set_index("arm")["word"]
        causes = [cause for arm, cause in CAUSES.items() if mine.get(arm) == "explains"]
        absent = [arm for arm in CAUSES if mine.get(arm) == "not measured"]
        gaining = f"B gains, and at least 80 % of it comes with: {', '.join(causes) or 'none of the measured parts'}"
        gaining += f" (not measured: {', '.join(absent)})" if absent else ""
        gaining = "B gains; no other arm was measured that could explain it" if len(absent) == len(CAUSES) else gaining
        reading = {
            "gains": gaining,
            "nothing to explain": "B's gain over A has no lower bound above 0, so there is nothing to explain",
            "undecided": "one seed has no interval, so nothing is decided",
        }.get(mine.get("B", ""), "not measured")
        said.append(f"**{protocol}**: {reading}.")
    return said


def capacity_sentence(ways: pd.DataFrame) -> str:
    """What ``analysis.fc_effects.transfer_or_capacity`` says about P4 and P5."""
    judged = ways[ways["word"] != ""]
    if (judged["word"] == "nothing to explain").all():
        return "B fine-tuned gains nothing over A fine-tuned that could be put down to capacity."
    return "Against B fine-tuned: " + "; ".join(f"{row.choice}: {row.word}" for row in judged.itertuples()) + "."


def sign_by_rate(table: pd.DataFrame) -> pd.DataFrame:
    """How far B minus A depends on a common rate: ``protocol, group, smallest, largest, turns`` from ``by_rate``.

    ``turns``: whether the sign of the mean is not the same at every rate.
    """
    own = table[(table["arm"] == "B") & table["rate"].notna()]
    found = own.groupby(["protocol", "group"])["mean"].agg(smallest="min", largest="max").reset_index()
    return found.assign(turns=found["smallest"] * found["largest"] < 0)


def turns_sentence(signs: pd.DataFrame) -> str:
    """Where ``sign_by_rate`` found that the sign depends on the rate."""
    where = [f"{row.protocol} on {row.group} targets" for row in signs[signs["turns"]].itertuples()]
    return ", ".join(where) or "nowhere"


def probe_sentence(probed: pd.DataFrame, *, group: str = "far") -> str:
    """Where along the layers arm B gains most over A, from ``analysis.fc_effects.layer_probes``."""
    mine = probed[(probed["arm"] == "B") & (probed["group"] == group)].sort_values("place")
    trunk, behind = mine[mine["count"] > 0], mine[mine["place"] > 5]
    if not len(trunk):
        return "No layer of arm B can be compared with arm A."
    first, last = trunk.iloc[0], trunk.iloc[-1]
    most = trunk.loc[trunk["mean"].idxmax()]
    said = (
        f"B over A on {group} targets: {first['mean']:+.1f} points at {first['layer']}, {last['mean']:+.1f} at"
        f" {last['layer']}; most at **{most['layer']}** ({most['mean']:+.1f})."
    )
    if len(behind):
        worst = behind.loc[behind["top1"].idxmin()]
        change = 100 * (worst["top1"] - last["top1"])
        said += f" Behind B's trunk the probe changes by {change:+.1f} points from {last['layer']} to {worst['layer']}."
    return said


def detectable(rows: pd.DataFrame) -> pd.DataFrame:
    """The smallest true difference that the seeds show in 80 % of repetitions: ``protocol, part, seeds, points``.

    By the spread that was observed, for D(near), D(far) and DiD; parts with fewer than two seeds are left out.
    """
    found = []
    for protocol in MAIN:
        near, far = (difference(rows, ("B", protocol), ("A", protocol), group=group) for group in ("near", "far"))
        for name, points in {"D(near)": near, "D(far)": far, "DiD": (far - near).dropna()}.items():
            if len(points) > 1:
                found.append((protocol, name, len(points), detectable_difference(float(points.std()), len(points))))
    return pd.DataFrame(found, columns=["protocol", "part", "seeds", "points"])


def verdict_answers(judged: Sequence[Judged], *, cell: str = "verdict") -> list[tuple[str, str, object, str]]:
    """Question, short answer, number and cell for the verdicts that a reader asks for, for ``answers.answer_table``."""
    by_id = {one.claim.id: one.claim for one in judged}
    return [
        (question, SAID[by_id[id].verdict], by_id[id].ours or "not measured", cell)
        for id, question in QUESTIONS.items()
        if id in by_id
    ]


def steepest_answer(slopes: pd.DataFrame, *, cell: str = "main") -> tuple[str, str, object, str]:
    """The same for the steepest slope against distance."""
    question, known = "Does the gain grow with measured distance?", slopes[slopes["count"] > 0]
    if not len(known):
        return question, "not measured", "no slope", cell
    row = known.loc[known["mean"].abs().idxmax()]
    value = as_estimate(row)
    words = word(value, above="yes", below="no, it shrinks")
    return question, f"steepest in {row['protocol']}: {words}", value, cell


def capacity_answer(ways: pd.DataFrame, *, cell: str = "explain") -> tuple[str, str, object, str]:
    """The same for new hidden layers on B's trunk (P4), whose difference from B fine-tuned is the number."""
    row = ways[ways["choice"] == "P4 of B"]
    value = as_estimate(row.iloc[0]) if len(row) and row["count"].iloc[0] else "not measured"
    judged = ways[ways["word"] != ""]
    said = "; ".join(f"{each.choice}: {each.word}" for each in judged.itertuples()) or "not measured"
    return "Is it transferred FC weights, or capacity?", said, value, cell
