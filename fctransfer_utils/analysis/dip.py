"""The dip of BnB below base, and what becomes of it: longer training, a warm start, stitching, batch norm.

Freezing a network's own layers 1..n and learning the rest anew cannot lack features: the donor shows that a suffix
exists which does as well as base. If BnB does worse, its suffix was not *found*, and then BnB should also fit its
training images worse than base. Three changes make the suffix easier to find and leave the frozen features as they are:

- *longer*: more epochs (the donor is the usual base; the yardstick is a base that learnt as long);
- *warm*: only layer n+1 is drawn anew, the layers above start as the donor's, and all of these learn;
- *stitch*: only layer n+1 is drawn anew and learns; everything else is the donor's (model stitching, Bansal 2021).

Every effect is a difference between networks of the same split, seed, target, net and epochs. Each setting of net and
epochs is one *condition* here; ``analysis.transfer`` refuses a table that mixes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError
from .estimates import Estimate, nothing
from .tables import CUTS, UNIT, checked, missing, one_condition
from .transfer import by_unit, pairs, unit_interval

TREATMENTS = ("BnB", "warm", "stitch")
MIDDLE = (4, 5)  # where the published networks dip most
BATCH_NORM = "-bn"
VALUES = {"top1": "points", "train_loss": "nats"}


@dataclass(frozen=True)
class Condition:
    """A net and a number of epochs; ``times`` is how many times the usual epochs, 1 for the usual schedule."""

    net: str
    epochs: int
    times: float

    @property
    def batch_norm(self) -> bool:
        """Whether the net has batch norm."""
        return BATCH_NORM in self.net

    @property
    def usual(self) -> bool:
        """Whether this is the shortest schedule of the net, which its donors had too."""
        return self.times == 1

    def __str__(self) -> str:
        norm = "with batch norm" if self.batch_norm else "without batch norm"
        longer = "" if self.usual else f", {self.times:g} times as long"
        return f"{norm}, {self.epochs} epochs{longer}"


def conditions(table: pd.DataFrame) -> list[tuple[Condition, pd.DataFrame]]:
    """The rows of ``table`` by net and epochs, without batch norm first, then the shortest schedule first."""
    rows = checked(table)
    if not len(rows):
        raise InputError("the table of the dip has no rows; give the networks of the study 'dip'.")
    found = []
    for net, mine in rows.groupby("net"):
        usual = int(mine["epochs"].min())
        for epochs, part in mine.groupby("epochs"):
            times = epochs / usual if usual else 1.0
            found.append((Condition(str(net), int(epochs), float(times)), one_condition(part)))
    return sorted(found, key=lambda item: (item[0].batch_norm, item[0].net, item[0].epochs))


def of_dip(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``table`` that bear on the dip: base, BnB, warm, stitch, on targets that not only base has learnt."""
    rows = table[table["treatment"].isin(["base", *TREATMENTS])]
    studied = rows.loc[rows["treatment"] != "base", list(UNIT)].drop_duplicates()
    return rows.merge(studied, on=list(UNIT)) if len(studied) else rows.reset_index(drop=True)


def over_base(rows: pd.DataFrame, treatment: str, cuts: Sequence[int], value: str = "top1") -> pd.Series:
    """``treatment`` minus base in ``value``, averaged over ``cuts``, by (split, seed, target): points or nats.

    ``rows`` are of one condition. Units that lack one of the cuts, or a loss, are left out.
    """
    if value == "top1":
        return by_unit(pairs(rows, treatment, "base", cuts), cuts)
    rows = one_condition(rows)
    left = rows.loc[(rows["treatment"] == treatment) & rows["n"].isin(list(cuts)), [*UNIT, "n", value]]
    right = rows.loc[rows["treatment"] == "base", [*UNIT, value]].rename(columns={value: "other"})
    joined = left.merge(right, on=list(UNIT), validate="many_to_one")
    joined["points"] = joined[value] - joined["other"]
    return by_unit(joined.dropna(subset="points"), cuts)


def cuts_of(rows: pd.DataFrame, treatments: Sequence[str] = TREATMENTS) -> tuple[int, ...]:
    """The n at which ``rows`` have one of ``treatments``."""
    mine = rows[rows["treatment"].isin(list(treatments)) & rows["n"].isin(CUTS)]
    return tuple(sorted(set(mine["n"])))


def middle_cuts(table: pd.DataFrame) -> tuple[int, ...]:
    """The n to judge the dip at: of 4 and 5 those at which every net and schedule has all its treatments.

    Where there is no such n, those of 4 and 5 at which there is a BnB, and else all n of BnB.
    """
    everything = [
        set(cuts_of(rows, [name])) for _, rows in conditions(table) for name in TREATMENTS if cuts_of(rows, [name])
    ]
    there = cuts_of(table, ["BnB"])
    middle = tuple(n for n in MIDDLE if n in there)
    return tuple(n for n in middle if all(n in cuts for cuts in everything)) or middle or there


