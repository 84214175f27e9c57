"""Every claim of the two papers that the course judges, in one table each: the paper's number, ours, where it is.

The verdicts are those of the notebooks' own rules (``claims``, ``claims_distant``, ``claims_volume``, ``claims_boost``,
``claims_dip`` for Yosinski et al. 2014; ``claims_fc`` and ``claims_firewall`` for Zhang et al. 2017), computed again
from the tables of their studies.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ..errors import InputError, unknown
from .claims import VERDICTS, Claim, claims_of_transfer
from .claims_boost import claims_of_boost
from .claims_dip import claims_of_dip
from .claims_distant import QUESTIONS, claims_of_distant
from .claims_fc import claims_of_fc
from .claims_firewall import claims_of_firewall
from .claims_volume import claims_of_volume
from .distant import tables_of
from .fc import chosen, fc_rows
from .volume import SIZES, half_classes, images_behind_all, volume_rows

STUDIES = ("transfer", "distant", "random", "volume", "dip")
NOT_JUDGED = "-"
CUTS = re.compile(r"n = \d[\d, -]*\d|n = \d")
SIDES = {"halves": "transfer", "distant": "distant", "filters": "random"}
FIGURE_3 = {question.id: tuple(SIDES[part] for part, _, _ in question.sides) for question in QUESTIONS}
MEASURED = "firewall"


@dataclass(frozen=True)
class Judged:
    """A claim with its verdict, and the tables that it was judged on: studies, or "firewall" for notebook 10's."""

    claim: Claim
    tables: tuple[str, ...]


def claims_of_everything(tables: Mapping[str, pd.DataFrame]) -> tuple[Claim, ...]:
    """Every claim that ``tables`` allow to judge, once: by study, the rows of one data set.

    A claim that two studies judge is taken from the first of: boost, transfer, distant and random, volume, dip. Raises
    InputError for an unknown study and for ``distant`` or ``random`` without ``transfer``, their yardstick.
    """
    return tuple(one.claim for one in judged_of_everything(tables))


def judged_of_everything(tables: Mapping[str, pd.DataFrame]) -> tuple[Judged, ...]:
    """``claims_of_everything``, each with the studies that it was judged on."""
    for name in tables:
        if name not in STUDIES:
            raise unknown("study", name, STUDIES)
    found: list[Judged] = []
    if "transfer" in tables:
        boosts = claims_of_boost(tables["transfer"])
        ours = {claim.id for claim in boosts}
        halves = [claim for claim in claims_of_transfer(tables["transfer"]) if claim.id not in ours]
        found += [Judged(claim, ("transfer",)) for claim in (*halves, *boosts)]
    if "distant" in tables or "random" in tables:
        found += [Judged(claim, tuple(dict.fromkeys(FIGURE_3[claim.id]))) for claim in _of_figure_3(tables)]
    if "volume" in tables:
        volume = tables["volume"]
        images = images_behind_all(str(volume["data"].iloc[0]))
        rows = volume_rows(volume, all_images=images)
        found += [Judged(claim, ("volume",)) for claim in claims_of_volume(rows)]
    if "dip" in tables:
        found += [Judged(claim, ("dip",)) for claim in claims_of_dip(tables["dip"])]
    return tuple({one.claim.id: one for one in reversed(found)}[id] for id in dict.fromkeys(j.claim.id for j in found))


