"""Where records and weights lie: a folder that one run at a time writes and anyone may read.

``store.json`` names the format and the Execution, ``records/KEY.json`` one record each, ``weights/KEY.safetensors`` the
weights that are kept, ``set-aside/`` what was found damaged.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError
from ..files import canonical_json, replacing, sha256_of, write_text
from .record import Record, parse_record, unpack_weights
from .spec import SPEC_VERSION

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.execution import Execution

STORE_FORMAT = 1


class StoreError(InputError):
    """The store cannot be used: locked by another run, of another version, not writable, or no store at all."""


class Store:
    """The records and weights in the folder ``path``.

    ``create`` makes the folder when it is missing. Raises StoreError when the folder holds something else, was written
    by another version, or is missing and not to be created.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        self.path = Path(path).expanduser().absolute()
        if not self._description.exists():
            self._begin(create)
        self._check_format()

    # reading: any number of processes, at any time

    def keys(self) -> list[str]:
        """The keys of all record files, whole or not, sorted."""
        return sorted(file.stem for file in self._folder("records").glob("*.json"))

    def has(self, key: str) -> bool:
        """Whether there is a whole record of ``key``."""
        try:
            self.record(key)
        except (FileNotFoundError, InputError):
            return False
        return True

    def record(self, key: str) -> Record:
        """The record of ``key``. Raises FileNotFoundError without one and InputError when it is damaged."""
        record = parse_record(self._record_file(key).read_bytes().decode(errors="replace"))
        if record.key != key:
            raise InputError(f"{self._record_file(key).name} holds the record {record.key}.")
        return record

    def records(self) -> list[Record]:
        """All whole records, ordered by key; damaged files are left out (``damaged`` names them)."""
        return [record for key in self.keys() if (record := self._whole(key))]

    def damaged(self) -> dict[str, str]:
        """Record files that cannot be read, with the reason."""
        reasons = {}
        for key in self.keys():
            try:
                self.record(key)
            except FileNotFoundError:
                continue
            except InputError as error:
                reasons[key] = str(error)
        return reasons

    def weights(self, key: str) -> dict[str, Tensor]:
        """The kept weights of ``key``, name -> tensor. Raises StoreError when there are none or they are damaged."""
        return unpack_weights(self.weights_bytes(key))

    def weights_bytes(self, key: str) -> bytes:
        """The bytes of the safetensors file of ``key``, checked against the record."""
        reason = self.weights_fault(key)
        if reason:
            raise StoreError(f"the weights of {key} in {self.path} cannot be used: {reason}; train that network again.")
        return self._weights_file(key).read_bytes()

    def weights_fault(self, key: str) -> str:
        """Why the weights of ``key`` cannot be used ("" when they can)."""
        file = self._weights_file(key)
        if not file.exists():
            return "they are not kept"
        record = self._whole(key)
        if record is None:
            return "their record is missing or damaged"
        return "" if sha256_of(file) == record.weights_sha256 else "the file does not fit the checksum in the record"

    def execution(self) -> Execution | None:
        """The Execution that all networks of this store are trained with; None before the first run."""
        from ..training.execution import Execution

        value = self._read_description()["execution"]
        return Execution(**value) if value else None

    def holder(self) -> str:
        """Which process writes to the store now, in words ("" when none does)."""
        try:
            value = json.loads(self._holder_file.read_text(encoding="utf-8"))
            name = f"process {value['pid']} on {value['host']} since {value['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return ""
        return name if value["host"] != socket.gethostname() or _alive(value["pid"]) else ""

    # writing: inside ``locked`` only

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store for writing. Raises StoreError at once when another run holds it."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            who = self.holder() or "another process"
            raise StoreError(
                f"the store {self.path} is in use by {who}; wait until it ends, stop it, or use another --store."
            ) from error
        except (OSError, NotImplementedError) as error:
            raise self._cannot_write(error) from error
        try:
            with self._writing():
                write_text(self._holder_file, canonical_json(_this_process()))
                self._remove_leftovers()
            yield
        finally:
            self._holder_file.unlink(missing_ok=True)
            lock.release()

    def add(self, record: Record, weights: bytes | None = None) -> None:
        """Keep ``record``, and its ``weights`` (bytes of a safetensors file) where given.

        Each file is written whole or not at all, weights first. Raises StoreError when the disk is full or read-only.
        """
        with self._writing():
            if weights is not None:
                with replacing(self._weights_file(record.key)) as temporary:
                    temporary.write_bytes(weights)
            write_text(self._record_file(record.key), json.dumps(record.to_json(), indent=1, allow_nan=False) + "\n")

    def settle_execution(self, execution: Execution | None, probe: Any) -> Execution:
        """The Execution of this store: the one it began with, else ``execution``, else what ``probe()`` gives.

        Raises StoreError when ``execution`` is given and the store began with another one.
        """
        try:
            settled = self.execution()
        except InputError as error:
            raise StoreError(
                f"the store {self.path} was begun on another device: {error} Go on there, or use another --store here"
                " and join the two with: fctransfer table --merge."
            ) from error
        if settled is None:
            settled = execution or probe()
            with self._writing():
                self._describe(asdict(settled))
        elif execution is not None and execution != settled:
            raise StoreError(
                f"the store {self.path} was begun with {settled}, not with {execution}; records of one store must stay"
                " comparable bit for bit. Leave the execution out, or use another --store."
            )
        return settled

    def set_aside(self, key: str, reason: str) -> None:
        """Move the record and weights of ``key`` into ``set-aside/``, with a note that says why."""
        with self._writing():
            folder = self._folder("set-aside")
            stamp = f"{key}-{time.time_ns()}"
            write_text(folder / f"{stamp}.txt", f"{reason}\n")
            for file in (self._record_file(key), self._weights_file(key)):
                if file.exists():
                    file.replace(folder / f"{stamp}{file.suffix}")

    def mend(self) -> dict[str, str]:
        """Set every damaged record aside; its network counts as not trained. Returns the reasons by key."""
        reasons = self.damaged()
        for key, reason in reasons.items():
            self.set_aside(key, reason)
        return reasons

    # inside

    @property
    def _description(self) -> Path:
        return self.path / "store.json"

    @property
    def _holder_file(self) -> Path:
        return self.path / ".holder.json"

    def _folder(self, name: str) -> Path:
        return self.path / name

    def _record_file(self, key: str) -> Path:
        return self._folder("records") / f"{key}.json"

    def _weights_file(self, key: str) -> Path:
        return self._folder("weights") / f"{key}.safetensors"

    def _whole(self, key: str) -> Record | None:
        try:
            return self.record(key)
        except (FileNotFoundError, InputError):
            return None

    def _begin(self, create: bool) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"the store {self.path} is a file; name a folder.")
        if not create:
            raise StoreError(f"there is no store in {self.path}; name the folder that was given to fctransfer run.")
        strangers = sorted(file.name for file in self.path.glob("*")) if self.path.exists() else []
        if strangers:
            raise StoreError(
                f"the folder {self.path} is no store but holds {strangers[0]!r}; name an empty or a new folder."
            )
        with self._writing():
            self._describe(None)

    def _describe(self, execution: dict[str, Any] | None) -> None:
        value = {
            "format": STORE_FORMAT,
            "specification": SPEC_VERSION,
            "fctransfer": __version__,
            "execution": execution,
        }
        write_text(self._description, json.dumps(value, indent=1) + "\n")

    def _read_description(self) -> dict[str, Any]:
        try:
            value = json.loads(self._description.read_text(encoding="utf-8"))
            return {name: value.get(name) for name in ("format", "specification", "execution")}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(
                f"{self._description} cannot be read ({error}); restore it from a copy, or begin a new store."
            ) from error

    def _check_format(self) -> None:
        description = self._read_description()
        for what, ours in (("format", STORE_FORMAT), ("specification", SPEC_VERSION)):
            if description[what] != ours:
                raise StoreError(
                    f"the store {self.path} was written by another version: its {what} is {description[what]!r}, this"
                    f" package (version {__version__}) reads {ours}. Use the package version that wrote it, or name a"
                    " new folder."
                )

    def _remove_leftovers(self) -> None:
        """Temporary files of a run that was killed while it wrote."""
        for name in ("", "records", "weights"):
            for file in self._folder(name).glob(".*.tmp"):
                file.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: Exception) -> StoreError:
        reason = getattr(error, "strerror", None) or str(error)
        return StoreError(
            f"cannot write to the store {self.path}: {reason}. Every network finished before is kept; free space or"
            " name another --store, and start again: it goes on from there."
        )


def _this_process() -> dict[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