def effects_of_dip(table: pd.DataFrame, treatments: Sequence[str] = TREATMENTS) -> pd.DataFrame:
    """Each treatment minus base at each n, in every condition: top-1 in points and training loss in nats.

    Columns ``net, epochs, batch_norm, times, treatment, n, value, mean, low, high, count``; ``value`` is ``top1`` or
    ``train_loss``. Intervals are over (split, seed, target), where at least two (split, seed) are behind them.
    ``attrs["missing"]`` says what was absent.
    """
    found, words = [], []
    for condition, rows in conditions(of_dip(table)):
        there = [name for name in treatments if name in set(rows["treatment"])]
        words += [f"{str(condition).capitalize()}: {word}" for word in _lacks(rows, there)]
        for name in there:
            for n in cuts_of(rows, [name]):
                for value, unit in VALUES.items():
                    points = over_base(rows, name, [n], value)
                    estimate = unit_interval(points, unit=unit) if len(points) else nothing("no pair", unit=unit)
                    found.append(
                        (condition.net, condition.epochs, condition.batch_norm, condition.times, name, n, value,
                         estimate.mean, estimate.low, estimate.high, estimate.count)
                    )  # fmt: skip
    columns = ["net", "epochs", "batch_norm", "times", "treatment", "n", "value", "mean", "low", "high", "count"]
    result = pd.DataFrame(found, columns=columns)
    result.attrs["missing"] = tuple(words)
    return result


def _lacks(rows: pd.DataFrame, treatments: Sequence[str]) -> Iterator[str]:
    for name in treatments:
        yield from missing(rows, [name], cuts_of(rows, [name]))
    if "base" not in set(rows["treatment"]):
        yield "base is absent, so nothing can be compared."


def schedules(table: pd.DataFrame, cuts: Sequence[int]) -> pd.DataFrame:
    """What more epochs alone give, in points, averaged over ``cuts``: the yardstick for a head start.

    A BnB has had its prefix trained before. Where base is still improving, that head start hides a dip. Columns ``net,
    batch_norm, comparison, mean, low, high, count``; the comparisons are base and BnB with the longest schedule minus
    themselves with the usual one, and BnB with the usual schedule minus base with the longest.
    """
    found = []
    everything = conditions(of_dip(table))
    for net in dict.fromkeys(condition.net for condition, _ in everything):
        mine = [(condition, rows) for condition, rows in everything if condition.net == net]
        (usual, short), (longest, long) = mine[0], mine[-1]
        if longest.usual:
            continue
        base, later = _top1(short, "base", (0,)), _top1(long, "base", (0,))
        own, own_later = _top1(short, "BnB", cuts), _top1(long, "BnB", cuts)
        for name, points in (
            (f"base, {longest.epochs} epochs - base, {usual.epochs}", later - base),
            (f"BnB, {longest.epochs} epochs - BnB, {usual.epochs}", own_later - own),
            (f"BnB, {usual.epochs} epochs - base, {longest.epochs}", own - later),
        ):
            points = points.dropna()
            estimate = unit_interval(points) if len(points) else nothing("no pair")
            found.append(
                (net, usual.batch_norm, name, estimate.mean, estimate.low, estimate.high, estimate.count)
            )  # fmt: skip
    return pd.DataFrame(found, columns=["net", "batch_norm", "comparison", "mean", "low", "high", "count"])


def _top1(rows: pd.DataFrame, treatment: str, cuts: Sequence[int]) -> pd.Series:
    """Top-1 in per cent, averaged over ``cuts``, by (split, seed, target)."""
    mine = rows[(rows["treatment"] == treatment) & rows["n"].isin(list(cuts))]
    return by_unit(mine.assign(points=100 * mine["top1"]), cuts)


def losses(table: pd.DataFrame, treatments: Sequence[str] = ("base", *TREATMENTS)) -> pd.DataFrame:
    """The mean training loss of the last epoch (nats) and the networks behind it: ``net, epochs, treatment, n, ...``.

    Columns ``net, epochs, batch_norm, times, treatment, n, train_loss, networks``. A mean over whatever networks there
    are, for reading; ``effects_of_dip`` has the paired differences.
    """
    found = []
    for condition, rows in conditions(table):
        for name in treatments:
            for n, cell in rows[rows["treatment"] == name].groupby("n"):
                loss = cell["train_loss"].dropna()
                found.append(
                    (condition.net, condition.epochs, condition.batch_norm, condition.times, name, int(n),
                     float(loss.mean()), len(loss))
                )  # fmt: skip
    return pd.DataFrame(
        found, columns=["net", "epochs", "batch_norm", "times", "treatment", "n", "train_loss", "networks"]
    )


def head_start_words(found: pd.DataFrame) -> str:
    """What ``schedules`` says of its first net, in a sentence; of an empty table, that no network learnt for longer."""
    if not len(found):
        return "No network learnt for longer, so the size of a head start is not known."
    rows = found[found["net"] == found["net"].iloc[0]]
    values = rows[["mean", "low", "high", "count"]].itertuples(index=False, name=None)
    more, _, against = (str(Estimate(*bounds, int(count), method="no interval")) for *bounds, count in values)
    names = list(rows["comparison"])
    return f"More epochs alone ({names[0]}) give {more}; {names[2]} is {against}."
