"""One small image set on disk in the layout of Tiny ImageNet, and the study of tiny networks on it."""

import numpy as np
import pytest
from PIL import Image

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import transfer_study
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

WNIDS = [f"n0000000{number}" for number in range(6)]


@pytest.fixture(autouse=True)
def execution_without_probe(monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")


@pytest.fixture(scope="session")
def data_root(tmp_path_factory):
    """Six classes of coloured noise: 8 training and 4 test images each."""
    root = tmp_path_factory.mktemp("data")
    home = root / "tiny-imagenet-200"
    random = np.random.default_rng(0)

    def picture(path, label):
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 120, (64, 64, 3)) + np.array([label * 20, 120 - label * 20, label % 2 * 120])
        Image.fromarray(pixels.astype(np.uint8)).save(path)

    annotations = []
    for label, wnid in enumerate(WNIDS):
        for number in range(8):
            picture(home / "train" / wnid / "images" / f"{wnid}_{number}.JPEG", label)
        for number in range(4):
            name = f"val_{label}_{number}.JPEG"
            picture(home / "val" / "images" / name, label)
            annotations.append(f"{name}\t{wnid}\t0\t0\t63\t63")
    (home / "val" / "val_annotations.txt").write_text("\n".join(annotations))
    (home / "wnids.txt").write_text("\n".join(WNIDS))
    (home / "words.txt").write_text("\n".join(f"{wnid}\tcolour {label}" for label, wnid in enumerate(WNIDS)))
    return root


@pytest.fixture
def study():
    """``study(**options)``: 7 tiny networks unless ``options`` of ``transfer_study`` say otherwise."""

    def make(**options):
        plain = {
            "data": DataSpec(name="tiny-imagenet"),
            "net": NetSpec(width=12),
            "recipe": Recipe(epochs=1, batch_size=16),
            "directions": (("A", "B"),),
            "treatments": ("base", "BnB", "AnB", "twice"),
            "cuts": (1, 7),
        }
        return transfer_study(**{**plain, **options})

    return make


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def outcomes():
    """``outcomes(store)``: everything that must be the same however a study was run."""
    return lambda store: {record.key: record.outcome() for record in store.records()}
