"""The evidence of the guide, collected: this notebook's own networks, and the committed tables of all studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from .lesson import Course

SETS = ("glyphs", "tiny-imagenet", "cifar10", "cifar100")
DISTANCES = "keep_distances"


def all_evidence(run: Course, *, keep: pd.DataFrame, distances: pd.DataFrame) -> pd.DataFrame:
    """``analysis.guide_evidence.gather`` of everything there is.

    ``keep`` are the rows of the study in this notebook, ``distances`` its measure (``data, n, target_set, domain``; the
    highest n counts). Committed tables of every study and data set come on top; where both have a network or a measured
    data set, this notebook's own counts.
    """
    from ..analysis.guide_evidence import STUDIES, gather

    tables: dict[str, list[pd.DataFrame]] = {"keep": [keep]}
    measured = [distances]
    for data in dict.fromkeys((run.data, *SETS)):
        for study in STUDIES:
            if run.has_evidence(study, data=data):
                tables.setdefault(study, []).append(run.evidence(study, data=data))
        if run.has_evidence(DISTANCES, data=data):
            committed = run.evidence(DISTANCES, data=data)
            measured.append(committed[~committed["data"].isin(distances["data"])])
    far = pd.concat(measured, ignore_index=True)
    deepest = far[far["n"] == far.groupby("data")["n"].transform("max")]
    return gather({name: pd.concat(parts, ignore_index=True) for name, parts in tables.items()}, deepest)
