"""What happens in the process where a network learns, be it this one or a Dask worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.spec import DataSpec
from ..errors import InputError
from .record import Record, pack_weights, unpack_weights
from .spec import RunSpec
from .target_spec import TargetSpec

if TYPE_CHECKING:
    from ..data.image_set import ImageSet
    from ..training.execution import Execution
    from ..training.loop import Epoch

_loaded: dict[tuple[DataSpec, str], ImageSet] = {}
_one_at_a_time = threading.Lock()


class OutOfTime(Exception):
    """The network in training cannot end within the time limit, or nobody waits for it any more: it was given up."""


@dataclass(frozen=True)
class Job:
    """One network to train and all that its process must know.

    ``donor`` are the bytes of the donor's weights, ``fingerprint`` the images that the first process found (empty:
    not yet known), ``keep`` whether weights come back, ``seconds`` how long it may take (None: any time).
    """

    run: RunSpec | TargetSpec
    execution: Execution
    donor: bytes | None = None
    data_root: str | None = None
    fingerprint: str = ""
    keep: bool = False
    seconds: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The record and the bytes of the weights where they are kept; no record when time was up."""

    record: Record | None
    weights: bytes | None = None


def load_images(spec: DataSpec, root: str | Path | None, *, progress: bool = False) -> ImageSet:
    """The images, loaded once per process; ``progress`` shows a bar while files are decoded for the first time."""
    from ..data.sources import load

    place = (spec, str(root or ""))
    if place not in _loaded:
        _loaded.clear()  # one set at a time: a study has one, and memory is for networks
        _loaded[place] = load(spec, root=root, progress=progress)
    return _loaded[place]


def train_job(
    job: Job, *, on_epoch: Callable[[Epoch], None] | None = None, unwanted: Callable[[], bool] | None = None
) -> Outcome:
    """Train the network of ``job``; it is given up after an epoch when ``unwanted()`` or when time is up.

    Raises InputError when this machine holds other images than the first one.
    """
    from .run_network import run_network

    deadline = None if job.seconds is None else time.monotonic() + job.seconds
    with _one_at_a_time:  # dropout draws from the generator of the process
        images = load_images(job.run.data, job.data_root)
        if job.fingerprint and images.fingerprint != job.fingerprint:
            raise InputError(
                f"the images of {job.run.data.name} here ({images.fingerprint}) differ from those of the study"
                f" ({job.fingerprint}); give every machine the same data."
            )
        donor = None if job.donor is None else unpack_weights(job.donor)
        try:
            record, state = run_network(
                job.run,
                images=images,
                donor_state=donor,
                execution=job.execution,
                on_epoch=_watching(job.run.recipe.epochs, deadline, on_epoch, unwanted),
            )
        except OutOfTime:
            return Outcome(None)
    return Outcome(record, pack_weights(state) if job.keep else None)


def _watching(
    epochs: int, deadline: float | None, on_epoch: Callable[[Epoch], None] | None, unwanted: Callable[[], bool] | None
) -> Callable[[Epoch], None]:
    """Pass epochs on; give up when ``unwanted()`` or when the next epoch would end after ``deadline``."""
    last = time.monotonic()

    def watch(epoch: Epoch) -> None:
        nonlocal last
        if on_epoch:
            on_epoch(epoch)
        now = time.monotonic()
        took, last = now - last, now
        last_epoch = epoch.epoch == epochs
        if not last_epoch and ((deadline is not None and now + took > deadline) or (unwanted and unwanted())):
            raise OutOfTime

    return watch
