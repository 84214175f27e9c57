"""The one engine: train what a study still needs, here or on Dask workers, and keep every finished network.

Only this process writes to the store; workers send records and weights back. So workers need no shared folder, and a
kill loses at most the networks in flight.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, unknown
from ..files import expanded
from .checkpoints import EVERY, Checkpoints
from .places import Place, place
from .plan import Plan, make_plan
from .progress import Counter, Progress, Reporter, automatic
from .record import Record
from .session import Session, kind_of
from .store import Store
from .study import Study
from .table import table_keys
from .waiting import Waiting
from .worker import load_images

if TYPE_CHECKING:
    from ..training.execution import Execution
    from .record import AnySpec

KEEP_WEIGHTS = ("donors", "all")
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
    checkpoints: Path | str | None = None,
    checkpoint_every: float = EVERY,
    patient: bool = False,
) -> RunReport:
    """Train every network of ``study`` that neither ``store`` nor the CSV ``table`` holds.

    One after another in this process (``workers`` 1), in ``workers`` processes of one thread, or on the Dask cluster
    at ``scheduler`` ("tcp://HOST:PORT"): the records are the same. With a scheduler the workers need the images and
    the device, this process and the scheduler need neither. ``time_limit`` in seconds: no network is begun that
    cannot end in time, and those in flight then are given up. Ctrl-C ends cleanly too: the report says ``interrupted``.
    ``keep_weights``: "donors" keeps the bases' weights, "all" everyone's. A network that learns for longer than
    ``checkpoint_every`` seconds is kept between epochs in the folder ``checkpoints`` (default: in the store; with a
    scheduler nowhere, since its workers must reach the folder), and a later call goes on from there. ``patient``: wait
    for the end of another run that holds the store.

    Raises InputError (StoreError) for unusable options, a store that is in use or not writable, and unusable data.
    """
    _check_options(workers, time_limit, keep_weights, checkpoint_every)
    known = table_keys(table) if table is not None else frozenset()
    start = time.monotonic()
    deadline = None if time_limit is None else start + time_limit
    tell = progress or automatic()
    waited: list[str] = []

    def wait(who: str) -> None:
        waited.append(who)
        note = f"waiting for {who}, which trains networks in the same store {store.path}"
        tell(Progress("waits", 0, 0, 0, 0.0, None, note=note))

    with store.locked(wait=wait if patient else None):
        damaged = store.mend()
        plan = make_plan(study, store, known=known)
        damaged |= _set_weights_aside(plan, store)
        counter = Counter(tell, done=len(plan.skipped), total=len(plan.skipped) + len(plan.todo))
        if not plan.todo:
            _compare_rendered(plan, store, data_root)
            if waited:
                counter.tell("end")
            return RunReport(0, len(plan.skipped), 0, time.monotonic() - start, set_aside=tuple(damaged))
        session = _session(plan, store, counter, data_root, keep_weights, deadline)
        session.limit = time_limit
        session.checkpoints = _checkpoints(plan, store, scheduler, checkpoints, checkpoint_every)
        interrupted = False
        try:
            with place(workers, scheduler, lambda line: counter.tell("note", note=line)) as where:
                _begin(session, where, plan, execution)
                try:
                    where.train(session)
                finally:
                    counter.tell("end")
        except KeyboardInterrupt:
            interrupted = True
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


def _session(plan: Plan, store: Store, counter, data_root, keep_weights, deadline) -> Session:
    return Session(
        store=store,
        counter=counter,
        waiting=Waiting(plan.todo),
        data_root=None if data_root is None else str(expanded(data_root).absolute()),
        keep_weights=keep_weights,
        deadline=deadline,
    )


def _checkpoints(plan: Plan, store: Store, scheduler: str | None, folder, every: float) -> Checkpoints | None:
    """Where networks are kept while they learn; files of those that are done by now are removed."""
    if folder is None and scheduler is not None:
        return None
    kept = Checkpoints(store.path / "checkpoints" if folder is None else expanded(folder).absolute(), every)
    done = {run.key for run in plan.skipped}
    for file in kept.files():
        if file.stem in done:
            file.unlink(missing_ok=True)
    return kept


def _begin(session: Session, where: Place, plan: Plan, execution: Execution | None) -> None:
    """Settle what networks learn on and which images all of them must see."""
    session.execution = session.store.settle_execution(execution, where.probe, elsewhere=where.elsewhere)
    for data in dict.fromkeys(run.data for run in plan.todo):
        session.fingerprints[data] = where.fingerprint(data, session.data_root)
    _compare(session, plan.todo[0])


def _compare(session: Session, first: AnySpec) -> None:
    """Check that the store's records saw the same images, and learn from them how long networks take."""
    for record in session.store.records():
        data = record.spec.data
        if data in session.fingerprints:
            _same_images(record, session.fingerprints[data], session.store)
        if (data, record.spec.net, record.spec.recipe) == (first.data, first.net, first.recipe):
            session.seconds[kind_of(record.spec)] = record.seconds


def _compare_rendered(plan: Plan, store: Store, data_root: Path | str | None) -> None:
    """Where all is done: check that rendered images, which are always to be had, are still those of the records."""
    done = {run.key for run in plan.skipped if run.data.name == RENDERED}
    for record in store.records() if done else ():
        if record.key in done:
            _same_images(record, load_images(record.spec.data, data_root).fingerprint, store)


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


def _check_options(workers: int, time_limit: float | None, keep_weights: str, checkpoint_every: float) -> None:
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 4096:
        raise InputError(f"workers = {workers!r}; give a whole number from 1 on, such as the number of cores.")
    if time_limit is not None and not time_limit > 0:
        raise InputError(f"time_limit = {time_limit!r}; give seconds above 0, or leave it out.")
    if not checkpoint_every >= 0:
        raise InputError(f"checkpoint_every = {checkpoint_every!r}; give seconds, 0 for every epoch.")
    if keep_weights not in KEEP_WEIGHTS:
        raise unknown("keep_weights", keep_weights, KEEP_WEIGHTS)
