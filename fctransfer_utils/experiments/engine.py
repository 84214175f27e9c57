"""The one engine: train what a study still needs, here or on Dask workers, and keep every finished network.

Only this process writes to the store; workers send records and weights back. So workers need no shared folder, and a
kill loses at most the networks in flight.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, unknown
from .plan import Plan, make_plan
from .progress import Counter, Reporter, automatic
from .record import Record
from .store import Store
from .study import Study
from .table import table_keys
from .worker import Job, Outcome, load_images, train_job

if TYPE_CHECKING:
    from ..data.spec import DataSpec
    from ..training.execution import Execution
    from .record import AnySpec

KEEP_WEIGHTS = ("donors", "all")
SLACK = 0.9
RENDERED = "glyphs"


@dataclass(frozen=True)
class RunReport:
    """What one call of ``run`` did: networks trained (``done``), counted as done before, and left to do.

    ``timed_out`` and ``interrupted`` say why something is left; ``diverged`` and ``set_aside`` hold keys.
    """

    done: int
    skipped: int
    remaining: int
    seconds: float
    interrupted: bool = False
    timed_out: bool = False
    diverged: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()


@dataclass
class Session:
    """The state of one call: what is left, where results go, and until when."""

    store: Store
    execution: Execution
    counter: Counter
    waiting: list[AnySpec]
    data_root: str | None
    keep_weights: str
    deadline: float | None
    fingerprints: dict[DataSpec, str] = field(default_factory=dict)
    donors: frozenset[str] = frozenset()
    seconds: dict[tuple[str, int], float] = field(default_factory=dict)
    diverged: list[str] = field(default_factory=list)
    closing: bool = False

    def seconds_left(self) -> float | None:
        """Until the time limit; None without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def next_job(self, running: frozenset[str] = frozenset()) -> tuple[AnySpec, ...]:
        """Take the first network off the list whose donor is there and for which there is time, and with it all of its
        crew whose donors are there; none without one.
        """
        pending = running | {run.key for run in self.waiting}

        def ready(run: AnySpec) -> bool:
            return run.donor is None or run.donor.key not in pending

        for run in [] if self.closing else self.waiting:
            if not ready(run):
                continue
            crew = [run]
            if run.crew is not None:
                crew = [each for each in self.waiting if each.crew == run.crew and ready(each)]
            if self._in_time(run, len(crew)):
                taken = {each.key for each in crew}
                self.waiting[:] = [each for each in self.waiting if each.key not in taken]
                return tuple(crew)
        return ()

    def job(self, runs: tuple[AnySpec, ...], *, donors: Mapping[str, bytes]) -> Job:
        """What a process must know to train ``runs``."""
        every = self.keep_weights == "all"
        return Job(
            runs=runs,
            execution=self.execution,
            donors=donors,
            data_root=self.data_root,
            fingerprint=self.fingerprints[runs[0].data],
            keep=frozenset(r.key for r in runs if every or r.treatment == "base" or r.key in self.donors),
            seconds=self.seconds_left(),
        )

    def keep(self, runs: tuple[AnySpec, ...], outcome: Outcome) -> None:
        """Write what came back to the store; after a network that was given up for lack of time none is begun."""
        self.closing = self.closing or not outcome.records
        for run, record in zip(runs, outcome.records, strict=False):
            self.store.add(record, outcome.weights.get(record.key))
            self.seconds[_kind(run)] = record.seconds
            if record.result.diverged:
                self.diverged.append(record.key)
            self.counter.tell("trained", run=run, record=record)

    def _in_time(self, run: AnySpec, count: int) -> bool:
        """Whether ``count`` networks like ``run`` end before the time limit, by those that were trained before."""
        left = self.seconds_left()
        if left is None:
            return True
        known = self.seconds.get(_kind(run)) or min(self.seconds.values(), default=0.0)
        return left > 0 and known * count * SLACK <= left


def run(
    study: Study,
    store: Store,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    execution: Execution | None = None,
    time_limit: float | None = None,
    table: Path | str | None = None,
    progress: Reporter | None = None,
    data_root: Path | str | None = None,
    keep_weights: str = "donors",
) -> RunReport:
    """Train every network of ``study`` that neither ``store`` nor the CSV ``table`` holds.

    One after another in this process (``workers`` 1), in ``workers`` processes of one thread, or on the Dask cluster
    at ``scheduler`` ("tcp://HOST:PORT"): the records are the same. ``time_limit`` in seconds: no network is begun that
    cannot end in time, and those in flight then are given up. Ctrl-C ends cleanly too: the report says ``interrupted``.
    ``keep_weights``: "donors" keeps the bases' weights, "all" everyone's.

    Raises InputError (StoreError) for unusable options, a store that is in use or not writable, and unusable data.
    """
    _check_options(workers, time_limit, keep_weights)
    known = table_keys(table) if table is not None else frozenset()
    start = time.monotonic()
    deadline = None if time_limit is None else start + time_limit
    with store.locked():
        damaged = store.mend()
        plan = make_plan(study, store, known=known)
        damaged |= _set_weights_aside(plan, store)
        counter = Counter(progress or automatic(), done=len(plan.skipped), total=len(plan.skipped) + len(plan.todo))
        if not plan.todo:
            _compare_rendered(plan, store, data_root)
            return RunReport(0, len(plan.skipped), 0, time.monotonic() - start, set_aside=tuple(damaged))
        session = _begin(plan, store, execution, counter, data_root, keep_weights, deadline)
        interrupted = False
        try:
            _train_all(session, workers, scheduler)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            counter.tell("end")
    remaining = len(plan.todo) - counter.trained
    return RunReport(
        done=counter.trained,
        skipped=len(plan.skipped),
        remaining=remaining,
        seconds=time.monotonic() - start,
        interrupted=interrupted,
        timed_out=bool(remaining) and not interrupted,
        diverged=tuple(session.diverged),
        set_aside=tuple(damaged),
    )


