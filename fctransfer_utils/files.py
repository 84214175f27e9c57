"""Files that are either whole or absent: atomic writes, checksums, canonical JSON."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import InputError


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; on success move it onto ``path``.

    A crash, a full disk or an exception leaves the old file (or none) in place, never half of one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        _keep_name(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _keep_name(folder: Path) -> None:
    """After a power cut the folder still has the new name; some network disks cannot promise that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)


def expanded(path: Path | str) -> Path:
    """``path`` with ``~`` replaced by a home folder. Raises InputError for one that no file can have."""
    text = str(path)
    if "\0" in text:
        raise InputError(f"the path {text!r} holds a zero byte, which no file name can; give another one.")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"the path {text!r} names a user who is not here ({error}); write it in full.") from error


def exists(path: Path) -> bool:
    """Whether there is anything at ``path``. Raises InputError where that cannot be known, such as without rights."""
    try:
        return path.exists()
    except OSError as error:
        raise InputError(f"the path {str(path)!r} cannot be used: {error.strerror}; give another one.") from error


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical_json(value: Any) -> str:
    """The one JSON text of ``value``: sorted keys, no spaces, ASCII, no NaN. Hashes are taken of it."""
    return _CANONICAL.encode(value)


def checksum(value: Any) -> str:
    """16 hexadecimal digits that name a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def sha256_of(path: Path | str) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
