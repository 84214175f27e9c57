"""Decoding that is cut at any file operation leaves no copy that could be taken for a whole one."""

from __future__ import annotations

import json
import os
import signal

import pytest
from made_pictures import two_classes_in
from made_runs import Order

from fctransfer_utils.data import DataSpec, load

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture
def image_folder(tmp_path):
    return two_classes_in(tmp_path / "pictures")


def entry(folder):
    (found,) = [path for path in (folder / ".fctransfer-cache").iterdir() if not path.name.startswith(".")]
    return found


def test_a_kill_before_each_single_file_operation_leaves_all_or_nothing(forks, image_folder, tmp_path):
    expected = load(DataSpec(f"folder:{image_folder}")).fingerprint
    cuts = 0
    for number in range(1, 200):
        cache = image_folder / ".fctransfer-cache"
        for file in sorted(cache.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        status = forks.run(Order(folder=str(image_folder), kill_at=number))[0]
        assert load(DataSpec(f"folder:{image_folder}")).fingerprint == expected
        assert not list(cache.glob("*.tmp"))
        if status == 0:
            break
        assert status == -signal.SIGKILL
        cuts += 1
    assert cuts > 15


@pytest.mark.parametrize("name", ["train_images.npy", "train_labels.npy", "test_images.npy", "test_labels.npy"])
@pytest.mark.parametrize("place", [5, 100, -1])
def test_a_flipped_bit_in_the_decoded_copy_is_noticed_and_mended(image_folder, name, place):
    spec = DataSpec(f"folder:{image_folder}")
    before = load(spec)
    images, labels = before.train_images.clone(), before.test_labels.clone()  # of the file as it is now
    file = entry(image_folder) / name
    content = bytearray(file.read_bytes())
    content[place] ^= 4
    file.write_bytes(content)
    after = load(spec)
    assert (after.train_images == images).all()
    assert (after.test_labels == labels).all()
    assert file.read_bytes() != bytes(content)


@pytest.mark.parametrize("change", [{"mean": [0.5, 0.5, 0.5]}, {"bad": [["train/ant/0.png", "no reason"]]}])
def test_a_changed_description_is_noticed_and_mended(image_folder, change):
    spec = DataSpec(f"folder:{image_folder}")
    before = load(spec)
    file = entry(image_folder) / "meta.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    after = load(spec)
    assert (after.mean, after.fingerprint) == (before.mean, before.fingerprint)
