"""CIFAR-10 and CIFAR-100: every file's checksum is checked before it is opened, and nothing in it is run.

The published files are pickles, which can call anything when they are read. Here they can make arrays, and no more.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import replacing
from .download import fetch
from .listing import Item, Listing

SHA256 = {
    "cifar10": "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    "cifar100": "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
}
LARGEST = 2**28
SIDE = 32


class _Pictures:
    """CIFAR's arrays as a tree of uncompressed picture files (PPM), so that they go the way of every other set."""

    def __init__(self, where: Path, parts: dict[str, np.ndarray]) -> None:
        self.where = where
        self._parts = parts

    def folders(self, path: str) -> list[str]:
        return [] if path else sorted(self._parts)

    def files(self, path: str) -> dict[str, str]:
        return {f"{index}.ppm": "" for index in range(len(self._parts.get(path, ())))}

    def read(self, path: str) -> bytes:
        part, name = path.split("/")
        picture = self._parts[part][int(name.removesuffix(".ppm"))]
        return f"P6 {SIDE} {SIDE} 255\n".encode() + np.ascontiguousarray(picture.transpose(1, 2, 0)).tobytes()


class _Arrays(pickle.Unpickler):
    """Reads numbers, texts, lists and numpy arrays; whatever else a pickle asks for is refused."""

    ALLOWED = frozenset(
        (module, name)
        for module in ("numpy", "numpy.core.multiarray", "numpy._core.multiarray")
        for name in ("ndarray", "dtype", "_reconstruct")
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no array")
        return super().find_class(module, name)


def listing(name: str, root: Path, *, download: bool, progress: bool = False) -> Listing:
    """The images of ``cifar10`` or ``cifar100`` in ``root``, downloaded there if that is allowed.

    Raises InputError if they are missing, damaged or cannot be downloaded.
    """
    from torchvision import datasets

    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]  # who keeps the names and checksums
    files = _read(kind, root)
    if files is None:
        _fetch(kind, name, root, download=download, progress=progress)
        files = _read(kind, root)
    if files is None:
        raise InputError(f"download of {name} failed: the unpacked files have wrong checksums. {_mend(kind, root)}.")
    classes = tuple(files[kind.meta["filename"]][kind.meta["key"]])
    pixels, items = {}, {}
    for part, names in (("train", kind.train_list), ("test", kind.test_list)):
        batches = [files[file] for file, _ in names]
        labels = [label for batch in batches for label in batch.get("labels", batch.get("fine_labels"))]
        pixels[part] = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, SIDE, SIDE)
        items[part] = tuple(Item(f"{part}/{at}.ppm", int(label), kind.tgz_md5) for at, label in enumerate(labels))
    return Listing(name=name, slug=name, tree=_Pictures(root, pixels), class_ids=classes, class_names=classes, **items)


def _members(kind: Any) -> dict[str, str]:
    """The files of a set with their MD5."""
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


def _read(kind: Any, root: Path) -> dict[str, Any] | None:
    """What the unpacked files hold, or None if one is missing or has another checksum (nothing is opened then)."""
    found = {}
    for name, md5 in _members(kind).items():
        try:
            content = (root / kind.base_folder / name).read_bytes()
        except OSError:
            return None
        if not _fits(content, md5):
            return None
        found[name] = content
    return {name: _arrays(content, root / kind.base_folder / name) for name, content in found.items()}


def _arrays(content: bytes, file: Path) -> Any:
    try:
        return _Arrays(io.BytesIO(content), encoding="latin1").load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise InputError(f"{file} is no file of arrays: {error}; nothing in it was run. Fetch it again.") from None


def _fits(content: bytes, md5: str) -> bool:
    return hashlib.md5(content, usedforsecurity=False).hexdigest() == md5


def _fetch(kind: Any, name: str, root: Path, *, download: bool, progress: bool) -> None:
    if not download:
        raise InputError(f"{name} is not in {root} or is damaged, and downloading is off. {_mend(kind, root)}.")
    archive = root / kind.filename
    if archive.is_file() and not _fits(archive.read_bytes(), kind.tgz_md5):
        archive.unlink()  # of a download that was broken off by an older version or another program
    try:
        fetch(kind.url, archive, sha256=SHA256[name], progress=progress)
        _unpack(kind, archive, root)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InputError(f"download of {name} failed: {error or type(error).__name__}. {_mend(kind, root)}.") from None
    except InputError as error:
        raise InputError(f"download of {name} failed: {error} Or: {_mend(kind, root)}.") from None


def _unpack(kind: Any, archive: Path, root: Path) -> None:
    """Write the files of a set, and nothing else that the archive may hold: names, sizes and checksums are ours."""
    wanted = {f"{kind.base_folder}/{name}": (name, md5) for name, md5 in _members(kind).items()}
    with tarfile.open(archive, "r:gz") as files:
        for member in files:
            if member.name not in wanted or not member.isreg() or member.size > LARGEST:
                continue
            name, md5 = wanted[member.name]
            content = files.extractfile(member).read()
            if _fits(content, md5):
                with replacing(root / kind.base_folder / name) as temporary:
                    temporary.write_bytes(content)


def _mend(kind: Any, root: Path) -> str:
    return f"Fetch {kind.url} (MD5 {kind.tgz_md5}) by other means and unpack it in {root}"
