"""Claims about what fully connected layers do to the convolutions below, each with a rule fixed beforehand.

The rules were written on 2026-11-25, before any network of the study was trained. Arms: A has global average pooling
and no hidden layer, B flattens and has two hidden FC layers; C has the hidden layers without the layout, D the layout
without the hidden layers, E two more convolutions with as many parameters as B.

An effect is a paired difference of two arms of one (split, seed), that is of networks that started with the same trunk
and saw the same batches. The verdict looks only at its 95 % t interval over these and follows
``analysis.claims.verdict_of``; one seed decides nothing. Images of one network are no replicates: their number narrows
a seed's value, not the interval. Twelve claims and six explanations are tested, so at 95 % each, a false verdict
somewhere is likely; nothing is concluded from a single one.

*Explained*: arm X (C, D or E) explains B's gain over A if X has at least 80 % of it, that is if (X - A) - 0.8 (B - A)
is above 0. It is asked only where B - A itself is above 0, since 80 % of no gain means nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from .claims import Claim, verdict_of
from .estimates import Estimate
from .tables import UNIT
from .transfer import unit_interval
from .trunk_change import goes_with_gain, over_cells, paired_change, tuned_networks

ZHANG, WANG = "Zhang et al. 2017", "Wang et al. 2022 (arXiv 2112.00496)"
WITH, WITHOUT = "B", "A"
ENOUGH = 0.8
REPLICATE = ["split", "seed"]
MEASURES = ("boxes", "retrieval", "concentration", "separation", "fc")
Tables = Mapping[str, pd.DataFrame]
PARTS = {"C": "hidden FC layers without layout", "D": "layout without hidden layers", "E": "depth and capacity"}


@dataclass(frozen=True)
class FirewallRule:
    """One claim: its effect by (split, seed) is expected to lie ``side`` 0; ``table`` is the measure it needs."""

    id: str
    statement: str
    source: str
    paper: str
    side: str
    table: str
    effect: Callable[[pd.DataFrame], pd.Series]
    unit: str = "points"


def claims_of_firewall(tables: Tables, *, where: str = "10_firewall") -> tuple[Claim, ...]:
    """The claims judged on the measures of one data set: ``tables`` has ``boxes, retrieval, concentration, separation``
    of ``course.firewall`` and ``fc``, the rows of that study. A table that is absent leaves its claims open.
    """
    return tuple(_judge(rule, tables, where) for rule in RULES)


def explanations(tables: Tables, *, where: str = "10_firewall") -> tuple[Claim, ...]:
    """Whether C, D or E has at least 80 % of what B gains over A in localisation and in retrieval."""
    found = []
    for name, rule in ((name, _rule(id)) for name, id in EXPLAINED.items()):
        gain = _estimate(rule, tables)
        there = gain is not None and verdict_of(gain, "above") == "reproduced"
        for arm, words in PARTS.items():
            explained = FirewallRule(
                f"{name}-explained-by-{arm}",
                f"{words[0].upper()}{words[1:]} ({arm}) gives at least 80 % of what B gains over A in {name}.",
                "our test", "not asked", "above", rule.table, _at_least(VALUES[name], arm),
            )  # fmt: skip
            claim = _judge(explained, tables, where)
            if not there and claim.ours is not None:
                note = "B is not shown to be above A, so there is nothing to explain."
                claim = _claim(explained, claim.ours, "inconclusive", where, note)
            found.append(claim)
    return tuple(found)


def rules_table() -> pd.DataFrame:
    """The rules as text, before any number: ``claim, source, paper, expected``."""
    lines = [(rule.statement, rule.source, rule.paper, f"{rule.side} 0") for rule in RULES]
    return pd.DataFrame(lines, columns=["claim", "source", "paper", "expected"])


def effect_of(table: pd.DataFrame, value: str, *, one: str = WITH, other: str = WITHOUT, **where: object) -> pd.Series:
    """``value`` of arm ``one`` minus that of ``other`` by (split, seed), for the rows with the values ``where``."""
    by_arm = _by_arm(table, value, where)
    if one not in by_arm or other not in by_arm:
        return pd.Series(dtype=float, index=pd.MultiIndex.from_arrays([[], []], names=REPLICATE))
    return (by_arm[one] - by_arm[other]).dropna()


def interval(effect: pd.Series, *, unit: str = "points") -> Estimate | None:
    """The estimate over (split, seed), or None where there is nothing to average."""
    if not len(effect):
        return None
    places = [(*place, "all") for place in effect.index]
    units = pd.Series(effect.to_numpy(), index=pd.MultiIndex.from_tuples(places, names=list(UNIT)))
    return unit_interval(units, unit=unit)


def having(table: pd.DataFrame, where: Mapping[str, object]) -> pd.DataFrame:
    """The rows with the values ``where`` (by column)."""
    for name, wanted in where.items():
        table = table[table[name] == wanted]
    return table


def _by_arm(table: pd.DataFrame, value: str, where: Mapping[str, object]) -> pd.DataFrame:
    """``value`` by (split, seed) with a column per arm."""
    return having(table, where).pivot_table(index=REPLICATE, columns="arm", values=value, aggfunc="mean")


def _estimate(rule: FirewallRule, tables: Tables) -> Estimate | None:
    if rule.table not in tables or not len(tables[rule.table]):
        return None
    return interval(rule.effect(tables[rule.table]), unit=rule.unit)


def _judge(rule: FirewallRule, tables: Tables, where: str) -> Claim:
    ours = _estimate(rule, tables)
    if ours is None:
        return _claim(rule, None, "inconclusive", where, "Cannot be judged: nothing to compare.")
    note = f"Expected {rule.side} 0."
    if not ours.has_interval:
        agrees = ours.mean > 0 if rule.side == "above" else ours.mean < 0
        note = f"{note[:-1]}; the value {'agrees' if agrees else 'disagrees'}, but one seed cannot decide."
    return _claim(rule, ours, verdict_of(ours, rule.side), where, note)


def _claim(rule: FirewallRule, ours: Estimate | None, verdict: str, where: str, note: str) -> Claim:
    return Claim(rule.id, rule.statement, rule.source, rule.paper, ours, verdict, where, note)


def _rule(id: str) -> FirewallRule:
    return next(rule for rule in RULES if rule.id == id)


def _difference(value: str, *, factor: float = 1.0, **where: object) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda table: factor * effect_of(table, value, **where)


def _cam_against_sum(table: pd.DataFrame) -> pd.Series:
    """Arm A with class activation maps minus arm A with the sum of channels, in points at IoU 0.5."""
    by_method = [_by_arm(table, "share", {"method": name, "threshold": 0.5}) for name in ("cam", "scda")]
    if any(WITHOUT not in found for found in by_method):
        return effect_of(table, "share", method="none")
    return 100 * (by_method[0][WITHOUT] - by_method[1][WITHOUT]).dropna()


def _at_least(value: tuple[str, dict[str, object]], arm: str) -> Callable[[pd.DataFrame], pd.Series]:
    name, where = value

    def effect(table: pd.DataFrame) -> pd.Series:
        gain = effect_of(table, name, one=arm, **where)
        return 100 * (gain - ENOUGH * effect_of(table, name, **where)).dropna()

    return effect


def _change(value: str, *, factor: float = 1.0) -> Callable[[pd.DataFrame], pd.Series]:
    return lambda rows: factor * over_cells(paired_change(tuned_networks(rows)), value)


VALUES: dict[str, tuple[str, dict[str, object]]] = {
    "localisation": ("share", {"method": "scda", "threshold": 0.5}),
    "retrieval": ("map", {"pooling": "avg+max", "k": 1}),
}
EXPLAINED = {"localisation": "fc-localises", "retrieval": "fc-retrieves"}
RULES = (
    FirewallRule(
        "fc-localises",
        "A trunk learnt under FC layers localises better (share of boxes with IoU above 0.5 by SCDA, B - A).",
        f"{ZHANG}, Table 3", "+21.9 points (76.8 with, 54.9 without)", "above", "boxes",
        _difference("share", factor=100, method="scda", threshold=0.5),
    ),
    FirewallRule(
        "sum-punishes-gap",
        "Without FC the sum of channels hides where the network looks: class activation maps localise better "
        "(arm A, CAM - SCDA, IoU above 0.5).",
        "our test", "not asked", "above", "boxes", _cam_against_sum,
    ),
    FirewallRule(
        "fc-localises-fairly",
        "B localises better than A also by a class activation map, which every arm has (Grad-CAM, IoU above 0.5, "
        "B - A).",
        "our test", "not asked", "above", "boxes", _difference("share", factor=100, method="gradcam", threshold=0.5),
    ),
    FirewallRule(
        "fc-retrieves",
        "A trunk learnt under FC layers retrieves better (mAP top-1 by SCDA, average and max pooled, B - A).",
        f"{ZHANG}, Table 4", "+33.5 points (59.7 with, 26.2 without)", "above", "retrieval",
        _difference("map", factor=100, pooling="avg+max", k=1),
    ),
    FirewallRule(
        "response-spreads-entropy",
        "With FC layers the response of the last convolution spreads over more places (spatial entropy, B - A).",
        f"{ZHANG}, Figure 3", "pictures only", "above", "concentration",
        _difference("entropy", which="forward"), "",
    ),
    FirewallRule(
        "response-spreads-top10",
        "With FC layers the strongest tenth of the places holds less of the response (share of the sum, B - A).",
        f"{ZHANG}, Figure 3", "pictures only", "below", "concentration",
        _difference("top10", factor=100, which="forward"),
    ),
    FirewallRule(
        "gradient-spreads",
        "With FC layers the first gradient at the last convolution's weights comes from more places "
        "(spatial entropy of the gradient behind the ReLU, B - A).",
        f"{ZHANG}, claim 2", "not measured", "above", "concentration",
        _difference("entropy", which="gradient"), "",
    ),
    FirewallRule(
        "fc-keeps-variation",
        "With FC layers the last convolution keeps more variation within the source's classes (share of all variation, "
        "B - A).",
        WANG, "not measured in these terms", "above", "separation",
        _difference("within", factor=100, classes="source"),
    ),
    FirewallRule(
        "fc-keeps-rank",
        "With FC layers the features of held-out classes fill more directions (effective rank, B - A).",
        WANG, "not measured in these terms", "above", "separation",
        _difference("effective_rank", classes="held out"), "",
    ),
    FirewallRule(
        "trunk-moves-less",
        "Fine-tuning moves the trunk under FC layers less (length of the change, per cent of the trunk's length, "
        "B - A).",
        f"{ZHANG}, claim 2", "not measured", "below", "fc", _change("less", factor=-1.0),
    ),
    FirewallRule(
        "features-stay",
        "Features of the last convolution stay more alike under FC layers (CKA before and after fine-tuning, B - A).",
        f"{ZHANG}, claim 2", "not measured", "above", "fc", _change("likelier"), "",
    ),
    FirewallRule(
        "less-moved-more-gained",
        "Where the trunk under FC layers moves less than the one without, B gains more on A "
        "(correlation over targets and numbers of labels).",
        f"{ZHANG}, claim 2", "not measured", "above", "fc",
        lambda rows: goes_with_gain(paired_change(tuned_networks(rows))), "",
    ),
)  # fmt: skip
