"""What a worker is given, and what it does with it (imports no torch: a Dask scheduler reads jobs, too)."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from .loader import Loader
from .network import Network
from .store import Record


@dataclass(frozen=True, eq=False)
class Job:
    """Networks that learn together, and all that a worker needs for them but the weights of their donor.

    ``load`` gives the images of a ``DataSpec``, which have to have the fingerprint ``images``. ``setting``: device and
    dtype. ``keep``: the keys of those whose weights are wanted. ``deadline``: seconds since 1970.
    """

    networks: tuple[Network, ...]
    load: Loader
    images: str
    setting: dict[str, str]
    keep: tuple[str, ...]
    checkpoint: Path
    deadline: float

    @property
    def donor(self) -> Network | None:
        """The donor of all of them."""
        return self.networks[0].donor


class TimeUp(Exception):
    """The time limit is reached in the midst of a training."""


_alone = threading.Lock()  # dropout draws from a generator of the whole process, and Dask workers have threads


def train_job(job: Job, *weights: bytes) -> list[tuple[Record, bytes | None]]:
    """Train the networks of ``job``; ``weights``: those of their donor, if there is one. See ``train_networks``.

    Raises InputError where the images here are not those that the job was made for, TimeUp behind the deadline.
    """
    from ..training.device import Setting
    from .train import loaded, one_thread, train_networks

    def in_time(epoch: int) -> None:
        if time.time() > job.deadline:
            raise TimeUp

    with _alone, one_thread():
        spec = job.networks[0].data
        here = loaded(job.load, spec)[1]
        if here != job.images:
            raise InputError(
                f"a worker has other images of {spec.name!r}: fingerprint {here}, not {job.images}; give every worker "
                "the same files and the same versions of the libraries."
            )
        donors = {job.donor.key: weights[0]} if job.donor else {}
        return train_networks(
            job.networks,
            job.load,
            donors,
            setting=Setting(**job.setting),
            keep=job.keep,
            checkpoint=job.checkpoint if job.checkpoint.parents[1].is_dir() else None,  # else the store is elsewhere
            on_epoch=in_time,
        )
