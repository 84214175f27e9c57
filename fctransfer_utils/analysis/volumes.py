"""Which treatment of few images is best, how sure that is, and where it is open."""

from __future__ import annotations

from itertools import permutations

import pandas as pd

from .effects import effect

TREATMENTS = ("scratch", "frozen", "fine-tuned")


def best_treatment(table: pd.DataFrame) -> pd.DataFrame:
    """The map: a row for each number of images a class and each n, with the best of the three treatments.

    ``table``: networks as ``analysis.effects`` has them, with ``per_class``. Columns ``per_class, n, best, second``,
    ``gain`` (of the best over scratch), ``mean, low, high`` (points by which it leads the second, with the t interval
    over replicates), ``count`` and ``open``: the interval does not lie above 0, or there is none. The best was chosen
    by the same networks, so that the lead is a little too large where several are equally good; these are the open
    ones. Raises InputError for a treatment that the table lacks.
    """
    if "diverged" in table:  # a replicate goes with any network that diverged: else means would be over others
        lost = table["diverged"].eq(True).groupby([table["per_class"], table["replicate"]]).transform("any")
        table = table[~lost]
    leads = {
        pair: effect(table, *pair, by=("per_class", "n")).set_index(["per_class", "n"])
        for pair in permutations(TREATMENTS, 2)
    }
    found = []
    for place in leads["frozen", "fine-tuned"].index:
        gains = {name: leads[name, "scratch"].loc[place, "mean"] for name in TREATMENTS[1:]} | {"scratch": 0.0}
        if pd.Series(gains).notna().all():
            best, second, _ = sorted(gains, key=gains.__getitem__, reverse=True)
            lead = leads[best, second].loc[place, ["mean", "low", "high", "count"]].to_dict()
            where = dict(zip(("per_class", "n"), place, strict=True))
            told = {"best": best, "second": second, "gain": gains[best]} | lead
            found.append(where | told | {"open": not lead["low"] > 0})
    columns = ["per_class", "n", "best", "second", "gain", "mean", "low", "high", "count", "open"]
    return pd.DataFrame(found, columns=columns)
