"""What the papers claim, and one judge for all of it.

``figures/tables/claims.csv`` holds the claims in words of ours, with the published number, which treatments are
compared at which n, and a margin that was fixed, at ``date``, before any network that is judged was trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import inf, nan
from pathlib import Path

import pandas as pd

from ..data.spec import SOURCES
from ..errors import InputError, one_line, unknown
from ..files import TABLES
from .effects import WITHOUT_CUT, by_replicate, effect
from .stats import difference_from, holm, t_interval, tost

SIDES = ("below", "above", "within")
WORDS = ("holds", "fails", "open", "not testable here")
COLUMNS = (
    "id", "paper", "claim", "published", "source", "first", "second", "cuts", "side", "margin", "flat_base", "dataset",
    "split", "where", "against", "date", "why",
)  # fmt: skip
ERROR = 0.05  # of each family of claims: those of one paper on one data set
FLAT = 1.0  # points: a base network that gains more from twice the epochs was not trained enough


def claims(path: Path | str | None = None) -> pd.DataFrame:
    """The claims, one for each row.

    ``side`` and ``margin`` (points): the difference ``first`` - ``second``, averaged over the ``cuts`` (n, separated
    by blanks), lies "below" -margin, "above" +margin, or "within" +-margin. ``flat_base``: "yes" where the claim can
    only be judged on base networks that are trained enough. ``dataset``: "any", or the one that it is about; ``split``
    as in the table of networks. Raises InputError for a file that does not say so.
    """
    file = Path(path) if path else TABLES / "claims.csv"
    try:
        rules = pd.read_csv(file, dtype={"cuts": str, "where": str, "against": str})
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the claims in {file.name} ({one_line(error)}); restore the file.") from error
    absent = [name for name in COLUMNS if name not in rules]
    if absent:
        raise InputError(f"the claims in {file.name} have no column {absent[0]!r}; give {', '.join(COLUMNS)}.")
    rules[["where", "against"]] = rules[["where", "against"]].fillna("")
    allowed = {"side": SIDES, "flat_base": ("yes", "no"), "dataset": ("any", *SOURCES)}
    for rule in rules.itertuples():
        for name, values in allowed.items():
            if getattr(rule, name) not in values:
                raise unknown(f"{name} of claim {rule.id}", getattr(rule, name), values)
        if any(part.count("=") != 1 for part in rule.where.split()):
            raise InputError(f"claim {rule.id} is said of where {rule.where!r}; write 'column=value', as 'target=A'.")
        try:
            good = 0 < float(rule.margin) < inf and bool(_cuts(rule.cuts)) and bool(date.fromisoformat(rule.date))
        except (TypeError, ValueError):
            good = False
        if not good:
            raise InputError(
                f"claim {rule.id} has margin {rule.margin!r}, cuts {rule.cuts!r} and date {rule.date!r}; give a margin "
                "above 0 in points, cuts such as '4 5' and a date such as '2026-11-30'."
            )
    if rules["id"].duplicated().any():
        raise InputError(f"two claims are called {rules['id'][rules['id'].duplicated()].iloc[0]!r}; name each once.")
    return rules


def judge(rules: pd.DataFrame, table: pd.DataFrame, *, untestable: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The claims of ``rules`` on every data set of ``table`` (networks, see ``effects``): a row for each of both.

    To the columns of the claim come ``data, mean, low, high`` (points), ``level`` of the interval, ``count``
    (replicates), ``left_out`` (see ``effects.effect``), ``p, p_holm, alone, word, reason``. The words:

    - *holds*: the whole interval lies beyond the margin (for "within": inside of it, that is two one-sided tests at
      5 %, whose interval is that of 90 %; else 95 %);
    - *fails*: the whole interval lies short of it;
    - *open*: the margin lies in the interval;
    - *not testable here*: networks or replicates are missing, the base networks are not flat, or the claim's id is in
      ``untestable``; ``reason`` says which, or is the text that stands there.

    ``alone`` judges the claim as if it were the only one. ``word`` keeps *holds* and *fails* only where p is below
    0.05 after Holm's adjustment within the paper and data set.
    """
    if "data" not in table:
        raise InputError(f"the table has no column 'data'; it has {', '.join(map(str, table.columns))}.")
    found = pd.DataFrame(
        [
            rule | {"data": data} | _verdict(rule, rows, untestable or {})
            for data, rows in table.groupby("data", sort=False)
            for rule in rules.to_dict("records")
            if rule["dataset"] in ("any", data)
        ],
        columns=[*rules.columns, "data", *_UNJUDGED, "word"],
    )
    found["p_holm"] = found.groupby(["paper", "data"])["p"].transform(holm)
    found["word"] = found["alone"].where(~(found["p_holm"] >= ERROR), "open")
    return found


