"""What a transfer study says, in five sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .claims import FLAT
from .effects import effect, levels
from .stats import bracket

if TYPE_CHECKING:
    import pandas as pd


def sentences(table: pd.DataFrame) -> list[str]:
    """Five sentences on a table of ``studies.transfer`` with the treatments base, long, BnB and AnB.

    Every number is a mean over replicates with its 95 % interval, and the words follow the interval.
    """
    replicates = table["replicate"].nunique()
    base = levels(table[table["treatment"] == "base"])["mean"].iloc[0]
    gain = effect(table, "long", "base").iloc[0]
    own, other = effect(table, "BnB", "base").iloc[-1], effect(table, "AnB", "BnB")
    first, last = other.iloc[0], other.iloc[-1]
    enough = "they had learnt enough to be compared"
    if not abs(gain["mean"]) <= FLAT:
        enough = "whether they had learnt enough to be compared stays open"
    if gain["low"] > FLAT:
        enough = "they had not learnt enough to be compared"
    chance = f"no difference that {replicates} replicate{'s' * (replicates > 1)} can tell from chance"

    def word(row: Mapping[str, Any], lost: str) -> str:
        return lost if row["high"] < 0 else "a gain" if row["low"] > 0 else chance

    return [
        f"You trained {len(table)} networks of eight layers: {replicates} splits of the classes into halves, each "
        "in both directions.",
        f"The base networks know {base:.1f} % of the test pictures of their half. Twice the training changes that by "
        f"{_points(gain)}: {enough}.",
        f"With its own layers 1 to {own['n']} copied and frozen, a network differs from its base by {_points(own)}: "
        f"{word(own, 'the surgery itself costs something')}.",
        f"Taken from a network that learnt the other half, layers 1 to {first['n']} change that by {_points(first)}: "
        f"{word(first, 'they are specific already')}.",
        f"Layers 1 to {last['n']} change it by {_points(last)}: {word(last, 'they are specific to what they learnt')}.",
    ]


def _points(row: Mapping[str, Any]) -> str:
    return bracket((row["mean"], row["low"], row["high"]), sign=True, unit=" points")
