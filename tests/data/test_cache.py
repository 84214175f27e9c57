from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from made_pictures import picture

from fctransfer_utils.data import DataSpec, cache, load
from fctransfer_utils.data.image_set import Labelled, build
from fctransfer_utils.errors import InputError


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for every image that is decoded."""
    seen: list[str] = []
    real = cache._read

    def counting(listing, item, image_size):
        seen.append(item.path)
        return real(listing, item, image_size)

    monkeypatch.setattr(cache, "_read", counting)
    return seen


def spec(root: Path, **options) -> DataSpec:
    return DataSpec(f"folder:{root}", **options)


def entry(root: Path) -> Path:
    (found,) = [path for path in (root / ".fctransfer-cache").iterdir() if not path.name.startswith(".")]
    return found


def test_images_are_decoded_once_per_size(image_folder: Path, decodings: list[str]) -> None:
    first, second = load(spec(image_folder)), load(spec(image_folder))
    assert len(decodings) == 9
    assert (first.train_images == second.train_images).all()
    assert (first.mean, first.std, first.fingerprint) == (second.mean, second.std, second.fingerprint)
    load(spec(image_folder, image_size=48))
    assert len(decodings) == 18


def test_a_changed_file_is_decoded_again(image_folder: Path, decodings: list[str]) -> None:
    before = load(spec(image_folder))
    picture(200).save(image_folder / "train/ant/0.png")
    after = load(spec(image_folder))
    assert after.train_images[0, 0, 0, 0] == 200
    assert after.fingerprint != before.fingerprint
    assert len(decodings) == 18


def test_what_the_disk_holds_is_what_memory_would(image_folder: Path) -> None:
    images = load(spec(image_folder))
    made = build(
        images.name,
        train=Labelled(images.train_images.clone(), images.train_labels.clone()),
        test=Labelled(images.test_images.clone(), images.test_labels.clone()),
        class_ids=images.class_ids,
        class_names=images.class_names,
        flip=True,
    )
    assert made.fingerprint == images.fingerprint
    assert (made.mean, made.std) == (images.mean, images.std)


def test_nothing_that_is_done_to_the_images_reaches_the_file(image_folder: Path) -> None:
    images = load(spec(image_folder))
    images.train_images[0] = 7
    assert load(spec(image_folder)).train_images[0, 0, 0, 0] == 0


def test_the_arrays_are_plain_npy_files(image_folder: Path) -> None:
    images = load(spec(image_folder))
    array = np.load(entry(image_folder) / "train_images.npy")
    assert (array == images.train_images.numpy()).all()


@pytest.mark.parametrize("name", ["train_images.npy", "test_labels.npy", "meta.json"])
def test_a_file_cut_short_is_noticed_and_made_again(image_folder: Path, decodings: list[str], name: str) -> None:
    before = load(spec(image_folder)).fingerprint
    path = entry(image_folder) / name
    path.write_bytes(path.read_bytes()[:-9])
    assert load(spec(image_folder)).fingerprint == before
    assert len(decodings) == 18


def test_an_entry_of_another_format_is_made_again(image_folder: Path, decodings: list[str]) -> None:
    load(spec(image_folder))
    path = entry(image_folder) / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 0}))
    load(spec(image_folder))
    assert len(decodings) == 18


def test_readers_that_start_together_decode_once(image_folder: Path, decodings: list[str]) -> None:
    found: list[str] = []
    together = threading.Barrier(4)

    def read() -> None:
        together.wait()
        found.append(load(spec(image_folder)).fingerprint)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 4
    assert len(decodings) == 9


KILLED = """
import os, sys
from fctransfer_utils.data import DataSpec, cache, load
cache.channel_statistics = lambda images: os._exit(9)  # as if killed with everything decoded and nothing finished
load(DataSpec("folder:" + sys.argv[1]))
"""


def test_a_process_that_is_killed_leaves_nothing_that_is_taken_for_an_entry(image_folder: Path) -> None:
    package = Path(cache.__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(image_folder)], env=os.environ | {"PYTHONPATH": str(package)}, check=False
    )
    assert killed.returncode == 9
    assert list((image_folder / ".fctransfer-cache").glob(".*.tmp"))
    assert len(load(spec(image_folder)).train_images) == 6
    assert not list((image_folder / ".fctransfer-cache").glob(".*.tmp"))


def test_too_little_space_is_said_before_anything_is_decoded(
    image_folder: Path, decodings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(image_folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    with pytest.raises(InputError, match=r"no space in .*0\.00 GB at 32 px.*nothing was left behind.*FCTRANSFER_CACHE"):
        load(spec(image_folder))
    assert not decodings


@pytest.mark.parametrize("when", ["images", "labels"])
def test_a_disk_that_fills_while_decoding_leaves_nothing_behind(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full) if when == "images" else patch.setattr(np, "save", full)
        with pytest.raises(InputError, match="no space in"):
            load(spec(image_folder))
    folder = image_folder / ".fctransfer-cache"
    assert [path for path in folder.iterdir() if path.suffix != ".lock"] == []
    assert len(load(spec(image_folder)).train_images) == 6


def test_the_copy_goes_where_it_can_be_written(
    image_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decodings: list[str]
) -> None:
    (image_folder / ".fctransfer-cache").write_text("a file stands where the folder should be")
    load(spec(image_folder))
    assert len(list((tmp_path / "build/cache").glob("folder-pictures-32px-*"))) == 1
    monkeypatch.setenv("FCTRANSFER_CACHE", str(tmp_path / "mine"))
    load(spec(image_folder))
    assert len(decodings) == 9, "a copy that lies in another of the folders is found"
    load(spec(image_folder, image_size=40))
    assert len(list((tmp_path / "mine").glob("folder-pictures-40px-*"))) == 1


def test_no_folder_at_all_that_can_be_written(image_folder: Path, tmp_path: Path) -> None:
    (image_folder / ".fctransfer-cache").touch()
    (tmp_path / "build").touch()
    with pytest.raises(InputError, match=r"no folder for decoded images can be written.*FCTRANSFER_CACHE"):
        load(spec(image_folder))
