"""One study, run in every way that the engine knows: the same records, all but the times, bit for bit."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
from made_records import outcomes

from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.store import Store

OPTIONS = {"glyph_classes": 6, "glyphs_per_class": 6, "width": 12, "cuts": (1, 5), "batch_size": 16, "epochs": 2}
COMMAND = (
    "--profile smoke --glyph-classes 6 --glyphs-per-class 6 --width 12 --cuts 1,5 --batch-size 16 --epochs 2"
    " --directions A-B --execution cpu/float32"
)


@pytest.fixture(scope="module")
def study():
    return study_profile("transfer", "smoke", directions=(("A", "B"),), **OPTIONS)


@pytest.fixture(scope="module", autouse=True)
def execution_without_probe():
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
        yield


@pytest.fixture(scope="module")
def serial(study, tmp_path_factory):
    """The records when one network is trained after another in this process."""
    store = Store(tmp_path_factory.mktemp("serial"))
    engine.run(study, store, progress=silent)
    return outcomes(store)


def side_by_side(workers):
    pytest.importorskip("distributed")
    return lambda study, store: engine.run(study, store, workers=workers, progress=silent)


def again(study, store):
    engine.run(study, store, progress=silent)


def backwards(study, store):
    engine.run(replace(study, runs=tuple(reversed(study.runs)), in_order=True), store, progress=silent)


def one_by_one(study, store):
    """Interrupted after every network (or crew), and begun anew."""

    def interrupt(now):
        if now.event == "trained":
            raise KeyboardInterrupt

    while engine.run(study, store, progress=interrupt).interrupted:
        pass


def one_network_a_study(study, store):
    for run in study.runs:
        engine.run(replace(study, runs=(run,)), store, progress=silent)


def in_another_process(study, store):
    """With other hashes of texts, with two threads for products outside of training, and from another folder."""
    environment = {**os.environ, "PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    command = [sys.executable, "-m", "fctransfer_utils", "run", "transfer", "--store", str(store.path)]
    subprocess.run(
        [*command, *COMMAND.split()], cwd=store.path.parent, env=environment, check=True, capture_output=True
    )


WAYS = {
    "again": again,
    "with two workers": lambda study, store: side_by_side(2)(study, store),
    "with four workers": lambda study, store: side_by_side(4)(study, store),
    "backwards": backwards,
    "interrupted after every network": one_by_one,
    "one network at a time": one_network_a_study,
    "in another process": in_another_process,
}


@pytest.mark.parametrize("way", WAYS)
def test_the_records_are_those_of_a_serial_run(way, study, serial, tmp_path):
    store = Store(tmp_path / "store")
    WAYS[way](study, store)
    assert outcomes(store) == serial
    assert set(serial) == set(study.keys)


def test_an_outcome_tells_networks_apart(serial):
    """Equal outcomes would prove nothing if all were equal: weights and curves differ from network to network."""
    assert len({outcome["weights_sha256"] for outcome in serial.values()}) == len(serial)
    curves = {tuple(epoch["train_loss"] for epoch in outcome["curve"]) for outcome in serial.values()}
    assert len(curves) == len(serial)
