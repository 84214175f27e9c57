"""Fetch one public file: under a temporary name, checked, then moved into place."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from ..errors import InputError
from ..files import replacing

BLOCK = 2**18
TIMEOUT = 60.0
LARGEST = 2**32
"""Bytes of one download; whoever sends more sends something else."""
SCHEMES = ("http", "https", "file")


def fetch(url: str, path: Path, *, sha256: str, progress: bool = False) -> Path:
    """Download ``url`` to ``path`` unless a file is there already.

    A broken, short or altered download leaves nothing behind, and a file that was there stays. Two processes that
    start together download once. Raises InputError that says how to get the file by hand.
    """
    from filelock import FileLock

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):
            if not path.exists():
                with replacing(path) as temporary:
                    _download(url, temporary, path, sha256=sha256, progress=progress)
    except OSError as error:
        raise _failed(url, path, str(error) or type(error).__name__) from None
    return path


def _download(url: str, temporary: Path, path: Path, *, sha256: str, progress: bool) -> None:
    from tqdm.auto import tqdm

    if url.split(":", 1)[0] not in SCHEMES:
        raise InputError(f"address {url!r} cannot be fetched; allowed are {', '.join(SCHEMES)} addresses.")
    digest, size = hashlib.sha256(), 0
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "fctransfer"})
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response, temporary.open("wb") as file:
            expected = int(response.headers.get("Content-Length") or 0)
            _require_space(path.parent, expected)
            title = f"downloading {path.name}"
            with tqdm(total=expected or None, desc=title, unit="B", unit_scale=True, disable=not progress) as bar:
                while block := response.read(BLOCK):
                    file.write(block)
                    digest.update(block)
                    size += len(block)
                    if size > LARGEST:
                        raise _failed(url, path, f"it sends more than {LARGEST} bytes")
                    bar.update(len(block))
    except urllib.error.HTTPError as error:
        raise _failed(url, path, f"the server answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _failed(url, path, str(error.reason)) from None
    except (http.client.HTTPException, ValueError) as error:
        raise _failed(url, path, str(error) or type(error).__name__) from None
    if size < expected:
        raise _failed(url, path, f"the connection ended after {size} of {expected} bytes")
    if digest.hexdigest() != sha256:
        raise _failed(url, path, f"the {size} bytes have SHA-256 {digest.hexdigest()}, expected {sha256}")


def _require_space(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(f"no space: {size / 1e6:.0f} MB needed, {free / 1e6:.0f} MB free")


def _failed(url: str, path: Path, reason: str) -> InputError:
    return InputError(
        f"download of {url} failed: {reason}. Nothing was kept. Try again, or fetch the file by other means"
        f" and put it at {path}."
    )