def overview(by_data: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """A row per claim: ``claim, paper``, for each data set its estimate and its verdict, and ``where``; all text.

    ``by_data`` maps the name of a data set to its tables by study. Where they were judged at different n, the claim
    names those of the first and the others stand beside their estimates.
    """
    return beside({name: claims_of_everything(tables) for name, tables in by_data.items()})


def claims_of_zhang(tables: Mapping[str, pd.DataFrame]) -> tuple[Claim, ...]:
    """Every claim of Zhang et al. (2017) on one data set: ``tables`` has the rows of the study "fc" and, where they are
    committed, the measures of notebook 10 by their short names ("boxes", "retrieval", ...).

    Raises InputError without the study.
    """
    return tuple(one.claim for one in judged_of_zhang(tables))


def judged_of_zhang(tables: Mapping[str, pd.DataFrame]) -> tuple[Judged, ...]:
    """``claims_of_zhang``, each with the tables that it was judged on."""
    if "fc" not in tables:
        raise InputError("the claims of Zhang et al. are judged on the study 'fc'; pass its rows.")
    rows = chosen(fc_rows(tables["fc"]))
    study = [Judged(claim, ("fc",)) for claim in claims_of_fc(rows)]
    return (*study, *(Judged(claim, ("fc", MEASURED)) for claim in claims_of_firewall({**tables, "fc": rows})))


def zhang_overview(by_data: Mapping[str, Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    """``overview`` for the claims of Zhang et al. (2017); see ``claims_of_zhang`` for the tables."""
    return beside({name: claims_of_zhang(tables) for name, tables in by_data.items()})


def beside(by_data: Mapping[str, Sequence[Claim]]) -> pd.DataFrame:
    """A row per claim with each data set's estimate and verdict side by side; columns as in ``overview``."""
    return beside_by_id(by_data).reset_index(drop=True)


def beside_by_id(by_data: Mapping[str, Sequence[Claim]]) -> pd.DataFrame:
    """``beside`` with the claims' ids as its index."""
    judged = {name: {claim.id: claim for claim in claims} for name, claims in by_data.items()}
    rows = {}
    for id in dict.fromkeys(id for claims in judged.values() for id in claims):
        there = [claims[id] for claims in judged.values() if id in claims]
        row = {"claim": there[0].statement, "paper": there[0].paper}
        for name, claims in judged.items():
            claim = claims.get(id)
            row[name] = NOT_JUDGED if claim is None or claim.ours is None else _told(claim, there[0])
            row[f"verdict ({name})"] = NOT_JUDGED if claim is None else claim.verdict
        rows[id] = {**row, "where": there[0].where}
    return pd.DataFrame(list(rows.values()), index=pd.Index(list(rows), name="id"))


def verdict_counts(by_data: Mapping[str, Sequence[Claim]]) -> pd.DataFrame:
    """How many claims got which verdict, a row per data set: ``data``, the verdicts, ``no interval``, ``not judged``.

    ``no interval`` are those of the inconclusive ones that have one network, or none, on a side; ``not judged`` the
    claims that another data set decides on and this one has no study for.
    """
    ids = {claim.id for claims in by_data.values() for claim in claims}
    rows = []
    for name, claims in by_data.items():
        verdicts = [claim.verdict for claim in claims]
        bare = sum(claim.ours is None or not claim.ours.has_interval for claim in claims)
        counts = {verdict: verdicts.count(verdict) for verdict in VERDICTS}
        rows.append({"data": name, **counts, "no interval": bare, "not judged": len(ids) - len(claims)})
    return pd.DataFrame(rows, columns=["data", *VERDICTS, "no interval", "not judged"])


def _told(claim: Claim, first: Claim) -> str:
    """The estimate, with its n where they are not those of ``first``, and what else the verdict looked at."""
    own, other = (CUTS.findall(each.statement)[-1:] for each in (claim, first))
    cuts = f" (at {own[0]})" if own != other and own else ""
    return f"{claim.ours}{cuts}" + (f"; {claim.parts}" if claim.parts else "")


def chance_of(label: str) -> float:
    """The top-1 of guessing on one half of the classes of a table's ``label``, such as ``glyphs[50x60]``: 1 / 25.

    Raises InputError for a data set whose label does not tell its classes.
    """
    classes = half_classes(label)
    if classes is None:
        raise InputError(f"the name {label!r} does not tell how many classes there are; known: {', '.join(SIZES)}.")
    return 1 / classes


def _of_figure_3(tables: Mapping[str, pd.DataFrame]) -> tuple[Claim, ...]:
    if "transfer" not in tables:
        raise InputError("distant and random are judged beside random halves; pass the study 'transfer' as well.")
    halves = tables["transfer"]
    nothing = halves.iloc[:0]
    chance = chance_of(str(halves["data"].iloc[0]))
    return claims_of_distant(
        tables_of(halves, tables.get("distant", nothing), tables.get("random", nothing)), chance=chance
    )