_UNJUDGED = {
    "mean": nan, "low": nan, "high": nan, "level": nan, "count": 0, "left_out": "", "p": nan, "p_holm": nan,
    "alone": "not testable here", "reason": "",
}  # fmt: skip


def _verdict(rule: dict, rows: pd.DataFrame, untestable: Mapping[str, str]) -> dict:
    """What the networks of one data set say to one claim, before Holm."""
    if rule["id"] in untestable:
        return _UNJUDGED | {"reason": untestable[rule["id"]]}
    cuts, pair = _cuts(rule["cuts"]), (rule["first"], rule["second"])
    rows = rows[rows["treatment"].isin([*pair, "base", "long"])]
    parts = [_part(rows, cuts, rule["split"], rule["where"])]
    if rule["against"]:
        parts.append(_part(rows, cuts, rule["against"]))
    flat = rule["flat_base"] == "yes"
    for part in parts:
        for name in (*pair, *(("long", "base") if flat else ())):
            there = set(part.loc[part["treatment"] == name, "n"])
            if not there or (name not in WITHOUT_CUT and not cuts <= there):
                where = "" if name in WITHOUT_CUT else f" at n = {', '.join(map(str, sorted(cuts - there)))}"
                return _UNJUDGED | {"reason": f"no network {name}{where}"}
    level = 1 - 2 * ERROR if rule["side"] == "within" else 1 - ERROR
    left_out = [effect(part, *pair, by=())["left_out"].iloc[0] for part in parts]
    found = [by_replicate(part, *pair, by=()).set_index("replicate")["difference"] for part in parts]
    values = found[0] if len(found) == 1 else (found[0] - found[1]).dropna()
    told = _UNJUDGED | t_interval(values, level)._asdict()
    told |= {"level": level, "left_out": "; ".join(filter(None, left_out))}
    if pd.isna(told["low"]):
        return told | {"reason": f"no interval: two complete replicates that differ are needed, of {len(values)}"}
    if flat:
        gain = effect(parts[0], "long", "base", by=())["mean"].iloc[0]
        if not abs(gain) <= FLAT:
            return told | {"reason": f"base is not flat: twice the epochs change it by {gain:+.1f} points"}
    word, p = _word(values, rule["side"], rule["margin"])
    return told | {"alone": word if p < ERROR else "open", "p": p}


def _part(rows: pd.DataFrame, cuts: set[int], split: str, where: str = "") -> pd.DataFrame:
    """The networks of ``split`` and ``where`` at the ``cuts``, with those that are compared with every n."""
    rows = rows[rows["split"] == split] if "split" in rows else rows
    for name, value in (part.split("=") for part in where.split()):
        column = rows[name] if name in rows else pd.Series(index=rows.index, dtype=object)
        rows = rows[column == (float(value) if pd.api.types.is_numeric_dtype(column) else value)]
    return rows[rows["n"].isin(cuts) | rows["treatment"].isin(WITHOUT_CUT)]


def _word(values: pd.Series, side: str, margin: float) -> tuple[str, float]:
    """The side of the margin on which the mean lies, and the p of the test that it does."""
    mean = values.mean()
    if side == "within":
        if abs(mean) < margin:
            return "holds", tost(values, margin)
        return "fails", difference_from(values, margin if mean > 0 else -margin) / 2
    bound = margin if side == "above" else -margin
    return ("holds" if (mean > bound) == (side == "above") else "fails"), difference_from(values, bound)


def _cuts(text: str) -> set[int]:
    return {int(n) for n in text.split()}
