"""The evidence of the guide, collected: this notebook's own networks, and the committed tables of all studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from .lesson import Course

SETS = ("glyphs", "tiny-imagenet", "cifar10", "cifar100")
DISTANCES = "keep_distances"
OF_HALVES = "task_distances"


def all_evidence(run: Course, *, keep: pd.DataFrame, distances: pd.DataFrame) -> pd.DataFrame:
    """``analysis.guide_evidence.gather`` of everything there is.

    ``keep`` are the rows of the study in this notebook, ``distances`` its measure (``data, n, target_set, domain``; the
    highest n counts). Committed tables of every study and data set come on top, with the distances of halves that
    notebook 06 measured in both directions; where both have a network or a target set, this notebook's own counts.
    """
    from ..analysis.guide_evidence import STUDIES, gather

    tables: dict[str, list[pd.DataFrame]] = {"keep": [keep]}
    measured = [distances]
    for data in dict.fromkeys((run.data, *SETS)):
        for study in STUDIES:
            if run.has_evidence(study, data=data):
                tables.setdefault(study, []).append(run.evidence(study, data=data))
        for name in (DISTANCES, OF_HALVES):
            if run.has_evidence(name, data=data):
                measured.append(_named(run.evidence(name, data=data)))
    far = [part[part["n"] == part.groupby("data")["n"].transform("max")] for part in measured]
    first = pd.concat(far, ignore_index=True).drop_duplicates(["data", "target_set"])
    return gather({name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}, first)


def _named(measured: pd.DataFrame) -> pd.DataFrame:
    """The distances with a ``target_set``: a half of a split is named as in the study ``keep``."""
    if "target_set" in measured:
        return measured
    places = zip(measured["data"], measured["split"], measured["target"], strict=True)
    return measured.assign(target_set=[f"{data} {split}:{half}" for data, split, half in places])
