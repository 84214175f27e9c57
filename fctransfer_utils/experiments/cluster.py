"""Dask clusters: worker processes of this machine, or any cluster whose scheduler is reachable."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from .. import __version__
from ..errors import InputError
from ..scratch import scratch_folder
from ..training.execution import MAX_INSTRUCTIONS

if TYPE_CHECKING:
    from distributed import Client, LocalCluster

CONNECT = 20.0
PATIENCE = 60.0
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

# Workers are forked from a server that has imported torch once: they start in no time and share its memory. Elsewhere
# than on Linux, system libraries do not survive a fork.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
PRELOADED = ("distributed", "torch", f"{__package__}.dispatch", f"{__package__}.run_network")

UNGUARDED = (
    "A script that asks for several workers needs its calls under: if __name__ == '__main__': since every worker reads"
    " the script when it starts. Put them there, or use one worker."
)

# Weights travel with the networks that start from them, and a worker that dies is known to us before Dask gives up.
SETTINGS = {"distributed.admin.large-graph-warning-threshold": "100 GB"}


@contextmanager
def local_cluster(workers: int) -> Iterator[LocalCluster]:
    """``workers`` processes of one thread on this machine, which end with the context; it may be entered in a thread.

    Raises InputError when they cannot be started.
    """
    _need_dask()
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(UNGUARDED)  # here a new worker runs the script that wants workers
    import dask
    from distributed import LocalCluster

    quiet = {
        **SETTINGS,
        "distributed.worker.profile.enabled": False,
        "distributed.scheduler.worker-ttl": None,
        "distributed.nanny.environ": {**THREADS, **_own_settings()},
        "distributed.nanny.pre-spawn-environ": THREADS,
        "distributed.worker.multiprocessing-method": START_METHOD,
    }
    with scratch_folder() as scratch, dask.config.set(quiet), _quiet_logs():
        with _deaf_children():
            _preload()
            try:
                cluster = LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                    local_directory=str(scratch),
                    silence_logs=logging.CRITICAL,
                )
            except RuntimeError as error:
                raise InputError(f"{workers} worker processes could not be started ({error}). {UNGUARDED}") from error
        with cluster:
            yield cluster


@contextmanager
def remote_cluster(scheduler: str) -> Iterator[Client]:
    """A client of the cluster at ``scheduler`` ("tcp://HOST:PORT", or "tls://" with Dask's own settings for it)."""
    _need_dask()
    import dask
    from distributed import Client

    with dask.config.set(SETTINGS), _quiet_logs():
        try:
            client = Client(scheduler, timeout=CONNECT)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"no Dask scheduler answers at {scheduler!r} ({error or type(error).__name__}); start one with:"
                " dask scheduler, and give its address as tcp://HOST:PORT."
            ) from error
        with client:
            _check_scheduler(client, scheduler)
            yield client


def _check_scheduler(client: Client, scheduler: str) -> None:
    try:
        version = client.run_on_scheduler(_package_version)
    except ModuleNotFoundError as error:
        raise InputError(
            f"the scheduler {scheduler} cannot import this package ({error}); start it in an environment that has it"
            " installed."
        ) from error
    if version != __version__:
        raise InputError(
            f"the scheduler {scheduler} has version {version} of this package, this one {__version__}; install the"
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
    """Variables as they are now; a forked process would see them as they were when its server began."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("FCTRANSFER_")}
    return {**ours, MAX_INSTRUCTIONS: os.environ.get(MAX_INSTRUCTIONS, "DEFAULT")}


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
