"""Where jobs run: in this process, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from ..errors import InputError, one_line

Donors = dict[str, Callable[[], bytes]]  # of each donor its key, and a call that gives its weights
Begin = Callable[[Callable[..., Any], object, Donors], Future]  # function, job, donors: begins function(job, *weights)


def executor(workers: int, scheduler: str, *, preload: list[str]) -> AbstractContextManager[tuple[Begin, int]]:
    """How a job is begun, and how many may be on their way at once.

    ``workers``: processes (1: this one); ``scheduler``: the address of a Dask scheduler instead. ``preload``:
    the modules that new processes begin with. Raises InputError for no workers, and where no scheduler answers.
    """
    if workers < 1:
        raise InputError(f"{workers} workers train nothing; give 1 or more.")
    if scheduler:
        return _cluster(scheduler)
    return _processes(workers, preload) if workers > 1 else nullcontext((_here, 1))


def _here(function: Callable[..., Any], job: object, donors: Donors) -> Future:
    """This process: a call is over when this returns."""
    weights = [read() for read in donors.values()]
    future: Future = Future()
    try:
        future.set_result(function(job, *weights))
    except Exception as error:
        future.set_exception(error)
    return future


@contextmanager
def _processes(workers: int, preload: list[str]) -> Iterator[tuple[Begin, int]]:
    """A pool of processes that is replaced when one of them dies."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(preload)
    fresh = partial(ProcessPoolExecutor, workers, mp_context=context, initializer=_follow)
    pool = fresh()

    def begin(function: Callable[..., Any], job: object, donors: Donors) -> Future:
        nonlocal pool
        weights = [read() for read in donors.values()]
        try:
            return pool.submit(function, job, *weights)
        except BrokenProcessPool:
            pool = fresh()
            return pool.submit(function, job, *weights)

    try:
        yield begin, workers
    finally:
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:  # what is not wanted any more would go on for hours; 3.14 has kill_workers
            process.kill()


def _follow() -> None:
    """Ctrl-C goes to every process: the first one ends the others, and its end is theirs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextmanager
def _cluster(scheduler: str) -> Iterator[tuple[Begin, int]]:
    """A Dask cluster. The weights of a donor go there once, and then from worker to worker."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("a scheduler needs Dask; install it: pip install 'fctransfer[cluster]'") from error
    try:
        client = Client(scheduler, timeout=30)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler!r} ({one_line(error)}); start one with: dask scheduler"
        ) from error
    with client:
        pool = client.get_executor(pure=False, retries=2)
        sent: dict[str, Any] = {}

        def begin(function: Callable[..., Any], job: object, donors: Donors) -> Future:
            for key, read in donors.items():
                if key not in sent:  # as a task, not as data: Dask makes it anew when the worker that holds it dies
                    content = read()  # another run on this scheduler may have other weights for the same network
                    name = hashlib.sha256(content).hexdigest()
                    sent[key] = client.submit(bytes, content, key=f"weights-{name}")
            return pool.submit(function, job, *(sent[key] for key in donors))

        try:
            yield begin, 10_000  # all at once: it does its own scheduling
        finally:
            pool.shutdown(wait=False)
