"""Pictures and folders of pictures, written for tests."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from fctransfer_utils.data.images import Images


def noise(*seed: int, side: int = 32) -> np.ndarray:
    """Random pixels (side, side, 3): no two seeds give the same."""
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    """Write an array as a picture; the folders that it needs are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def as_folders(root: Path, images: Images) -> None:
    """Pictures of a set, in a folder for each of its classes."""
    for number, (pixels, label) in enumerate(zip(images.pixels, images.labels.tolist(), strict=True)):
        save(root / images.classes[label] / f"{number}.png", pixels.movedim(0, 2).numpy())


def class_folders(root: Path, counts: dict[str, int], *, side: int = 32) -> Path:
    """Class folders (such as "train/ant") with so many different pictures each."""
    for number, (name, count) in enumerate(counts.items()):
        for index in range(count):
            save(root / name / f"{index}.png", noise(number, index, side=side))
    return root


def two_parts(
    root: Path, *, train: str = "train", test: str = "val", classes: tuple[str, ...] = ("ant", "bee")
) -> Path:
    """Folders of 4 pictures to learn and 2 to test of each class."""
    return class_folders(root, {f"{part}/{name}": n for part, n in ((train, 4), (test, 2)) for name in classes})


def deep_png(path: Path, values: np.ndarray) -> Path:
    """Write a colour PNG of 16 bits a channel, which Pillow cannot write, from values (H, W, 3)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    about = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    content = chunk(b"IHDR", about) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + content)
    return path


def tiny_imagenet(root: Path, words: dict[str, str]) -> Path:
    """The layout of Tiny ImageNet with the classes ``words`` (wnid: names), 3 training and 2 validation images each."""
    rows = []
    for label, wnid in enumerate(words):
        for index in range(3):
            save(root / "train" / wnid / "images" / f"{wnid}_{index}.JPEG", noise(label, index, side=64))
        (root / "train" / wnid / f"{wnid}_boxes.txt").write_text("")
        for index in range(2):
            name = f"val_{index * len(words) + label}.JPEG"
            save(root / "val" / "images" / name, noise(label, 3 + index, side=64))
            rows.append(f"{name}\t{wnid}\t0\t0\t63\t63\n")
    (root / "val" / "val_annotations.txt").write_text("".join(rows))
    (root / "wnids.txt").write_text("\n".join(reversed(words)) + "\n")
    (root / "words.txt").write_text("".join(f"{wnid}\t{names}\n" for wnid, names in words.items()))
    return root
