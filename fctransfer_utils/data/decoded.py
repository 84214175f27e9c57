"""Pictures decoded once and mapped from disk ever after, as long as their files stay the same."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL
import torch
from filelock import FileLock
from torch import Tensor

from ..errors import InputError, one_line
from ..files import build_folder, checksum, replacing, sha256_of, write_text
from .pictures import BadPicture, Unscaled, in_bytes, printable, unscaled

DECODER = 1  # raised whenever the same file would give other pixels

Names = tuple[str, ...]  # a path below the root


class Decoded(NamedTuple):
    """``pixels`` uint8 (n, 3, size, size), mapped from disk, of the pictures that can be read, in their order.

    ``bad``: the positions of the others, and why. ``digests``: a name of each image's pixels.
    """

    pixels: Tensor
    bad: dict[int, str]
    digests: list[bytes]


def decoded(root: Path, files: Sequence[Names], *, size: int, progress: bool = False) -> Decoded:
    """The pictures ``files`` below ``root``, decoded by ``pictures`` once and kept as long as the files stay the same.

    Names, sizes and times of change tell. Of a file that changed within two seconds its bytes do too: a clock may be
    too coarse to tell two changes apart. Raises InputError if a file changes while it is read.
    """
    root = root.resolve()
    paths, young = ["/".join((str(root), *path)) for path in files], time.time_ns() - 2 * 10**9
    stamps = [_stamp(path, young) for path in paths]
    facts = [str(root), list(zip(files, stamps, strict=True))]

    def make(position: int) -> Unscaled | BadPicture:
        try:
            found = unscaled(paths[position], size)
        except BadPicture as error:
            found = error
        if _stamp(paths[position], young) != stamps[position]:
            raise InputError(f"picture {printable(paths[position])} changes while it is read; repeat when it is whole.")
        return found

    return keep(facts, len(files), make, size=size, progress=progress)


def _stamp(path: str, young: int) -> list[int | str]:
    try:
        status = os.stat(path)  # noqa: PTH116 - of 100,000 files a Path would take longer
        recent = max(status.st_mtime_ns, status.st_ctime_ns) > young and stat.S_ISREG(status.st_mode)
        return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, sha256_of(path) if recent else ""]
    except OSError as error:  # reading it will say the same
        return [str(error.strerror)]


def keep(
    facts: list, count: int, make: Callable[[int], Unscaled | BadPicture], *, size: int, progress: bool = False
) -> Decoded:
    """Images 0 to ``count`` - 1 as ``make`` gives them, kept in ``build_folder()/images`` by a checksum of ``facts``.

    They are written there whole or not at all; of two processes that need them the second waits for the first. Raises
    InputError if the folder cannot be written.
    """
    key = checksum([DECODER, PIL.__version__, size, facts])
    array = build_folder() / "images" / f"{key}.npy"
    if found := _kept(array):
        return found
    try:
        array.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(array.with_name(f".{key}.lock")):
            if not _kept(array):
                _write(array, count, make, size=size, progress=progress)
    except OSError as error:
        raise InputError(
            f"decoded images cannot be written to {printable(array.parent)}: {one_line(error)}; make room there, "
            "or set FCTRANSFER_BUILD to a folder that can be written."
        ) from None
    return _kept(array)


def _kept(array: Path) -> Decoded | None:
    """What lies in the file ``array``; None unless it is whole and the pixels are those that were written."""
    try:
        about = json.loads(array.with_suffix(".json").read_text(encoding="utf-8"))
        pixels = np.load(array, mmap_mode="c", allow_pickle=False)  # "c": no change of a tensor reaches the disk
        digests = [hashlib.blake2b(image, digest_size=16).digest() for image in np.asarray(pixels)]
        if about["sha256"] != hashlib.sha256(b"".join(digests)).hexdigest():
            return None
        bad = {int(position): reason for position, reason in about["bad"].items()}
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None
    return Decoded(torch.from_numpy(pixels), bad, digests)


def _write(array: Path, count: int, make: Callable, *, size: int, progress: bool) -> None:
    """Decode with a few threads, in order. Deep pictures wait for the largest value of all and are then read again."""
    from tqdm.auto import tqdm

    for left in array.parent.glob(".*.tmp"):  # of runs that were killed: of this one, or not written to for a day
        if left.name.startswith(f".{array.name}.") or left.stat().st_mtime < time.time() - 86400:
            left.unlink(missing_ok=True)
    bad, deep, digests, largest = {}, {}, [], Counter()

    def put(file: BinaryIO, values: np.ndarray) -> bytes:
        content = values.transpose(2, 0, 1).tobytes()
        file.write(content)
        return hashlib.blake2b(content, digest_size=16).digest()

    with (
        replacing(array) as temporary,
        temporary.open("wb") as file,
        ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
        tqdm(total=count, desc="decoding", unit="image", disable=not progress) as bar,
    ):
        _header(file, count, size)
        first = file.tell()
        for start in range(0, count, 256):  # few decoded pictures wait in memory
            chunk = range(start, min(start + 256, count))
            for position, found in zip(chunk, pool.map(make, chunk), strict=True):
                if isinstance(found, BadPicture):
                    bad[position] = found.reason
                    continue
                if found.kind != "bytes":
                    deep[len(digests)] = position, found.kind
                    largest[found.kind] = max(largest[found.kind], found.largest)
                digests.append(put(file, in_bytes(found, 1)))
            bar.update(len(chunk))
        for row, (position, kind) in deep.items():
            found = make(position)
            if isinstance(found, BadPicture):
                raise found
            file.seek(first + row * 3 * size**2)
            digests[row] = put(file, in_bytes(found, largest[kind] or 1))
        file.seek(0)
        _header(file, len(digests), size)
    about = {"sha256": hashlib.sha256(b"".join(digests)).hexdigest(), "bad": bad}
    write_text(array.with_suffix(".json"), json.dumps(about))


def _header(file: BinaryIO, count: int, size: int) -> None:
    """The header of a .npy file; numpy pads it, so that the number of images may change afterwards."""
    shape = (count, 3, size, size)
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
