"""From a notebook to the engine: train what is missing, and hand back rows or networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import InputError, unknown
from . import show
from .progress import reporter

if TYPE_CHECKING:
    import pandas as pd
    from torch import nn

    from ..experiments.record import Record
    from ..experiments.spec import RunSpec
    from ..experiments.study import Study
    from .lesson import Course


@dataclass(frozen=True)
class Trained:
    """A trained network (8 named layers, in eval mode) and its record."""

    net: nn.Sequential
    record: Record


def train_study(run: Course, study: Study) -> pd.DataFrame:
    """The rows of ``study``, trained as far as neither the store nor, in ``full``, the committed table has them.

    They are written beside the figures; those of a taste never into the committed table.
    """
    import pandas as pd

    from ..experiments.table import columns_of, merge, read_table, tidy, write_table

    committed = run.project.evidence(study.name)
    known = read_table(committed) if run.profile == "full" and committed.exists() else []
    _train(run, study, table=committed if known else None)
    wanted = set(study.keys)
    mine = tidy([record for record in run.store.records() if record.key in wanted], study=study.name)
    rows = merge(mine, known)
    folder = run.project.build / "figures" if study.taste else run.figures
    target = folder / "data" / f"{study.name}.csv"
    write_table(merge(rows, read_table(committed)) if target == committed and committed.exists() else rows, target)
    return pd.DataFrame([row for row in rows if row["key"] in wanted], columns=list(columns_of(rows)))


def bases(run: Course, *, split: str, seed: int) -> dict[str, Trained]:
    """The base networks of ``split`` and ``seed`` by half, with their weights."""
    everything = run.plan(splits=(split,), seeds=(seed,))
    wanted = [spec for spec in everything.runs if spec.treatment == "base"]
    if not wanted:
        raise unknown("split", split, sorted({spec.split for spec in run.plan().runs}))
    return {spec.target: net for spec, net in zip(wanted, with_weights(run, wanted), strict=True)}


def with_weights(run: Course, specs: Sequence[RunSpec]) -> list[Trained]:
    """The networks of ``specs`` (of this notebook's images) with their weights, trained now where missing."""
    from ..experiments.study import Study

    _train(run, Study(name=specs[0].treatment, runs=tuple(specs)))
    return [_load(run, run.store.record(spec.key)) for spec in specs]


def _train(run: Course, study: Study, *, table=None) -> None:
    from ..experiments import engine

    report = engine.run(
        study,
        run.store,
        workers=min(run.workers, len(study.runs)),
        table=table,
        progress=reporter(),
        data_root=run.project.data,
        patient=True,
    )
    if report.interrupted:
        show.line(f"stopped; {report.remaining} networks are left. Run this cell again to go on.")
        raise KeyboardInterrupt
    if report.remaining:
        raise InputError(
            f"{report.remaining} networks of the study could not be trained; run this cell again, or look into"
            f" {run.project.shown(run.store.path)}."
        )
    if report.diverged:
        show.line(f"{len(report.diverged)} networks diverged; they stay in the table with their last top-1")


def _load(run: Course, record: Record) -> Trained:
    from ..data.splits import make_split
    from ..models import build

    spec = record.spec
    classes = len(make_split(spec.split, run.images()).halves[spec.target])
    net = build(spec.net, classes=classes, image_size=spec.input_size, seed=0)
    net.load_state_dict(run.store.weights(record.key))
    return Trained(net.eval(), record)
