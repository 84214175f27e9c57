"""Is a table true here? Some of its networks are trained again, donors included, and compared."""

from __future__ import annotations

import math
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import InputError
from .engine import run
from .store import Record, Store
from .studies import Labels, Study

if TYPE_CHECKING:
    import pandas as pd


TOLERANCE = 0.03  # of a top-1: on other processors a network ends as another seed would make it


class Verdict(NamedTuple):
    """``word``: "equal" (every measure, to the digits of the table), "within" (top-1 within ``TOLERANCE``) or
    "different". ``was`` and ``now`` are the measures; ``same_images``: whether the fingerprints agree.
    """

    labels: Labels
    word: str
    was: dict[str, float]
    now: dict[str, float]
    same_images: bool


def verify(table: pd.DataFrame, study: Study, *, count: int = 3, device: str = "", **options: Any) -> list[Verdict]:
    """Train ``count`` random rows of ``table`` again, in the dtype and on the device of the table or on ``device``.

    Other processors and versions of torch give other last digits, so that not every network is "equal" there. The
    other options are those of ``engine.run``. Raises InputError for a table whose networks ``study`` does not list.
    """
    listed = {network.key: (labels, network) for labels, network in study}
    strange = sorted(set(table["key"]) - listed.keys())
    if strange or table.empty:
        raise InputError(
            f"{len(strange)} of the table's {len(table)} networks are none of this study's; give the study, the "
            "profile and the options that the table was made with."
        )
    verdicts = []
    rows = table.sample(min(count, len(table)), random_state=0)
    for (trained_on, dtype), chosen in rows.groupby(["device", "dtype"], sort=False):
        with tempfile.TemporaryDirectory() as folder:
            store = Store(folder)
            again = [listed[key] for key in chosen["key"]]
            report = run(again, store, device=device or trained_on, dtype=dtype, **options)
            if report.left:
                raise InputError(f"{report.stopped}: {report.left} networks are not trained, so nothing is verified.")
            for row, (labels, network) in zip(chosen.to_dict("records"), again, strict=True):
                verdicts.append(_compared(row, labels, store.record(network)))
    return verdicts


def _compared(row: dict[str, Any], labels: Labels, record: Record) -> Verdict:
    import pandas as pd

    now = record.rounded
    was = {name: row[name] for name in ("loss", "top1", "train_top1", "validation_top1") if pd.notna(row.get(name))}
    word = "different"
    if bool(row["diverged"]) == record.diverged:
        if was == now:
            word = "equal"
        elif abs(was.get("top1", math.nan) - now.get("top1", math.nan)) <= TOLERANCE:
            word = "within"
    return Verdict(labels, word, was, now, record.images == row["images"])
