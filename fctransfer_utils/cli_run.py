"""``fctransfer run``: train the networks of a study that are missing, or only tell what is left of it."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import cli_study
from .cli_output import INTERRUPTED, OK, TIME_LIMIT, say
from .cli_study import execution_of, study_of
from .experiments.names import STUDIES

if TYPE_CHECKING:
    from .experiments.engine import RunReport


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.set_defaults(command=run)
    parser.add_argument("study", choices=STUDIES, help="which study")
    parser.add_argument("--store", required=True, metavar="DIR", help="where records and weights are kept")
    cli_study.add(parser, profile="quick")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes of one thread (1: this one)")
    parser.add_argument("--scheduler", metavar="tcp://HOST:PORT", help="train on an existing Dask cluster")
    parser.add_argument("--time-limit", type=float, metavar="SECONDS", help="end cleanly after so long")
    parser.add_argument("--table", metavar="CSV", help="rows of this table count as done")
    parser.add_argument("--checkpoints", metavar="DIR", help="where networks are kept while they learn; default: STORE")
    parser.add_argument(
        "--checkpoint-every", type=float, default=600.0, metavar="SECONDS", help="default: 600; 0: every evaluation"
    )
    parser.add_argument(
        "--plan", action="store_true", help="only tell what is left: work, memory, disk and time; train nothing"
    )
    parser.add_argument("--keep-weights", choices=("donors", "all"), default="donors", help="default: donors")
    parser.add_argument(
        "--execution", metavar="DEVICE/PRECISION", help="such as cpu/float32; default: by a short probe"
    )


def run(options: argparse.Namespace) -> int:
    """0: all that can be trained is; 3: the time limit came before; 130: interrupted. ``--plan`` trains nothing."""
    if options.plan:
        return _plan(options)
    from .experiments import engine
    from .experiments.store import Store

    study = study_of(options)
    before = signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        report = engine.run(
            study,
            Store(options.store),
            workers=options.workers,
            scheduler=options.scheduler,
            execution=execution_of(options.execution, elsewhere=options.scheduler is not None),
            time_limit=options.time_limit,
            table=options.table,
            data_root=options.data_root,
            keep_weights=options.keep_weights,
            checkpoints=options.checkpoints,
            checkpoint_every=options.checkpoint_every,
        )
    finally:
        signal.signal(signal.SIGTERM, before)
    say(_told(report))
    return INTERRUPTED if report.interrupted else TIME_LIMIT if report.timed_out else OK


def _told(report: RunReport) -> str:
    """What was trained and what is left, in a line."""
    from .experiments.progress import clock

    line = f"{report.done} trained, {report.skipped} done before, {report.remaining} left; {clock(report.seconds)}."
    if report.diverged:
        line += f" Diverged: {_some(report.diverged)}."
    if report.set_aside:
        line += f" Damaged files set aside and trained again: {_some(report.set_aside)}."
    if report.interrupted or report.timed_out:
        line += f" {'Interrupted' if report.interrupted else 'Time limit'}: the same command goes on from here."
    return line


def _some(keys: Sequence[str], *, most: int = 5) -> str:
    """Keys in a line; beyond ``most`` they are counted (``fctransfer status`` names all)."""
    rest = len(keys) - most
    return ", ".join(keys[:most]) + (f" and {rest} more" if rest > 0 else "")


def _plan(options: argparse.Namespace) -> int:
    from .experiments.forecast import EmptyStore, forecast, lines
    from .experiments.store import Store
    from .experiments.table import table_keys
    from .files import exists, expanded

    study = study_of(options)
    there = exists(expanded(options.store))
    found = forecast(
        study,
        Store(options.store, create=False) if there else EmptyStore(),
        known=table_keys(options.table) if options.table else (),
        data_root=options.data_root,
        workers=options.workers,
        execution=execution_of(options.execution),
    )
    say("\n".join(lines(found, study)))
    return OK


def _as_interrupt(*_: object) -> None:
    raise KeyboardInterrupt
