"""Image files decoded once to uint8 arrays on disk, memory-mapped ever after.

An entry is a folder ``<set>-<size>px-<key>`` with four ``.npy`` files, and in ``meta.json`` their checksums. It is
built under another name and moved into place when it is whole, under a lock: two processes that start together decode
once, and one that is killed leaves nothing that could be taken for an entry.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InputError, unknown
from ..files import checksum, sha256_of
from .image_files import decode
from .image_set import ImageSet, channel_statistics, fingerprint
from .listing import Item, Listing

FORMAT = 2
MOST_CHECKED = 2**30
"""Files of more bytes than this are checked by their size alone: reading them would take longer than it is worth."""
BAD_IMAGES = ("refuse", "skip")
CHUNK = 64
NAMED = 5


def cached(
    listing: Listing, *, image_size: int, folders: Sequence[Path], bad_images: str = "refuse", progress: bool = False
) -> ImageSet:
    """The images of ``listing`` at ``image_size``, from the first of ``folders`` that has them or can hold them.

    ``bad_images`` says what happens to files that are cut short or no images: ``refuse`` raises InputError with their
    names and number, ``skip`` leaves them out. A class that has none left is refused in either case.
    """
    if bad_images not in BAD_IMAGES:
        raise unknown("choice for bad_images", bad_images, BAD_IMAGES)
    key = listing.key(image_size)
    for folder in folders:
        meta = _read_meta(folder / key)
        if meta is not None:
            break
    else:
        folder = _first_writable(folders)
        meta = _build(listing, folder / key, image_size=image_size, progress=progress)
    if meta["bad"] and bad_images == "refuse":
        raise _refusal(listing, meta["bad"])
    images = _open(listing, folder / key, meta)
    for part, labels in (("train", images.train_labels), ("test", images.test_labels)):
        _refuse_emptied(listing, labels.numpy(), part, meta["bad"])
    return images


def _open(listing: Listing, entry: Path, meta: dict[str, Any]) -> ImageSet:
    # Mode "c" is a private mapping: pages are shared with every process, and no write can reach the file.
    arrays = {
        f"{part}_{what}": torch.from_numpy(np.load(entry / f"{part}_{what}.npy", mmap_mode="c"))
        for part in ("train", "test")
        for what in ("images", "labels")
    }
    return ImageSet(
        name=listing.name,
        image_size=meta["image_size"],
        class_names=listing.class_names,
        class_ids=listing.class_ids,
        flip=True,
        fingerprint=meta["fingerprint"],
        mean=tuple(meta["mean"]),
        std=tuple(meta["std"]),
        **arrays,
    )


def _read_meta(entry: Path) -> dict[str, Any] | None:
    """The entry's description, or None if there is no whole entry of this format."""
    try:
        meta = json.loads((entry / "meta.json").read_text(encoding="utf-8"))
        known = meta["format"] == FORMAT and meta.pop("checksum") == checksum(meta)
        whole = known and all(_whole(entry / name, *expected) for name, expected in meta["files"].items())
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return meta if whole else None


def _identity(file: Path) -> tuple[int, str]:
    """Size and SHA-256 of a file; no SHA-256 of one that is too large."""
    size = file.stat().st_size
    return size, sha256_of(file) if size <= MOST_CHECKED else ""


def _whole(file: Path, size: int, sha256: str) -> bool:
    whole = file.stat().st_size == size and _identity(file) == (size, sha256)
    return whole and isinstance(np.load(file, mmap_mode="r"), np.ndarray)  # raises for arrays of pickled objects


def _first_writable(folders: Sequence[Path]) -> Path:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    tried = ", ".join(str(folder) for folder in folders)
    raise InputError(f"no folder for decoded images can be written ({tried}); set FCTRANSFER_CACHE to one that can.")


def _build(listing: Listing, entry: Path, *, image_size: int, progress: bool) -> dict[str, Any]:
    from filelock import FileLock

    with FileLock(entry.with_name(f".{entry.name}.lock")):
        meta = _read_meta(entry)  # another process may have built it while this one waited
        if meta is not None:
            return meta
        for stale in entry.parent.glob(f".{entry.name}.*.tmp"):
            shutil.rmtree(stale, ignore_errors=True)
        shutil.rmtree(entry, ignore_errors=True)
        _require_space(listing, entry.parent, image_size)
        work = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", suffix=".tmp", dir=entry.parent))
        try:
            meta = _write(listing, work, image_size=image_size, progress=progress)
            work.chmod(0o755)
            work.rename(entry)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, None):  # None: numpy.save gives no number
                raise InputError(
                    f"cannot write the decoded images of {listing.name} to {entry.parent}: {error.strerror or error};"
                    " see to its disk, or set FCTRANSFER_CACHE to another folder."
                ) from error
            raise _full(listing, entry.parent, image_size) from None
        finally:
            shutil.rmtree(work, ignore_errors=True)
        return meta


