from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.errors import InputError

datasets = pytest.importorskip("torchvision.datasets")
LABELS = {"data_batch_1": [0, 1, 2, 0], "test_batch": [2, 1, 0]}


def write(path: Path, value: object) -> str:
    path.write_bytes(pickle.dumps(value))
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in the layout of CIFAR-10; its checksums are put in place of the published ones."""
    folder = tmp_path / "data/cifar-10-batches-py"
    folder.mkdir(parents=True)
    sums = {}
    for name, labels in LABELS.items():
        pixels = np.repeat(np.arange(len(labels), dtype=np.uint8)[:, None] * 50, 3072, axis=1)
        pixels[:, 1024:2048] += 1  # green
        sums[name] = write(folder / name, {"data": pixels, "labels": labels})
    names = write(folder / "batches.meta", {"label_names": ["plane", "car", "bird"]})
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(datasets.CIFAR10, "meta", {"filename": "batches.meta", "key": "label_names", "md5": names})
    return tmp_path / "data"


def test_pixels_and_labels_are_those_of_the_files(cifar: Path) -> None:
    images = load(DataSpec("cifar10"), root=cifar)
    assert images.class_ids == ("plane", "car", "bird")
    assert images.train_labels.tolist() == LABELS["data_batch_1"]
    assert images.test_labels.tolist() == LABELS["test_batch"]
    assert images.train_images[:, :, 5, 9].tolist() == [[0, 1, 0], [50, 51, 50], [100, 101, 100], [150, 151, 150]]
    assert images.flip


def test_another_size_is_resized(cifar: Path) -> None:
    images = load(DataSpec("cifar10", image_size=64), root=cifar)
    assert images.train_images.shape == (4, 3, 64, 64)
    assert images.train_images[1, :, 60, 3].tolist() == [50, 51, 50]


class Trap:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_file_with_another_checksum_is_refused_and_never_unpickled(cifar: Path, tmp_path: Path) -> None:
    for name in ("test_batch", "batches.meta"):
        path = cifar / "cifar-10-batches-py" / name
        whole = path.read_bytes()
        write(path, Trap(tmp_path / "sprung"))
        with pytest.raises(InputError, match="cifar10 is not in .* or is damaged.*downloading is off.*cifar-10-python"):
            load(DataSpec("cifar10"), root=cifar, download=False)
        path.write_bytes(whole)
    assert not (tmp_path / "sprung").exists()


def test_a_failed_download_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.CIFAR100, "url", "http://127.0.0.1:9/cifar-100-python.tar.gz")
    with pytest.raises(InputError, match=r"download of cifar100 failed: .*MD5 eb9058c3a382ffc7106e4002c42a8d85"):
        load(DataSpec("cifar100"), root=tmp_path / "data")
