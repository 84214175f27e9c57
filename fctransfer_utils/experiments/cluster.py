"""The engine on dask.distributed: worker processes of this machine, or of any cluster whose scheduler is reachable."""

from __future__ import annotations

import logging
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import InputError
from .worker import Job, Outcome, train_job

if TYPE_CHECKING:
    from distributed import Client, Future

    from .engine import Session
    from .record import AnySpec

TICK = 1.0
GRACE = 3.0
CONNECT = 20.0
PATIENCE = 60.0
ATTEMPTS = 3
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

# Workers are forked from a server that has imported torch once (and what its optimisers import when the first one is
# made): they start in no time and share its memory. Elsewhere than on Linux, system libraries do not survive a fork.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
PRELOADED = ("distributed", "torch", "torch._dynamo", f"{__package__}.cluster", f"{__package__}.run_network")

LARGE_WEIGHTS = {"distributed.admin.large-graph-warning-threshold": "100 GB"}


@contextmanager
def local_cluster(workers: int) -> Iterator[Client]:
    """A client of ``workers`` processes of one thread on this machine; they end with the context."""
    _need_dask()
    import dask
    from distributed import Client, LocalCluster

    quiet = {
        **LARGE_WEIGHTS,
        "distributed.worker.profile.enabled": False,
        "distributed.scheduler.worker-ttl": None,
        "distributed.nanny.environ": {**THREADS, **_own_settings()},
        "distributed.nanny.pre-spawn-environ": THREADS,
        "distributed.worker.multiprocessing-method": START_METHOD,
    }
    with tempfile.TemporaryDirectory(prefix="fctransfer-") as scratch, dask.config.set(quiet), _quiet_logs():
        with _deaf_children():
            _preload()
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                memory_limit=0,
                local_directory=scratch,
                silence_logs=logging.CRITICAL,
            )
        with cluster, Client(cluster) as client:
            yield client


@contextmanager
def remote_cluster(scheduler: str) -> Iterator[Client]:
    """A client of the cluster at ``scheduler``; its workers must be processes of one thread each."""
    _need_dask()
    import dask
    from distributed import Client

    with dask.config.set(LARGE_WEIGHTS), _quiet_logs():
        try:
            client = Client(scheduler, timeout=CONNECT)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no Dask scheduler answers at {scheduler!r} ({error or type(error).__name__}); start one with:"
                " dask scheduler, and give its address as tcp://HOST:PORT."
            ) from error
        with client:
            _check_workers(client, scheduler)
            yield client


def train_on(client: Client, session: Session) -> None:
    """Train what ``session`` waits for, one network per worker at a time; results come back as they are ready."""
    running: dict[Future, tuple[AnySpec, ...]] = {}
    donors: dict[str, Future] = {}
    lost: Counter[str] = Counter()
    session.counter.start()
    try:
        while True:
            _submit(client, session, running, donors)
            if not running:
                return
            for future in _finished(running):
                runs = running.pop(future)
                outcome = _result(future, runs[0])
                if outcome is not None:
                    session.keep(runs, outcome)
                    continue
                lost[runs[0].key] += 1
                if lost[runs[0].key] >= ATTEMPTS:
                    raise _died(runs[0])
                donors.clear()
                session.waiting[:0] = runs
            if _overdue(session):
                return
            session.counter.tell("tick")
    finally:
        with suppress(Exception):
            client.cancel(list(running), force=True)


def _submit(client: Client, session: Session, running: dict, donors: dict) -> None:
    from .engine import donors_of

    needed = {run.donor.key for run in session.waiting if run.donor is not None}
    for key in donors.keys() - needed:
        del donors[key]  # frees the cluster's memory
    slots = len(client.scheduler_info(n_workers=-1)["workers"])
    while len(running) < max(slots, 1):
        runs = session.next_job(frozenset(other.key for others in running.values() for other in others))
        if not runs:
            return
        keys = donors_of(runs)
        weights = [_sent(client, session, key, donors) for key in keys]
        job = session.job(runs, donors={})
        name = f"{runs[0].key}-{time.time_ns()}"
        running[client.submit(_train, job, keys, weights, key=name, pure=False, retries=0)] = runs


def _sent(client: Client, session: Session, key: str, donors: dict) -> Future:
    """A donor's weights on the cluster: a task, so that Dask restores them when a worker dies with them."""
    if key not in donors:
        content = session.store.weights_bytes(key)
        donors[key] = client.submit(bytes, content, key=f"weights-{key}-{time.time_ns()}", pure=False)
    return donors[key]


def _train(job: Job, keys: tuple[str, ...], weights: list[bytes]) -> Outcome:
    """Runs in the worker."""
    from dataclasses import replace

    import torch
    from distributed import get_worker

    torch.set_num_threads(1)
    worker = get_worker()
    key = worker.get_current_task()

    def unwanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is None or task.state == "cancelled"

    return train_job(replace(job, donors=dict(zip(keys, weights, strict=True))), unwanted=unwanted)


def _died(run: AnySpec) -> InputError:
    return InputError(
        f"the processes that trained {run.key} died {ATTEMPTS} times (often: no memory left); use fewer --workers."
    )


def _finished(running: dict) -> list[Future]:
    from distributed import wait

    with suppress(TimeoutError, CancelledError):
        wait(list(running), timeout=TICK, return_when="FIRST_COMPLETED")
    return [future for future in running if future.done()]


def _result(future: Future, run: AnySpec) -> Outcome | None:
    """What came back; None when it was lost with a worker that died."""
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        raise _died(run) from error
    except CancelledError:
        return None


def _overdue(session: Session) -> bool:
    left = session.seconds_left()
    return left is not None and left < -GRACE


def _check_workers(client: Client, scheduler: str) -> None:
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        raise InputError(
            f"no worker has joined {scheduler} within {PATIENCE:.0f} s; start some with:"
            f" dask worker {scheduler} --nthreads 1."
        ) from error
    for address, worker in client.scheduler_info(n_workers=-1)["workers"].items():
        if worker["nthreads"] != 1:
            raise InputError(
                f"the worker {address} has {worker['nthreads']} threads; networks need processes of one thread: start"
                " it with --nthreads 1 (and --nworkers for several)."
            )
    try:
        found = {scheduler: client.run_on_scheduler(_package_version), **client.run(_package_version)}
    except ModuleNotFoundError as error:
        raise InputError(
            f"the scheduler {scheduler} or its workers cannot import this package ({error}); start them in an"
            " environment that has it installed."
        ) from error
    for address, version in found.items():
        if version != __version__:
            raise InputError(
                f"the process at {address} has version {version} of this package, this one {__version__}; install the"
                " same version everywhere."
            )


def _package_version() -> str:
    from .. import __version__

    return __version__


def _need_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError as error:
        raise InputError(
            "several workers need dask.distributed, which is not installed; install it with: pip install"
            " distributed, or use one worker."
        ) from error


def _own_settings() -> dict[str, str]:
    """Our variables as they are now; a forked process would see them as they were when its server began."""
    return {name: value for name, value in os.environ.items() if name.startswith("FCTRANSFER_")}


def _preload() -> None:
    if START_METHOD == "forkserver":
        from distributed.utils import get_mp_context

        get_mp_context().set_forkserver_preload(list(PRELOADED))  # until the server runs; then it stays as it is


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Processes and threads begun here never see Ctrl-C, which a terminal sends to all: this process ends them."""
    resource_tracker.ensure_running()  # when it starts, it lets the signal through in the thread that started it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _quiet_logs() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado.application", "asyncio")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