def _write(listing: Listing, work: Path, *, image_size: int, progress: bool) -> dict[str, Any]:
    from tqdm.auto import tqdm

    bad: list[tuple[str, str]] = []
    total = len(listing.train) + len(listing.test)
    with tqdm(total=total, desc=f"decoding {listing.name}", unit="image", disable=not progress, leave=False) as bar:
        for part, items in (("train", listing.train), ("test", listing.test)):
            labels = _write_images(listing, items, work / f"{part}_images.npy", image_size=image_size, bad=bad, bar=bar)
            np.save(work / f"{part}_labels.npy", labels)
    arrays = {path.stem: np.load(path, mmap_mode="r") for path in sorted(work.glob("*.npy"))}
    mean, std = channel_statistics(arrays["train_images"])
    meta = {
        "format": FORMAT,
        "image_size": image_size,
        "fingerprint": fingerprint(
            listing.class_ids,
            *(arrays[f"{part}_{what}"] for what in ("labels", "images") for part in ("train", "test")),
        ),
        "mean": mean,
        "std": std,
        "bad": bad,
        "files": {path.name: _identity(path) for path in sorted(work.glob("*.npy"))},
    }
    (work / "meta.json").write_text(json.dumps({**meta, "checksum": checksum(meta)}, indent=1), encoding="utf-8")
    return meta


def _write_images(
    listing: Listing, items: Sequence[Item], path: Path, *, image_size: int, bad: list[tuple[str, str]], bar: Any
) -> np.ndarray:
    """Write the decoded items one after the other (a full disk is then an error, not a crash) and give their labels."""
    labels = []
    with path.open("wb") as file:
        _write_header(file, len(items), image_size)
        start = file.tell()
        for item, image in _decoded(listing, items, image_size):
            bar.update()
            if isinstance(image, str):
                bad.append((item.path, image))
            else:
                file.write(image.tobytes())
                labels.append(item.label)
        file.seek(0)
        _write_header(file, len(labels), image_size)
        if file.tell() != start:
            raise AssertionError("the header of a .npy file changed its length")
        file.flush()
        os.fsync(file.fileno())
    return np.asarray(labels, dtype=np.int64)


def _write_header(file: Any, count: int, image_size: int) -> None:
    """numpy pads the header so that the first dimension can change in place."""
    shape = (count, 3, image_size, image_size)
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})


def _decoded(listing: Listing, items: Sequence[Item], image_size: int) -> Iterator[tuple[Item, np.ndarray | str]]:
    """Every item with its array, or with what is wrong with it, in order; a few chunks are in memory at a time."""

    def work(chunk: Sequence[Item]) -> list[tuple[Item, np.ndarray | str]]:
        return [(item, _read(listing, item, image_size)) for item in chunk]

    workers = max(1, min(8, os.cpu_count() or 1))
    with ThreadPoolExecutor(workers) as pool:
        step = CHUNK * workers * 2
        for start in range(0, len(items), step):
            chunks = [items[at : at + CHUNK] for at in range(start, min(start + step, len(items)), CHUNK)]
            for results in pool.map(work, chunks):
                yield from results


def _read(listing: Listing, item: Item, image_size: int) -> np.ndarray | str:
    try:
        return decode(listing.tree.read(item.path), image_size)
    except MemoryError:
        raise
    except Exception as error:  # Pillow and its plugins raise nearly anything for a damaged file
        text = " ".join(str(error).split())
        return "not an image" if "cannot identify" in text else text[:120] or type(error).__name__


def _refuse_emptied(listing: Listing, labels: np.ndarray, part: str, bad: Sequence[tuple[str, str]]) -> None:
    counts = np.bincount(labels, minlength=len(listing.class_ids))
    if not counts.all():
        empty = listing.class_ids[int(np.argmin(counts))]
        raise InputError(
            f"class {empty!r} of {listing.name} has no readable {part} image left ({_named(bad)});"
            " put good ones in its folder or remove the class."
        )


def _refusal(listing: Listing, bad: Sequence[tuple[str, str]]) -> InputError:
    return InputError(
        f"{len(bad)} file{'s' * (len(bad) != 1)} of {listing.name} in {listing.tree.where} cannot be read as images:"
        f" {_named(bad)}. Repair or remove them, or leave them out with bad_images='skip'"
        " (or FCTRANSFER_BAD_IMAGES=skip in the environment)."
    )


def _named(bad: Sequence[tuple[str, str]]) -> str:
    first = ", ".join(f"{path} ({reason})" for path, reason in bad[:NAMED])
    return first + (f" and {len(bad) - NAMED} more" if len(bad) > NAMED else "")


def _bytes(listing: Listing, image_size: int) -> int:
    return (len(listing.train) + len(listing.test)) * 3 * image_size**2


def _require_space(listing: Listing, folder: Path, image_size: int) -> None:
    if shutil.disk_usage(folder).free < _bytes(listing, image_size):
        raise _full(listing, folder, image_size)


def _full(listing: Listing, folder: Path, image_size: int) -> InputError:
    return InputError(
        f"no space in {folder} for the decoded images of {listing.name} ({_bytes(listing, image_size) / 1e9:.2f} GB at"
        f" {image_size} px); nothing was left behind. Free space or set FCTRANSFER_CACHE to a folder on another disk."
    )
