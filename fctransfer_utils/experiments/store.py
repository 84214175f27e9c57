"""Where records and weights lie: a folder that one run at a time writes and anyone may read.

``store.json`` names the format and the Execution, ``records/KEY.json`` one record each, ``weights/KEY.safetensors`` the
weights that are kept, ``set-aside/`` what was found damaged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError
from ..files import exists, expanded, replacing, sha256_of, write_text
from .holder import sign, signed
from .record import Record, parse_record, unpack_weights
from .spec import SPEC_VERSION
from .unchanged import Unchanged

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.execution import Execution

STORE_FORMAT = 1
BEGINNING = 20.0
POLL = 0.2


class StoreError(InputError):
    """The store cannot be used: locked by another run, of another version, not writable, or no store at all."""


class Store:
    """The records and weights in the folder ``path``.

    ``create`` makes the folder when it is missing. Raises StoreError when the folder holds something else, was written
    by another version, or is missing and not to be created.
    """

    def __init__(self, path: Path | str, *, create: bool = True) -> None:
        self.path = expanded(path).absolute()
        self._seen: Unchanged[Record] = Unchanged()
        if not exists(self._description):
            self._begin(create)
        self._check_format()

    # reading: any number of processes, at any time

    def keys(self) -> list[str]:
        """The keys of all record files, whole or not, sorted."""
        return sorted(file.stem for file in self._folder("records").glob("*.json"))

    def has(self, key: str) -> bool:
        """Whether there is a whole record of ``key``."""
        return self._whole(key) is not None

    def record(self, key: str) -> Record:
        """The record of ``key``.

        Raises FileNotFoundError without one, InputError when it is damaged and StoreError when it may not be read.
        """
        file = self._record_file(key)
        record = self._seen.of(file, self._parsed)
        if record.key != key:
            raise InputError(f"{file.name} holds the record {record.key}.")
        return record

    def records(self) -> list[Record]:
        """All whole records, ordered by key; damaged files are left out (``damaged`` names them)."""
        return self.sorted_out()[0]

    def damaged(self) -> dict[str, str]:
        """Record files that cannot be read, with the reason."""
        return self.sorted_out()[1]

    def sorted_out(self) -> tuple[list[Record], dict[str, str]]:
        """``records`` and ``damaged`` in one look at the store."""
        records, reasons = [], {}
        for key in self.keys():
            try:
                records.append(self.record(key))
            except FileNotFoundError:
                continue
            except StoreError:
                raise
            except InputError as error:
                reasons[key] = str(error)
        return records, reasons

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
        if not exists(file):
            return "they are not kept"
        record = self._whole(key)
        if record is None:
            return "their record is missing or damaged"
        try:
            fits = sha256_of(file) == record.weights_sha256
        except OSError as error:
            return f"the file cannot be read ({error.strerror})"
        return "" if fits else "the file does not fit the checksum in the record"

    def execution(self) -> Execution | None:
        """The Execution that all networks of this store are trained with; None before the first run."""
        from ..training.execution import Execution

        value = self._read_description()["execution"]
        try:
            return Execution(**value) if value else None
        except (TypeError, AttributeError) as error:
            raise self._unreadable(error) from error

    def holder(self) -> str:
        """Which process writes to the store now, in words ("" when none does)."""
        return signed(self._holder_file)

    # writing: inside ``locked`` only

    @contextmanager
    def locked(self, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
        """Hold the store for writing.

        When another run holds it, ``wait`` is told which one, and this one waits for its end; without ``wait`` that
        raises StoreError at once.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            who = self.holder() or "another process"
            if wait is None:
                raise StoreError(
                    f"the store {self.path} is in use by {who}; wait until it ends, stop it, or use another --store."
                ) from error
            wait(who)
            lock.acquire(timeout=-1, poll_interval=POLL)
        except (OSError, NotImplementedError) as error:
            raise self._cannot_write(error) from error
        try:
            with self._writing():
                sign(self._holder_file)
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

    def settle_execution(self, execution: Execution | None, probe: Any, *, elsewhere: bool = False) -> Execution:
        """The Execution of this store: the one it began with, else ``execution``, else what ``probe()`` gives.

        ``elsewhere``: networks learn in other processes, so this one need not have the device. Raises StoreError when
        ``execution`` is given and the store began with another one, and when the device is missing.
        """
        settled = self.execution()
        if settled is not None and not elsewhere:
            try:
                settled.check_device()
            except InputError as error:
                raise StoreError(
                    f"the store {self.path} was begun on another device: {error} Go on there, or use another --store"
                    " here and join the two with: fctransfer table --merge."
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
            stamp = next(
                name for name in (f"{key}-{number}" for number in count(1)) if not (folder / f"{name}.txt").exists()
            )
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
        return self.path / f"records/{key}.json"

    def _weights_file(self, key: str) -> Path:
        return self._folder("weights") / f"{key}.safetensors"

    def _whole(self, key: str) -> Record | None:
        try:
            return self.record(key)
        except StoreError:
            raise
        except (FileNotFoundError, InputError):
            return None

    def _parsed(self, file: Path) -> Record:
        return parse_record(self._read(file).decode(errors="replace"))

    def _read(self, file: Path) -> bytes:
        try:
            return file.read_bytes()
        except FileNotFoundError:
            raise
        except IsADirectoryError as error:
            raise InputError(f"{file.name} is a folder.") from error
        except OSError as error:
            raise StoreError(
                f"cannot read {file.name} in the store {self.path}: {error.strerror}; see to its rights and its disk."
            ) from error

    def _begin(self, create: bool) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"the store {self.path} is a file; name a folder.")
        if not create:
            raise StoreError(f"there is no store in {self.path}; name the folder that was given to fctransfer run.")
        strangers = sorted(file.name for file in self.path.glob("[!.]*")) if self.path.exists() else []
        if strangers:
            raise StoreError(
                f"the folder {self.path} is no store but holds {strangers[0]!r}; name an empty or a new folder."
            )
        from filelock import FileLock

        with self._writing():
            self.path.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / ".lock", timeout=BEGINNING):  # of two runs that begin a store, one describes it
                if not self._description.exists():
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
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> StoreError:
        return StoreError(
            f"{self._description} cannot be read ({error}); restore it from a copy, or begin a new store."
        )

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
        for name in ("", "records", "weights", "set-aside"):
            for file in self._folder(name).glob(".*.tmp"):
                file.unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, NotImplementedError) as error:  # the latter: a disk that knows no locks
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: Exception) -> StoreError:
        reason = getattr(error, "strerror", None) or str(error)
        return StoreError(
            f"cannot write to the store {self.path}: {reason}. Every network finished before is kept; free space or"
            " name another --store, and start again: it goes on from there."
        )
