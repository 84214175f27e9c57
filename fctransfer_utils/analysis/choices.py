"""Ways to use a network, compared over splits of the same images, and the one to take.

A table of splits has a row for each choice in each split, with the columns ``choice``, ``split``, ``cut`` (how many
layers are kept, or nan), ``top1`` (per cent), ``seconds`` and ``learnt`` (parameters).
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from .stats import Interval, bracket, nadeau_bengio

LEAST = 3  # splits: of fewer an interval would be known by one or two differences alone
LAST, CHOSEN, SINGLE = "last cut", "chosen cut", "one cut"  # the usual choice, the best by images held out, and each
PLACES = "chosen cut, 2 x 2 places"  # the best where maps are averaged to four places in place of one


def compared(splits: pd.DataFrame, *, test_share: float) -> pd.DataFrame:
    """A row for each choice, and below for each cut alone (choice "one cut").

    ``mean, low, high, count``: with Nadeau and Bengio's interval over splits, each of which tests ``test_share`` of the
    images. ``gain, gain_low, gain_high``: the points over the last cut, paired by split. ``cut``: the median, and
    ``layers``: the range as text. ``seconds``: the mean, ``learnt``: the median.
    """
    usual, found = splits[splits["choice"] == LAST].set_index("split")["top1"], []
    alone = splits["cut"].where(splits["choice"] == SINGLE, 0)
    for (choice, _), rows in splits.groupby(["choice", alone], sort=False):
        values, cuts = rows.set_index("split")["top1"], sorted(rows["cut"].dropna().astype(int))
        level, gain = (_interval(each, test_share) for each in (values, (values - usual).dropna()))
        level = level._replace(low=max(level.low, 0.0), high=min(level.high, 100.0))  # nan, of too few splits, stays
        about = {
            "choice": choice, "cut": cuts[len(cuts) // 2] if cuts else float("nan"),
            "layers": " to ".join(dict.fromkeys(f"{cut}" for cut in (*cuts[:1], *cuts[-1:]))),
        }  # fmt: skip
        gained = {} if choice == LAST else {"gain": gain.mean, "gain_low": gain.low, "gain_high": gain.high}
        cost = {"seconds": rows["seconds"].mean(), "learnt": int(rows["learnt"].median())}
        found.append(about | level._asdict() | gained | cost)
    table = pd.DataFrame(found).sort_values("choice", key=lambda names: names == SINGLE, kind="stable")
    return table.reset_index(drop=True)


def decided(splits: pd.DataFrame, *, test_share: float) -> tuple[str, str]:
    """The choice to take, and a sentence on how sure that is.

    Of the last cut and the chosen one, which cost about the same, the higher mean is taken. What costs more takes its
    place, one after the other in the order of the table, only where the interval of the paired difference lies above 0;
    or where that over the last cut does, and that of what was taken so far does not, whose mean is lower.
    """
    wide = splits[splits["choice"] != SINGLE].pivot(index="split", columns="choice", values="top1")

    def over(first: str, second: str) -> Interval:
        return _interval((wide[first] - wide[second]).dropna(), test_share)

    take = LAST if wide[LAST].mean() >= wide[CHOSEN].mean() else CHOSEN
    costly = [name for name in dict.fromkeys(splits["choice"]) if name in wide and name not in (LAST, CHOSEN)]
    for name in costly:
        gain, surer = over(name, take), over(name, LAST).low > 0 and not over(take, LAST).low > 0
        take = name if gain.low > 0 or (surer and gain.mean > 0) else take
    rivals = [name for name in wide if name != take]
    nearest = min(rivals, key=lambda name: over(take, name).mean)
    told = []
    for name in dict.fromkeys([*([LAST] if take != LAST else []), nearest]):
        gain = over(take, name)
        word = "sure" if gain.low > 0 else "may be chance" if gain.low <= 0 <= gain.high else "not known"
        told.append(f"{bracket(gain, sign=True)} points over {name!r} ({word})")
    return take, f"How sure: {' and '.join(told)}."


def _interval(values: Iterable[float], test_share: float) -> Interval:
    found = nadeau_bengio(values, test_share)
    return found if found.count >= LEAST else found._replace(low=float("nan"), high=float("nan"))
