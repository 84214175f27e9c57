"""Files that are either whole or absent, checksums, and the folder that runs write to."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
TABLES = PROJECT / "figures" / "tables"  # those that are committed


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; on success move it onto ``path``.

    A crash, a full disk or an exception leaves the old file (or none) in place, never half of one.
    """
    path = Path(path).expanduser()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` as UTF-8, atomically; bytes of a name that is not UTF-8 come through as escapes."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def checksum(value: Any) -> str:
    """16 hexadecimal digits that name a JSON value, by its one text: sorted keys, no spaces, ASCII, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sha256_of(path: Path | str) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def build_folder() -> Path:
    """Where runs write: ``FCTRANSFER_BUILD``, else ``build/`` in the project, else (installed) in the user's cache."""
    if given := os.environ.get("FCTRANSFER_BUILD"):
        return Path(given).expanduser()
    if (PROJECT / "pyproject.toml").is_file() and os.access(PROJECT, os.W_OK):
        return PROJECT / "build"
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "fctransfer"