def _begin(plan: Plan, store: Store, execution, counter, data_root, keep_weights, deadline) -> Session:
    from ..training.execution import probe

    execution = store.settle_execution(execution, probe)
    root = None if data_root is None else str(Path(data_root).expanduser().absolute())
    session = Session(
        store=store,
        execution=execution,
        counter=counter,
        waiting=list(plan.todo),
        data_root=root,
        keep_weights=keep_weights,
        deadline=deadline,
        donors=frozenset(run.donor.key for run in plan.todo if run.donor is not None),
    )
    for data in dict.fromkeys(run.data for run in plan.todo):
        session.fingerprints[data] = load_images(data, root, progress=sys.stderr.isatty()).fingerprint
    _compare(session, plan.todo[0])
    return session


def _compare(session: Session, first: AnySpec) -> None:
    """Check that the store's records saw the same images, and learn from them how long networks take."""
    for record in session.store.records():
        data = record.spec.data
        if data in session.fingerprints:
            _same_images(record, session.fingerprints[data], session.store)
        if (data, record.spec.net, record.spec.recipe) == (first.data, first.net, first.recipe):
            session.seconds[_kind(record.spec)] = record.seconds


def _compare_rendered(plan: Plan, store: Store, data_root: Path | str | None) -> None:
    """Where all is done: check that rendered images, which are always to be had, are still those of the records."""
    done = {run.key for run in plan.skipped if run.data.name == RENDERED}
    for record in store.records() if done else ():
        if record.key in done:
            _same_images(record, load_images(record.spec.data, data_root).fingerprint, store)


def _train_all(session: Session, workers: int, scheduler: str | None) -> None:
    if scheduler is None and workers == 1:
        _train_here(session)
        return
    from .cluster import local_cluster, remote_cluster, train_on

    with remote_cluster(scheduler) if scheduler else local_cluster(workers) as client:
        train_on(client, session)


def _train_here(session: Session) -> None:
    session.counter.start()
    from ..training.execution import one_thread

    with one_thread(session.execution):
        while runs := session.next_job():
            job = session.job(runs, donors={key: session.store.weights_bytes(key) for key in donors_of(runs)})
            session.keep(runs, train_job(job, on_epoch=_telling(session, runs[0])))


def donors_of(runs: tuple[AnySpec, ...]) -> tuple[str, ...]:
    """The keys of the networks that ``runs`` start from, each once."""
    return tuple(dict.fromkeys(run.donor.key for run in runs if run.donor is not None))


def _telling(session: Session, run: AnySpec) -> Callable:
    return lambda epoch: session.counter.tell("epoch", run=run, epoch=epoch)


def _set_weights_aside(plan: Plan, store: Store) -> dict[str, str]:
    """Donors that are trained again because their weights are damaged: keep the damaged files, with the reason."""
    reasons = {}
    for run in plan.todo:
        if store.has(run.key):
            reason = store.weights_fault(run.key)
            if reason and reason != "they are not kept":
                reasons[run.key] = reason
                store.set_aside(run.key, f"weights: {reason}")
    return reasons


def _same_images(record: Record, fingerprint: str, store: Store) -> None:
    if record.data_fingerprint != fingerprint:
        raise InputError(
            f"the store {store.path} was trained on other images of {record.spec.data.name}"
            f" ({record.data_fingerprint}) than are found now ({fingerprint}); restore them, or use another --store."
        )


def _kind(run: AnySpec) -> tuple[str, int]:
    return run.treatment, run.n


def _check_options(workers: int, time_limit: float | None, keep_weights: str) -> None:
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 4096:
        raise InputError(f"workers = {workers!r}; give a whole number from 1 on, such as the number of cores.")
    if time_limit is not None and not time_limit > 0:
        raise InputError(f"time_limit = {time_limit!r}; give seconds above 0, or leave it out.")
    if keep_weights not in KEEP_WEIGHTS:
        raise unknown("keep_weights", keep_weights, KEEP_WEIGHTS)
