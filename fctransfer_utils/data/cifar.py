"""CIFAR-10 and CIFAR-100 through torchvision, which checks every file's checksum before it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .listing import Item, Listing


class _Pictures:
    """CIFAR's arrays as a tree of uncompressed picture files (PPM), so that they go the way of every other set."""

    def __init__(self, where: Path, parts: dict[str, Any]) -> None:
        self.where = where
        self._parts = {name: part.data for name, part in parts.items()}

    def folders(self, path: str) -> list[str]:
        return [] if path else sorted(self._parts)

    def files(self, path: str) -> dict[str, str]:
        return {f"{index}.ppm": "" for index in range(len(self._parts.get(path, ())))}

    def read(self, path: str) -> bytes:
        part, name = path.split("/")
        picture = self._parts[part][int(name.removesuffix(".ppm"))]
        return f"P6 {picture.shape[1]} {picture.shape[0]} 255\n".encode() + np.ascontiguousarray(picture).tobytes()


def listing(name: str, root: Path, *, download: bool) -> Listing:
    """The images of ``cifar10`` or ``cifar100`` in ``root``, downloaded there if that is allowed.

    Raises InputError if they are missing, damaged or cannot be downloaded.
    """
    from torchvision import datasets

    kind = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    parts = _open(kind, root) or _fetch(kind, name, root, download=download)
    train, test = (
        tuple(Item(f"{part}/{index}.ppm", int(label), kind.tgz_md5) for index, label in enumerate(parts[part].targets))
        for part in ("train", "test")
    )
    classes = tuple(parts["train"].classes)
    return Listing(
        name=name,
        slug=name,
        tree=_Pictures(root, parts),
        class_ids=classes,
        class_names=classes,
        train=train,
        test=test,
    )


def _open(kind: Any, root: Path) -> dict[str, Any] | None:
    """Both parts, or None if a file is missing or has another checksum (nothing of it is unpickled then)."""
    try:
        return {"train": kind(root, train=True), "test": kind(root, train=False)}
    except RuntimeError:
        return None


def _fetch(kind: Any, name: str, root: Path, *, download: bool) -> dict[str, Any]:
    from filelock import FileLock

    mend = f"Fetch {kind.url} (MD5 {kind.tgz_md5}) by other means and unpack it in {root}"
    if not download:
        raise InputError(f"{name} is not in {root} or is damaged, and downloading is off. {mend}.")
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{name}.lock"):
            if not (parts := _open(kind, root)):
                kind(root, download=True)
                parts = _open(kind, root)
    except (OSError, RuntimeError, EOFError) as error:
        reason = str(error) or type(error).__name__
        raise InputError(f"download of {name} failed: {reason}. Try again, or: {mend}.") from None
    if not parts:
        raise InputError(f"download of {name} failed: the unpacked files have wrong checksums. {mend}.")
    return parts
