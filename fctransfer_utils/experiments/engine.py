"""Train what a study still needs: in this process, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import InputError, one_line
from ..training.device import Setting, best_device, checked, probe
from .network import Network, donors_first
from .record import Record
from .store import Store
from .studies import Study
from .train import Loader, images_of, loaded, one_thread, start, train_networks

Progress = Callable[[int, int, Record | None], None]


@dataclass(frozen=True)
class Report:
    """How a run ended: networks ``trained`` now, ``left`` to train, and why it stopped before the end ("" if not)."""

    trained: int
    left: int
    stopped: str = ""


@dataclass(frozen=True)
class Job:
    """Networks that learn together, and all that a worker needs for them but the weights of their donor."""

    networks: tuple[Network, ...]
    load: Loader
    images: str
    setting: Setting
    keep: tuple[str, ...]
    checkpoint: Path
    deadline: float


class TimeUp(Exception):
    """The time limit is reached; the checkpoint is kept."""


def run(
    study: Study,
    store: Store,
    *,
    load: Loader | None = None,
    workers: int = 1,
    scheduler: str = "",
    device: str = "",
    dtype: str = "",
    time_limit: float = 0,
    keep: Collection[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Train the networks of ``study``, and their donors, that ``store`` does not hold yet.

    ``load``: the images of a ``DataSpec`` (``data.sources.load``); workers import it by name. ``workers``: processes of
    this machine (1: this one), or ``scheduler``: the address of a Dask scheduler. ``device``, ``dtype``: see
    ``training.device.Setting``; left out, the store's own, which a probe settles at its beginning. ``time_limit`` in
    seconds. ``keep``: keys whose weights are wanted, besides those of donors. ``progress`` is called with the number
    trained, the number to train and the new record (None at the beginning).

    The records are the same whatever the workers and their order. Every finished network is on disk at any time; the
    same call goes on after a kill. Raises InputError for images that are not those of the store, for a store that
    another run writes to, for a full disk, and at the end for networks that could not be trained.
    """
    if load is None:
        from ..data.sources import load
    deadline = time.time() + (time_limit or 1e9)
    networks = donors_first([network for _, network in study])
    with store.locked():
        images = {spec: loaded(load, spec)[1] for spec in dict.fromkeys(network.data for network in networks)}
        asked = {network.key for _, network in study}
        todo = _left(networks, asked, store, images, keep)
        if not todo:
            return Report(0, 0)
        given = {name: value for name, value in (("device", device), ("dtype", dtype)) if value}
        setting = Setting(**store.settle(given, lambda: asdict(_probed(todo[0], load, **given))))
        kept = {network.donor.key for network in networks if network.donor} | set(keep)
        jobs = [
            Job(
                crew, load, images[crew[0].data], setting, tuple(n.key for n in crew if n.key in kept),
                store.checkpoint(crew[0]), deadline,
            )
            for crew in _crews(todo)
        ]  # fmt: skip
        course = _Course(jobs, {network.key for network in todo})
        stopped = ""
        try:
            with _beginner(store, workers, scheduler) as (begin, slots):
                _loop(course, store, begin, slots, deadline, progress)
            if course.left and time.time() > deadline:
                stopped = "the time limit is reached"
        except KeyboardInterrupt:
            stopped = "interrupted"
        store.drop_checkpoints()
        if course.failures and not stopped:
            raise InputError(
                f"{len(course.left)} of {len(todo)} networks could not be trained; the first reason: "
                f"{course.failures[0]}. All others are kept, and the same command tries these again."
            )
        return Report(len(todo) - len(course.left), len(course.left), stopped)


