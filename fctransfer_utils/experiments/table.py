"""What a study has found so far, as a table: labels of the study, then what was measured (imports no torch)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..files import write_text
from .store import Store
from .studies import Study

if TYPE_CHECKING:
    import pandas as pd


class Status(NamedTuple):
    """How far a study is: networks ``done`` (some of them ``diverged``), ``left``, and the seconds that they took."""

    done: int
    diverged: int
    left: int
    seconds: float


def status(study: Study, store: Store) -> Status:
    """How far ``study`` is in ``store``; a network that it lists twice counts once."""
    found = [store.record(network) for network in {network.key: network for _, network in study}.values()]
    done = [record for record in found if record]
    diverged = sum(record.diverged for record in done)
    return Status(len(done), diverged, len(found) - len(done), sum(record.seconds for record in done))


def read(study: Study, store: Store) -> pd.DataFrame:
    """A row for each network of ``study`` that is trained: its labels, measures, and how it was trained.

    ``top1`` and its like are shares, 0 to 1. A row that ``diverged`` has no measures, so that no mean counts it.
    Networks of other studies in the same store are no rows.
    """
    import pandas as pd

    rows = []
    for labels, network in study:
        if record := store.record(network):
            rows.append(
                labels | record.rounded | {"diverged": record.diverged, "seconds": record.seconds} | record.setting
                | {"images": record.images, "version": record.version, "torch": record.torch, "key": record.key}
            )  # fmt: skip
    return pd.DataFrame(rows)


def write_csv(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table, whole or not at all; what is not UTF-8 in a name of the reader's comes through as escapes."""
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
