"""Thousands of damaged pictures and archives: each is read or named, and none ends the reading."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
import zipfile

import numpy as np
import pytest
from made_damage import attempt, damaged
from PIL import Image

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data.image_files import FORMATS, decode

SIZE = 32
FILES = 3000
CLASSES = ("ant", "bee")


def encoded(kind, **options):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


SEEDS = [encoded(kind) for kind in FORMATS] + [
    encoded("JPEG", progressive=True),
    encoded("PNG", optimize=True),
    encoded("TIFF", compression="tiff_lzw"),
    encoded("WEBP", lossless=True),
]


@pytest.fixture
def quiet():
    """Pillow warns of much that it can still read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def write_set(root, draw, *, count):
    """A folder of two classes with one whole picture a part each, and ``count`` damaged ones to learn from."""
    for part in ("train", "val"):
        for name in CLASSES:
            folder = root / part / name
            folder.mkdir(parents=True)
            (folder / "0_whole.png").write_bytes(SEEDS[1])
    for number in range(count):
        file = root / "train" / draw.choice(CLASSES) / f"{number}.jpg"
        file.write_bytes(damaged(draw.choice(SEEDS), draw))


def test_a_folder_with_thousands_of_damaged_files_is_read_as_far_as_it_goes(tmp_path, draw, quiet):
    write_set(tmp_path / "set", draw, count=FILES)
    spec = DataSpec(f"folder:{tmp_path / 'set'}", image_size=SIZE)
    images, message = attempt(load, spec, bad_images="skip")
    assert message == ""
    good = len(images.train_images) - len(CLASSES)
    assert images.train_images.shape[1:] == (3, SIZE, SIZE)
    assert len(images.train_labels) == len(images.train_images)
    assert 0.02 * FILES < good < 0.9 * FILES
    _, message = attempt(load, spec)
    assert message.startswith(f"{FILES - good} files of ")
    assert len(message) < 1500


def pixels_of(content):
    """The decoded picture; None for what Pillow refuses, in whatever way except for want of memory."""
    try:
        return decode(content, SIZE)
    except MemoryError:
        raise
    except Exception:
        return None


def test_what_is_decoded_has_the_one_shape_whatever_the_damage(draw, quiet):
    found = [pixels_of(damaged(draw.choice(SEEDS), draw)) for _ in range(1500)]
    decoded = [pixels for pixels in found if pixels is not None]
    assert 50 < len(decoded) < 1400
    assert {(pixels.shape, pixels.dtype.name) for pixels in decoded} == {((3, SIZE, SIZE), "uint8")}


def test_names_links_and_pipes_that_are_no_pictures_are_named(tmp_path, draw):
    write_set(tmp_path / "set", draw, count=0)
    folder = tmp_path / "set" / "train" / "ant"
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "nothing").symlink_to(folder / "gone")
    (folder / "endless").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe")
    with contextlib.suppress(OSError):  # not every system takes names of any bytes
        (folder / os.fsdecode(b"\xff\xfe.jpg")).write_bytes(b"no picture")
    bad = len(list(folder.iterdir())) - 1
    spec = DataSpec(f"folder:{tmp_path / 'set'}", image_size=SIZE)
    _, message = attempt(load, spec)
    assert bad >= 4
    assert message.startswith(f"{bad} files of ")
    assert "not a regular file" in message
    assert len(load(spec, bad_images="skip").train_images) == 2


def test_damaged_archives_are_read_or_refused(tmp_path, draw, quiet):
    write_set(tmp_path / "set", draw, count=4)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((tmp_path / "set").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    refused = 0
    for number in range(250):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(damaged(whole.getvalue(), draw))
        images, message = attempt(load, DataSpec(f"folder:{path}", image_size=SIZE), bad_images="skip")
        assert message or len(images.train_images) >= 2
        refused += bool(message)
    assert 20 < refused < 250


def test_every_flipped_byte_in_the_directory_of_an_archive_is_read_or_refused(tmp_path, draw, quiet):
    write_set(tmp_path / "set", draw, count=0)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for file in sorted((tmp_path / "set").rglob("*.*")):
            archive.write(file, file.relative_to(tmp_path))
    content = whole.getvalue()
    path = tmp_path / "set.zip"
    for place in range(content.index(b"PK\x01\x02"), len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ draw.randrange(1, 256)]) + content[place + 1 :])
        images, message = attempt(load, DataSpec(f"folder:{path}", image_size=SIZE), bad_images="skip")
        assert message or len(images.train_images) >= 2


@pytest.mark.parametrize("name", ["wnids.txt", "words.txt", "val/val_annotations.txt"])
def test_damaged_lists_of_tiny_imagenet_are_read_or_refused(tmp_path, draw, name):
    from fctransfer_utils.data import tiny_imagenet

    home = tmp_path / "tiny-imagenet-200"
    wnids = ["n00000001", "n00000002"]
    for wnid in wnids:
        (home / "train" / wnid / "images").mkdir(parents=True)
        (home / "train" / wnid / "images" / "0.JPEG").write_bytes(SEEDS[0])
    (home / "val" / "images").mkdir(parents=True)
    for number in range(2):
        (home / "val" / "images" / f"{number}.JPEG").write_bytes(SEEDS[0])
    lists = {
        "wnids.txt": "\n".join(wnids),
        "words.txt": "n00000001\tant, emmet\nn00000002\tbee",
        "val/val_annotations.txt": "".join(f"{at}.JPEG\t{wnids[at]}\t0\t0\t9\t{at}\n" for at in range(2)),
    }
    for place, text in lists.items():
        (home / place).write_text(text)
    for _ in range(300):
        (home / name).write_bytes(damaged(lists[name].encode(), draw))
        found, message = attempt(tiny_imagenet.listing, home)
        assert message or len(found.train) == len(found.class_ids)
        boxes, message = attempt(tiny_imagenet.boxes, home)
        assert message or len(boxes) >= 2
