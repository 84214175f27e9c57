"""Records of trained networks, and the folder where these and weights lie (imports no torch).

One run at a time writes to a store, and anyone may read it. ``records/KEY.json`` one record each,
``weights/KEY.safetensors`` the weights that are kept, ``checkpoints/KEY.pt`` of networks on their way, ``setting.json``
device and dtype of them all, ``set-aside/`` what was found damaged.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import replacing, sha256_of, write_text
from .network import Network, agrees


@dataclass(frozen=True)
class Record:
    """``network`` as ``Network.described``; ``measures`` such as ``top1`` (share of test images, 0 to 1).

    ``curve``: the mean "loss" of every epoch. A diverged network has no measures: its loss was not finite. ``setting``:
    device and dtype. ``images``: the fingerprint of the images that it was trained and tested on. ``weights``: SHA-256
    of the file of its weights, or "". What a study calls the network is not in it.
    """

    key: str
    network: dict[str, Any]
    measures: dict[str, float]
    curve: dict[str, list[float | None]]
    diverged: bool
    seconds: float
    setting: dict[str, str]
    images: str
    version: str
    torch: str
    weights: str = ""

    @property
    def rounded(self) -> dict[str, float]:
        """The measures to the digits of a table."""
        return {name: round(value, 6) for name, value in self.measures.items()}


class Store:
    """The folder ``path``; it is made when the first record is written. Reading never waits for a run that writes."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().absolute()
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file; a store is a folder of its own: give another --store.")

    def record(self, network: Network) -> Record | None:
        """The record of ``network``, or None: it is missing, damaged, or of what its key once meant."""
        record = _read(self._record_file(network.key))
        return record if record and agrees(record.network, network.described()) else None

    def done(self, network: Network, *, images: str, weights: bool = False) -> bool:
        """Whether nothing is left to do for ``network`` and the images with the fingerprint ``images``.

        ``weights``: they are needed, too. Raises InputError where the record is of other images.
        """
        record = self.record(network)
        if record is None:
            return False
        if record.images != images:
            raise InputError(
                f"the store {self.path} has networks of other images: {network.data.name!r} has the fingerprint "
                f"{record.images} there and {images} now; give another --store for these images."
            )
        return not weights or (bool(record.weights) and self._weights_file(network.key).exists())

    def weights(self, network: Network) -> bytes:
        """The safetensors file of ``network``, checked against its record. Raises InputError if it is not whole."""
        record, file = self.record(network), self._weights_file(network.key)
        if record is None or not file.exists() or sha256_of(file) != record.weights:
            raise InputError(f"{file} is not what its record says; run the study again to train that network anew.")
        return file.read_bytes()

    # writing: inside ``locked`` only

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for writing, and mend what a killed run left. Raises InputError if another run holds it.

        A file that cannot be written, for want of space or of permission, ends as one InputError, too.
        """
        from filelock import FileLock, Timeout

        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / ".lock", timeout=0):
                self._mend()
                yield
        except Timeout:
            raise InputError(
                f"another run writes to the store {self.path}; wait until it ends, or give another --store."
            ) from None
        except OSError as error:
            if not no_room(error) and not str(error.filename or "").startswith(str(self.path)):
                raise
            raise InputError(
                f"nothing can be written to the store {self.path} ({error.strerror}); every network that was finished "
                "is kept, and the same command goes on once that is mended."
            ) from error

    def add(self, record: Record, weights: bytes | None = None) -> None:
        """Keep ``record``, behind its ``weights``: each file is written whole or not at all."""
        if weights is not None:
            with replacing(self._weights_file(record.key)) as temporary:
                temporary.write_bytes(weights)
        write_text(self._record_file(record.key), json.dumps(vars(record), allow_nan=False) + "\n")

    def settle(self, given: dict[str, str], probe: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Device and dtype of all networks of this store, which ``probe()`` finds at its beginning.

        Raises InputError where ``given`` is something else: one table needs one setting.
        """
        file = self.path / "setting.json"
        if not file.exists():
            write_text(file, json.dumps(probe()) + "\n")
        try:
            begun = json.loads(file.read_text("utf-8"))
        except ValueError as error:
            raise InputError(f"{file} is damaged ({error}); remove it.") from error
        for name, value in given.items():
            if begun.get(name) != value:
                raise InputError(
                    f"the networks of the store {self.path} are trained with {name} {begun.get(name)!r}, not "
                    f"{value!r}; leave {name} out, or give another --store."
                )
        return begun

    def checkpoint(self, network: Network) -> Path:
        """The file from which the training of ``network`` goes on after a kill."""
        return self.path / "checkpoints" / f"{network.key}.pt"

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints of all networks that are finished."""
        for file in (self.path / "checkpoints").glob("*.pt"):
            if self._record_file(file.stem).exists():
                file.unlink()

    def _mend(self) -> None:
        aside = self.path / "set-aside"
        for file in self.path.rglob(".*.tmp"):
            file.unlink(missing_ok=True)
        for file in (self.path / "records").glob("*.json"):
            record, weights = _read(file), self._weights_file(file.stem)
            damaged = file if not record else weights
            if not record or (record.weights and weights.exists() and sha256_of(weights) != record.weights):
                aside.mkdir(exist_ok=True)
                damaged.replace(aside / damaged.name)
        self.drop_checkpoints()

    def _record_file(self, key: str) -> Path:
        return self.path / "records" / f"{key}.json"

    def _weights_file(self, key: str) -> Path:
        return self.path / "weights" / f"{key}.safetensors"


def _read(file: Path) -> Record | None:
    """The record in ``file``; None if there is none or it is damaged."""
    try:
        record = Record(**json.loads(file.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):  # ValueError: no JSON, or not in UTF-8
        return None
    kinds = {"network": dict, "measures": dict, "curve": dict, "diverged": bool, "images": str}
    whole = record.key == file.stem and all(isinstance(getattr(record, name), kind) for name, kind in kinds.items())
    return record if whole else None


def no_room(error: BaseException) -> bool:
    """Whether a disk is full, or a quota is used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
