"""What happens in the process where a network learns, be it this one or a Dask worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.spec import DataSpec
from ..errors import InputError
from .record import AnySpec, Record, pack_weights, unpack_weights

if TYPE_CHECKING:
    from ..data.image_set import ImageSet
    from ..training.execution import Execution
    from ..training.learner import Epoch
    from .checkpoints import Checkpoints

MOST_BYTES = 2**29
_loaded: dict[tuple[DataSpec, str], ImageSet] = {}
_one_at_a_time = threading.Lock()


class OutOfTime(Exception):
    """The network in training cannot end within the time limit, or nobody waits for it any more: it was given up."""


@dataclass(frozen=True)
class Job:
    """Networks to train together (mostly one; more of them are a crew) and all that their process must know.

    ``donors`` are the bytes of the donors' weights by key, ``fingerprint`` the images that the first process found
    (empty: not yet known), ``images`` a file that they were handed on in (None: look for them), ``keep`` the keys whose
    weights come back, ``seconds`` how long it may take (None: any time), ``checkpoints`` where networks are kept while
    they learn (None: nowhere). All networks of a job learn the same images.
    """

    runs: tuple[AnySpec, ...]
    execution: Execution
    donors: Mapping[str, bytes] = field(default_factory=dict)
    data_root: str | None = None
    fingerprint: str = ""
    images: Path | None = None
    keep: frozenset[str] = frozenset()
    seconds: float | None = None
    checkpoints: Checkpoints | None = None


@dataclass(frozen=True)
class Outcome:
    """The records in the order of the job, and the bytes of weights that are kept, by key; nothing when time was up."""

    records: tuple[Record, ...] = ()
    weights: Mapping[str, bytes] = field(default_factory=dict)


def load_images(
    spec: DataSpec, root: str | Path | None, *, progress: bool = False, file: Path | None = None
) -> ImageSet:
    """The images; sets that take no more than half a gigabyte together are kept for the next call.

    ``progress`` shows a bar while files are decoded for the first time; ``file`` is one that they were handed on in.
    """
    from ..data.handed import handed
    from ..data.sources import load

    place = (spec, str(root or ""))
    if place not in _loaded:
        images = handed(file) if file is not None else load(spec, root=root, progress=progress)
        while _loaded and _bytes(*_loaded.values(), images) > MOST_BYTES:
            del _loaded[next(iter(_loaded))]  # the one that was loaded first
        _loaded[place] = images
    return _loaded[place]


def _bytes(*sets: ImageSet) -> int:
    return sum(part.nbytes for images in sets for part in (images.train_images, images.test_images))


def train_job(
    job: Job, *, on_epoch: Callable[[Epoch], None] | None = None, unwanted: Callable[[], bool] | None = None
) -> Outcome:
    """Train the networks of ``job``; one is given up after an epoch when ``unwanted()`` or when time is up.

    Raises InputError when this machine holds other images than the first one.
    """
    from .run_network import run_crew, run_network

    deadline = None if job.seconds is None else time.monotonic() + job.seconds
    with _one_at_a_time:  # dropout draws from the generator of the process
        first = job.runs[0]
        images = load_images(first.data, job.data_root, file=job.images)
        if job.fingerprint and images.fingerprint != job.fingerprint:
            raise InputError(
                f"the images of {first.data.name} here ({images.fingerprint}) differ from those of the study"
                f" ({job.fingerprint}); give every machine the same data."
            )
        donors = {key: unpack_weights(content) for key, content in job.donors.items()}
        common = {"images": images, "execution": job.execution, "checkpoints": job.checkpoints}
        try:
            watch = _watching(first.recipe.epochs, deadline, on_epoch, unwanted)
            if first.crew is not None:
                found = run_crew(job.runs, donors=donors, on_epoch=watch, **common)
            else:
                state = None if first.donor is None else donors.get(first.donor.key)
                found = [run_network(first, donor_state=state, on_epoch=watch, **common)]
        except OutOfTime:
            return Outcome()
        except (MemoryError, RuntimeError) as error:
            if not _no_memory(error):
                raise
            raise InputError(
                f"there is no memory for {first.title} ({first.net.label}); give a smaller --width, --image-size or"
                " --batch-size, or fewer --workers."
            ) from error
    weights = {record.key: pack_weights(state) for record, state in found if record.key in job.keep}
    return Outcome(tuple(record for record, _ in found), weights)


def _no_memory(error: Exception) -> bool:
    """Whether memory has run out; torch says it in words only where it is that of the machine."""
    import torch

    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "allocate memory" in str(error)


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
