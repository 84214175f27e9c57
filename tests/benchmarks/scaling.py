"""The engine on a Dask cluster of this machine: how much 1, 2 and 4 workers bring, and what each network costs beside
its training.

The cluster is what a user starts: one process of ``dask scheduler`` and one of ``dask worker`` per worker.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from cluster.processes import Processes
from made_records import made_outcome, made_study

from fctransfer_utils.experiments import engine, places
from fctransfer_utils.experiments.progress import Progress
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import Study, transfer_study
from fctransfer_utils.training import Execution

from . import measure
from .task import Task

SCALING = ["where", "networks", "seconds", "seconds in training", "efficiency"]
OVERHEAD = ["where", "networks", "ms per network"]
WORKERS = (1, 2, 4)
NOTHING = Path(__file__).with_name("nothing.py")
HERE = "this process"


def scaling(task: Task, *, seeds: int, execution: Execution) -> list[list[object]]:
    """One row per place. Seconds from the first network's start to the last one's end; those in training are summed.

    Every process has trained before, and has the images. Efficiency is that of this process per core at work: its
    seconds over those of the place times the smaller of workers and cores. In the last row a second worker, which has
    everything still to load, is started after a third of the networks.
    """
    study = cheap_study(task, range(seeds))
    with _cluster() as there:
        _timed(cheap_study(task, range(seeds, seeds + 1)), execution)
        rows = [[HERE, len(study.runs), *_timed(study, execution), 1]]
        for count in WORKERS:
            _have(there, count)
            _timed(cheap_study(task, range(seeds, seeds + count)), execution, there)
            rows.append([_called(count), len(study.runs), *_timed(study, execution, there), count])
        _have(there, 1)
        joined = _timed(study, execution, there, third=there.worker)
        rows.append(["1 worker, then 2", len(study.runs), *joined, 2])
    alone = rows[0][2]
    return [[*row[:-1], alone / (row[2] * min(row[-1], measure.cores()))] for row in rows]


def overhead(networks: int, *, execution: Execution) -> list[list[object]]:
    """Milliseconds per network whose training takes no time: engine, cluster and store alone."""
    study = made_study(networks, data=Task(classes=4, per_class=4).data)
    with patch.object(places, "train_job", made_outcome):
        rows = [[HERE, networks, 1000 * _timed(study, execution)[0] / networks]]
    with _cluster(preload=NOTHING) as there:
        for count in WORKERS[:2]:
            _have(there, count)
            rows.append([_called(count), networks, 1000 * _timed(study, execution, there)[0] / networks])
    return rows


def cheap_study(task: Task, seeds: Iterable[int]) -> Study:
    """Fourteen networks a seed, each trained by itself: bases, and those that start from them and learn in full."""
    return transfer_study(
        data=task.data,
        net=task.net,
        recipe=task.recipe,
        seeds=tuple(seeds),
        treatments=("base", "BnB+", "AnB+"),
        cuts=(1, 4, 7),
    )


def _called(workers: int) -> str:
    return f"{workers} worker{'s' * (workers > 1)}"


def _timed(
    study: Study,
    execution: Execution,
    there: Processes | None = None,
    *,
    third: Callable[[], object] = lambda: None,
) -> tuple[float, float]:
    """Seconds of the whole study from the start of its networks on, and the sum of their seconds in training."""
    began = ended = 0.0

    def report(now: Progress) -> None:
        nonlocal began, ended
        began = time.perf_counter() if now.event == "start" else began
        ended = time.perf_counter() if now.event == "trained" else ended
        if now.event == "trained" and now.trained == len(study.runs) // 3:
            third()

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "store")
        scheduler = None if there is None else there.address
        engine.run(study, store, progress=report, scheduler=scheduler, execution=execution)
        return ended - began, sum(record.seconds for record in store.records())


def _have(there: Processes, count: int) -> None:
    """See that ``count`` workers are there, and no more."""
    for each in there.alive[count:]:
        each.kill()
        each.wait()
    while len(there.alive) < count:
        there.worker()
    there.ready()
    if len(there.alive) != count:
        raise RuntimeError(f"of {_called(count)} {len(there.alive)} started; see the logs in {there.folder}")


class _cluster:
    """A scheduler in a temporary folder; its workers end with it."""

    def __init__(self, preload: Path | None = None) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.there = Processes(Path(self.folder.name), preload=preload)

    def __enter__(self) -> Processes:
        return self.there

    def __exit__(self, *_: object) -> None:
        self.there.close()
        self.folder.cleanup()


def small(task: Task) -> Task:
    """A network of well under a second, so that what is beside its training weighs."""
    return replace(task, classes=10, per_class=64, width=12, epochs=2)
