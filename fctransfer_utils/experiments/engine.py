"""Train what a study still needs: one loop, wherever the networks learn."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from ..data.augment import centre
from ..data.spec import DataSpec
from ..errors import InputError, one_line
from ..training.device import Setting, best_device, checked, probe
from .executors import Begin, executor
from .job import Job, TimeUp, train_job
from .loader import Loader
from .network import Network, donors_first
from .store import Record, Store, no_room
from .studies import Study
from .table import read
from .train import FILES, check_images, images_of, loaded, one_thread, start

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int, Record | None], None]
PRELOAD = [__name__, "torch._dynamo"]  # which an optimiser's first step imports, and that takes seconds
LARGE = 64  # images: in smaller batches a CPU gains so little by bfloat16 that chance in the clock would decide


class Report(NamedTuple):
    """How a run ended: networks ``trained`` now, ``left`` to train, and why it stopped before the end ("" if not)."""

    trained: int
    left: int
    stopped: str = ""


def run(
    study: Study,
    store: Store,
    *,
    load: Loader = FILES,
    workers: int = 1,
    scheduler: str = "",
    device: str = "",
    dtype: str = "",
    time_limit: float = 0,
    keep: Collection[str] = (),
    progress: Progress | None = None,
) -> Report:
    """Train the networks of ``study``, and their donors, that ``store`` does not hold yet.

    ``load``: the images of a ``DataSpec``, as ``Files(root)`` finds them; workers import it by name. ``workers``:
    processes of this machine (1: this one), or ``scheduler``: the address of a Dask scheduler. ``device``, ``dtype``:
    see ``training.device.Setting``; left out, the store's own, which a probe settles at its beginning. ``time_limit``
    in seconds. ``keep``: keys whose weights are wanted, besides those of donors. ``progress`` is called with the number
    trained, the number to train and the new record (None at the beginning).

    The records are the same whatever the workers and their order. Every finished network is on disk at any time; the
    same call goes on after a kill. Raises InputError for images that are not those of the store, for a store that
    another run writes to, for a full disk, and at the end for networks that could not be trained.
    """
    deadline = time.time() + (time_limit or 1e9)
    networks = donors_first([network for _, network in study])
    with store.locked():
        if any(network.data.needs_files for network in networks):
            loaded.cache_clear()  # files may have changed since they were read
        images = {spec: loaded(load, spec)[1] for spec in dict.fromkeys(network.data for network in networks)}
        todo = _left(study, networks, store, images, keep)
        if not todo:
            return Report(0, 0)
        check_images(todo, load)
        given = {name: value for name, value in (("device", device), ("dtype", dtype)) if value}
        setting = store.settle(given, lambda: asdict(_probed(todo[0], load, **given)))
        checked(setting["device"])
        if workers > 1 or scheduler:
            loaded.cache_clear()  # the workers have the images
        kept = {network.donor.key for network in networks if network.donor} | set(keep)
        crews: dict[str, list[Network]] = {}  # that learn together, in the order of their first ones
        for network in todo:
            crews.setdefault(network.shares_prefix, []).append(network)
        jobs = [
            Job(
                tuple(crew), load, images[crew[0].data], setting, tuple(n.key for n in crew if n.key in kept),
                store.checkpoint(crew[0]), deadline,
            )
            for crew in crews.values()
        ]  # fmt: skip
        course, stopped = _Course(jobs, {network.key for network in todo}), ""
        try:
            with executor(workers, scheduler, preload=PRELOAD) as (begin, slots):
                _loop(course, store, begin, slots, deadline, progress)
            if course.left and time.time() > deadline:
                stopped = "; ".join(["the time limit is reached", *course.failures[:1]])
        except KeyboardInterrupt:
            stopped = "interrupted"
        store.drop_checkpoints()
        if course.failures and not stopped:
            raise InputError(
                f"{len(course.left)} of {len(todo)} networks could not be trained; the first reason: "
                f"{course.failures[0]}. All others are kept, and the same command tries these again."
            )
        return Report(len(todo) - len(course.left), len(course.left), stopped)


def trained(study: Study, store: Store, **options: Any) -> pd.DataFrame:
    """The table of ``study``, all of which is trained then; the options are those of ``run``.

    Raises KeyboardInterrupt where the training was stopped, so that no part of a study is taken for the whole.
    """
    report = run(study, store, **options)
    if report.left:
        raise KeyboardInterrupt(report.stopped)
    return read(study, store)


@dataclass
class _Course:
    """What waits, what is being trained, and the keys of what is left."""

    waiting: list[Job]
    left: set[str]
    flying: dict[Future, Job] = field(default_factory=dict)
    broken: list[Job] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def next(self, slots: int) -> list[Job]:
        """The jobs to begin now: those whose donor is on disk. What a process died over runs alone."""
        ready = [job for job in self.waiting if not (job.donor and job.donor.key in self.left)]
        suspects = [job for job in ready if job in self.broken]
        if suspects or any(job in self.broken for job in self.flying.values()):
            return [] if self.flying else suspects[:1]
        return ready[: slots - len(self.flying)]


def _loop(course: _Course, store: Store, begin: Begin, slots: int, deadline: float, progress: Progress | None) -> None:
    total = len(course.left)
    if progress:
        progress(0, total, None)
    while time.time() < deadline:
        for job in course.next(slots):
            course.waiting.remove(job)
            donors = {job.donor.key: lambda donor=job.donor: store.weights(donor)} if job.donor else {}
            course.flying[begin(train_job, job, donors)] = job
        if not course.flying:
            return
        pause = min(1.0, max(0.0, deadline - time.time()))  # Ctrl-C is heard once a second
        done = wait(course.flying, pause, FIRST_COMPLETED).done
        for future in sorted(done, key=lambda each: each.exception() is not None):  # what is good first: one may raise
            for record, weights in _outcome(future, course.flying.pop(future), course):
                store.add(record, weights)
                course.left.discard(record.key)
                if progress:
                    progress(total - len(course.left), total, record)


def _outcome(future: Future, job: Job, course: _Course) -> list[tuple[Record, bytes | None]]:
    """What a job gave. A process that dies takes the jobs of its pool along: each gets a second chance, alone."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, InputError) or no_room(error):
        raise error
    if isinstance(error, BrokenProcessPool) and job not in course.broken:
        course.broken.append(job)
        course.waiting.insert(0, job)
    elif isinstance(error, BrokenProcessPool):
        course.failures.append("a process died twice while it trained (often: no memory left; use fewer workers)")
    elif not isinstance(error, TimeUp):
        course.failures.append(f"{type(error).__name__}: {one_line(error)}")
    return []


def _left(
    study: Study, networks: Sequence[Network], store: Store, images: dict[DataSpec, str], keep: Collection[str]
) -> list[Network]:
    """What is to be trained, donors first: what has no record, and donors without weights of what has none."""
    asked, needed, found = {network.key for _, network in study}, set(keep), []
    for network in reversed(networks):
        wanted = network.key in needed
        done = store.done(network, images=images[network.data], weights=wanted)  # raises for other images of any donor
        if not done and (wanted or network.key in asked):
            found.append(network)
            if network.donor:
                needed.add(network.donor.key)
    return found[::-1]


def _probed(network: Network, load: Loader, *, device: str = "", dtype: str = "") -> Setting:
    """The setting for a new store: what is given, and for the rest the faster one for a batch of this network."""
    device = checked(device or best_device())
    if dtype:
        return Setting(device, dtype)
    if device == "cpu" and network.recipe.batch_size < LARGE:
        return Setting(device)
    learn = images_of(network, load)[0]
    batch = learn.normalise(centre(learn.pixels[: network.recipe.batch_size], network.recipe.crop))
    with one_thread():
        return probe(start(network, learn), batch, device=device)
