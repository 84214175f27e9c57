"""Worker processes of this machine get the images that were made here, and say what is wrong when they cannot start."""

import subprocess
import sys

import pytest
from made_records import outcomes

from fctransfer_utils.data import handed
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import engine, places, worker
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import transfer_study
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

pytest.importorskip("distributed")
DATA = DataSpec(glyph_classes=4, glyphs_per_class=4)


@pytest.fixture(autouse=True)
def execution(monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")


@pytest.fixture
def study():
    return transfer_study(data=DATA, net=NetSpec(width=12), recipe=Recipe(epochs=1, batch_size=8), treatments=("base",))


@pytest.fixture
def written(monkeypatch):
    """The files that images were handed on in."""
    files, write = [], handed.hand
    monkeypatch.setattr(handed, "hand", lambda images, file: (files.append(file), write(images, file)))
    return files


def test_rendered_images_are_handed_to_the_workers_and_the_records_stay_the_same(study, written, tmp_path):
    engine.run(study, Store(tmp_path / "here"))
    assert written == []
    engine.run(study, Store(tmp_path / "beside"), workers=2)
    assert len(written) == 1
    assert not written[0].exists()
    assert outcomes(Store(tmp_path / "here")) == outcomes(Store(tmp_path / "beside"))


def test_without_room_for_them_every_worker_makes_its_own(study, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(handed, "hand", full)
    assert engine.run(study, Store(tmp_path / "store"), workers=2).done == len(study.runs)


def test_a_worker_takes_the_images_that_were_handed_to_it(monkeypatch, tmp_path):
    monkeypatch.setattr(worker, "_loaded", {})
    images = worker.load_images(DATA, None)
    handed.hand(images, tmp_path / "set")
    monkeypatch.setattr(worker, "_loaded", {})
    monkeypatch.setattr("fctransfer_utils.data.sources.load", None)
    assert worker.load_images(DATA, None, file=tmp_path / "set").fingerprint == images.fingerprint


SCRIPT = f"""
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import transfer_study
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

study = transfer_study(
    data={DATA!r}, net=NetSpec(width=12), recipe=Recipe(epochs=1, batch_size=8), treatments=("base",)
)
engine.run(study, Store("store"), workers=2)
"""


def test_a_script_without_a_guard_is_told_what_it_lacks(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    ran = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode
    assert "if __name__ == '__main__':" in ran.stderr.splitlines()[-1]
    assert list((tmp_path / "store" / "records").glob("*")) == []


def test_where_it_learns_is_ready_before_anybody_asks(monkeypatch):
    """The workers start beside the probe, and end with the context even when nothing is trained."""
    seen = []
    from fctransfer_utils.experiments import cluster

    begin = cluster.local_cluster

    def watched(count):
        seen.append(count)
        return begin(count)

    monkeypatch.setattr(cluster, "local_cluster", watched)
    with places.place(2, None, print):
        pass
    assert seen == [2]