@dataclass
class _Course:
    """What waits, what is being trained, and what is left."""

    waiting: list[Job]
    left: set[str]
    flying: dict[Future, Job] = field(default_factory=dict)
    broken: dict[Job, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def ready(self) -> list[Job]:
        """The jobs whose donor is on disk."""
        return [job for job in self.waiting if not (job.networks[0].donor and job.networks[0].donor.key in self.left)]


def _loop(
    course: _Course,
    store: Store,
    begin: Callable[[Job], Future],
    slots: int,
    deadline: float,
    progress: Progress | None,
) -> None:
    total = len(course.left)
    if progress:
        progress(0, total, None)
    while time.time() < deadline:
        for job in course.ready()[: slots - len(course.flying)]:
            course.waiting.remove(job)
            course.flying[begin(job)] = job
        if not course.flying:
            return
        pause = min(1.0, max(0.0, deadline - time.time()))  # Ctrl-C is heard once a second
        for future in wait(course.flying, pause, FIRST_COMPLETED).done:
            job = course.flying.pop(future)
            for record, weights in _outcome(future, job, course):
                store.add(record, weights)
                course.left.discard(record.key)
                if progress:
                    progress(total - len(course.left), total, record)


def _outcome(future: Future, job: Job, course: _Course) -> list[tuple[Record, bytes | None]]:
    """What a job gave. A process that died takes all jobs of its pool along: each of them gets a second chance."""
    error = future.exception()
    if isinstance(error, InputError | OSError):
        raise error
    if isinstance(error, BrokenProcessPool) and course.broken.setdefault(job, 0) == 0:
        course.broken[job] = 1
        course.waiting.insert(0, job)
    elif isinstance(error, BrokenProcessPool):
        course.failures.append("a process died twice while it trained (often: no memory left; use fewer workers)")
    elif error is not None and not isinstance(error, TimeUp):
        course.failures.append(f"{type(error).__name__}: {one_line(error)}")
    return [] if error else future.result()


def _left(
    networks: Sequence[Network], asked: set[str], store: Store, images: dict, keep: Collection[str]
) -> list[Network]:
    """What is to be trained, donors first: what has no record, and donors without weights of what has none."""
    found, needed = [], set(keep)
    for network in reversed(networks):
        wanted = network.key in needed
        if (wanted or network.key in asked) and not store.done(network, images=images[network.data], weights=wanted):
            found.append(network)
            if network.donor:
                needed.add(network.donor.key)
    return found[::-1]


def _crews(todo: Sequence[Network]) -> list[tuple[Network, ...]]:
    """Networks that learn together, in the order of their first ones."""
    crews: dict[str, list[Network]] = {}
    for network in todo:
        crews.setdefault(network.shares_prefix, []).append(network)
    return [tuple(crew) for crew in crews.values()]


def _probed(network: Network, load: Loader, *, device: str = "", dtype: str = "") -> Setting:
    device = checked(device or best_device())
    if dtype:
        return Setting(device, dtype)
    learn = images_of(network, load)[0]
    fresh = start(network, learn, None)
    batch = learn.normalise(learn.pixels[: network.recipe.batch_size].to(device))
    with one_thread():
        return probe(fresh, batch, device=device)


def train_job(job: Job, *weights: bytes) -> list[tuple[Record, bytes | None]]:
    """What a worker does: train the networks of ``job``; ``weights``: those of their donor, if there is one."""

    def in_time(epoch: int) -> None:
        if time.time() > job.deadline:
            raise TimeUp

    here = loaded(job.load, job.networks[0].data)[1]
    if here != job.images:
        raise InputError(
            f"a worker has other images of {job.networks[0].data.name!r}: fingerprint {here}, not {job.images}; give "
            "every worker the same files and the same versions of the libraries."
        )
    donors = {job.networks[0].donor.key: weights[0]} if weights else {}
    with _alone, one_thread():
        return train_networks(
            job.networks, job.load, donors, setting=job.setting, keep=job.keep, checkpoint=job.checkpoint,
            on_epoch=in_time,
        )  # fmt: skip


_alone = threading.Lock()  # dropout draws from a generator of the whole process, and Dask workers have threads


class Here(Executor):
    """This process: a call is over when ``submit`` returns."""

    def submit(self, function: Callable, /, *arguments: object, **named: object) -> Future:
        future: Future = Future()
        try:
            future.set_result(function(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def _beginner(store: Store, workers: int, scheduler: str) -> Iterator[tuple[Callable[[Job], Future], int]]:
    """How a job is begun, and how many may be on their way."""

    def donor(job: Job) -> list[bytes]:
        return [store.weights(job.networks[0].donor)] if job.networks[0].donor else []

    if scheduler:
        with _cluster(scheduler) as (begin, send):
            yield lambda job: begin(train_job, job, *send(job, donor)), 10_000
    elif workers == 1:
        here = Here()
        yield lambda job: here.submit(train_job, job, *donor(job)), 1
    else:
        with _processes(workers) as begin:
            yield lambda job: begin(train_job, job, *donor(job)), workers


@contextmanager
def _processes(workers: int) -> Iterator[Callable[..., Future]]:
    """A pool of processes that is replaced when one of them dies."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])

    def pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(workers, mp_context=context, initializer=_follow)

    pools = [pool()]

    def begin(function: Callable, *arguments: object) -> Future:
        try:
            return pools[-1].submit(function, *arguments)
        except BrokenProcessPool:
            pools.append(pool())
            return pools[-1].submit(function, *arguments)

    try:
        yield begin
    finally:
        processes = list((pools[-1]._processes or {}).values())
        pools[-1].shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()


def _follow() -> None:
    """Ctrl-C goes to every process: the first one ends the others, and its end is theirs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


@contextmanager
def _cluster(scheduler: str) -> Iterator[tuple[Callable[..., Future], Callable]]:
    """A Dask cluster: it does its own scheduling, and weights of a donor go there once and then between workers."""
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("a scheduler needs Dask; install it: pip install 'fctransfer[cluster]'") from error
    try:
        client = Client(scheduler, timeout=20)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no Dask scheduler answers at {scheduler!r} ({one_line(error)}); start one with: dask scheduler"
        ) from error
    sent: dict[str, object] = {}

    def send(job: Job, donor: Callable[[Job], list[bytes]]) -> list[object]:
        parent = job.networks[0].donor
        if parent and parent.key not in sent:
            sent[parent.key] = client.submit(bytes, donor(job)[0], key=f"weights-{parent.key}", pure=False)
        return [sent[parent.key]] if parent else []

    with client:
        pool = client.get_executor(pure=False, retries=2)
        try:
            yield pool.submit, send
        finally:
            pool.shutdown(wait=False)
