"""What a complete table of the study ``fc`` would hold besides, in sentences: a cut-off study stays readable."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from .fc import ARMS, CELL, MAIN, NETWORK, ON_SOURCE, rates_of
from .tables import ranges

HIDDEN_PART = {"A": (), "B": ("fc6", "fc7"), "C": ("fc6", "fc7"), "D": (), "E": ("conv6", "conv7")}
"""The layers between trunk and last layer, by arm."""
PROBED = ("conv1", "conv2", "conv3", "conv4")
Wanted = tuple[str, str, str]  # arm, protocol, layer


def designed() -> list[Wanted]:
    """Every arm, protocol and layer that the design has on each target; P8 with the largest number of labels only."""
    found: list[Wanted] = []
    for arm in ARMS:
        found.append((arm, "P1", "conv5"))
        found += [(arm, protocol, "") for protocol in (*MAIN[1:], "P6", "P7")]
        found += [(arm, "P4", "")] if HIDDEN_PART[arm] else []
        found += [(arm, "P8", layer) for layer in (*PROBED, *HIDDEN_PART[arm])]
    return [*found, ("A", "P5", "")]


def missing_cells(rows: pd.DataFrame) -> tuple[str, ...]:
    """What the rows of ``analysis.fc.fc_rows`` (every rate) lack of the design, one sentence each; () when complete.

    Complete means: every seed has every target and number of labels that any seed has, in every arm, protocol and layer
    and at every learning rate; P8 with one number of labels, the largest that it has anywhere; and every arm's accuracy
    on its source, the converted and the continued network.
    """
    tuned = rows[rows["group"] != "source"]
    seeds = sorted({int(seed) for seed in rows["seed"]})
    cells = sorted(set(tuned[list(CELL)].itertuples(index=False, name=None)))
    probed = tuned[tuned["protocol"] == "P8"] if (tuned["protocol"] == "P8").any() else tuned
    most = int(probed["labels_per_class"].max()) if len(probed) else 0
    have = set(tuned[["arm", "protocol", "layer", "seed", *CELL]].itertuples(index=False, name=None))
    lacking: dict[str, list[Wanted]] = {}
    for wanted in designed():
        due = [cell for cell in cells if wanted[1] != "P8" or cell[1] == most]
        gone = [(seed, *cell) for seed in seeds for cell in due if (*wanted, seed, *cell) not in have]
        if gone:
            lacking.setdefault(_where(gone, seeds, due), []).append(wanted)
    said = [f"{_names(found)}: absent{where}." for where, found in lacking.items()]
    return (*_on_source(rows, seeds), *said, *_labels(tuned), *_rates(rows))


def _where(gone: list[tuple], seeds: list[int], cells: list[tuple]) -> str:
    if len(gone) == len(seeds) * len(cells):
        return ""
    by_seed = {seed: {cell[1:] for cell in gone if cell[0] == seed} for seed in seeds}
    whole = [seed for seed in seeds if len(by_seed[seed]) == len(cells)]
    rest = [(seed, cell) for seed in seeds if seed not in whole for cell in sorted(by_seed[seed])]
    words = f" for {_seeds(whole)}" if whole else ""
    if rest:
        seed, (target, labels) = rest[0]
        more = f" and {len(rest) - 1} more" if len(rest) > 1 else ""
        words += f"{' and' if whole else ''} for {target} with {labels} labels per class (seed {seed}){more}"
    return words


def _on_source(rows: pd.DataFrame, seeds: list[int]) -> Iterable[str]:
    have = set(rows[["protocol", "arm", "seed"]].itertuples(index=False, name=None))
    lacking: dict[tuple[str, str], list[str]] = {}
    for protocol, arms in (("source", ARMS), *((name, "B") for name in ON_SOURCE if name != "source")):
        for arm in arms:
            gone = [seed for seed in seeds if (protocol, arm, seed) not in have]
            if gone:
                lacking.setdefault((protocol, "" if gone == seeds else f" for {_seeds(gone)}"), []).append(arm)
    for (protocol, where), arms in lacking.items():
        yield f"{protocol} of {_arms(arms)}: absent{where}."


def _labels(tuned: pd.DataFrame) -> Iterable[str]:
    counts = {target: set(part["labels_per_class"]) for target, part in tuned.groupby("target_set")}
    every = set().union(*counts.values()) if counts else set()
    for target, there in counts.items():
        if there != every:
            yield f"{target} has no networks with {ranges(every - there)} labels per class."


def _rates(rows: pd.DataFrame) -> Iterable[str]:
    rates = rates_of(rows)
    if len(rates) < 2:
        return
    short = rows[rows["group"] != "source"].groupby([*NETWORK])["learning_rate"].nunique()
    count = int((short < len(rates)).sum())
    if count:
        yield f"{count} of {len(short)} networks lack some of the {len(rates)} learning rates."


def _names(found: list[Wanted]) -> str:
    """Such as ``P2, P3 of arms C, D; P8 of arm C``; P8 without layers stands for all of them."""
    arms_of: dict[str, list[str]] = {}
    for arm in dict.fromkeys(arm for arm, _, _ in found):
        names = [f"P8 {layer}" if protocol == "P8" else protocol for own, protocol, layer in found if own == arm]
        every = {f"P8 {layer}" for layer in (*PROBED, *HIDDEN_PART[arm])}
        if every <= set(names):
            names = [*(name for name in names if name not in every), "P8"]
        for name in names:
            arms_of.setdefault(name, []).append(arm)
    names_of: dict[str, list[str]] = {}
    for name, arms in arms_of.items():
        names_of.setdefault(_arms(arms), []).append(name)
    return "; ".join(f"{', '.join(names)} of {arms}" for arms, names in names_of.items())


def _arms(arms: list[str]) -> str:
    return f"arm{'s' if len(arms) > 1 else ''} {', '.join(arms)}"


def _seeds(seeds: list[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {ranges(seeds)}"
