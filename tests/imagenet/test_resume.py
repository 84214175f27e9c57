"""A network on ImageNet that takes days survives a kill: the same command goes on and ends bit-equal."""

import subprocess
import sys

import pytest

from fctransfer_utils.cli import main
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.store import Store

# A network that learns quickly, in the paper's schedule, so that six evaluations take a second.
OPTIONS = {
    "net": "alexnet_mini", "width": 12, "image_size": 72, "crop": 64, "epochs": 6, "steps": 3, "drop_every": 9,
    "batch_size": 8, "splits": ("random0",), "directions": (("A", "B"),), "treatments": ("base",),
}  # fmt: skip
COMMAND = [
    "--net", "alexnet_mini", "--width", "12", "--image-size", "72", "--crop", "64", "--epochs", "6", "--steps", "3",
    "--drop-every", "9", "--batch-size", "8", "--splits", "random0", "--directions", "A-B", "--treatments", "base",
    "--checkpoint-every", "0",
]  # fmt: skip

# The process is killed right after it has written the state of its first network for the second time.
KILLED = """
import os, signal, sys
from fctransfer_utils.cli import main
from fctransfer_utils.training.checkpoint import Checkpoint
write = Checkpoint.write
def write_and_die(self, learners, *rest):
    write(self, learners, *rest)
    if len(learners[0].curve) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
Checkpoint.write = write_and_die
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def study(tree):
    return study_profile("transfer", "paper", tree.data, **OPTIONS)


@pytest.fixture(scope="module")
def undisturbed(study, images, tmp_path_factory):
    """What comes out when nothing happens, with no checkpoint at all."""
    store = Store(tmp_path_factory.mktemp("undisturbed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
        engine.run(study, store, progress=silent, checkpoint_every=1e9)
    assert not list(store.path.glob("checkpoints/*"))
    return {record.key: record.outcome() for record in store.records()}


def command(tree, store):
    return ["run", "transfer", "--data", tree.data, "--profile", "paper", "--store", str(store), *COMMAND]


def test_a_killed_network_goes_on_from_its_last_checkpoint_and_ends_bit_equal(tree, tmp_path, undisturbed, capsys):
    where = tmp_path / "store"
    killed = subprocess.run([sys.executable, "-c", KILLED, *command(tree, where)], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    store = Store(where, create=False)
    assert store.records() == []
    (file,) = store.path.glob("checkpoints/*.safetensors")
    assert file.stem in undisturbed

    seen = []

    def watch(now):
        if now.event == "epoch":
            seen.append((now.run.key, now.epoch.epoch))

    study = study_profile("transfer", "paper", tree.data, **OPTIONS)
    report = engine.run(study, store, progress=watch, checkpoint_every=0.0)
    assert (report.done, report.remaining) == (2, 0)
    assert [epoch for key, epoch in seen if key == file.stem] == [3, 4, 5, 6]
    assert {record.key: record.outcome() for record in store.records()} == undisturbed
    assert not list(store.path.glob("checkpoints/*"))


def test_a_damaged_checkpoint_costs_time_and_nothing_else(tree, tmp_path, undisturbed):
    store = Store(tmp_path / "store")
    for key in undisturbed:
        file = store.path / "checkpoints" / f"{key}.safetensors"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"\\x00" * 100)
    assert main(command(tree, store.path)) == 0
    assert {record.key: record.outcome() for record in store.records()} == undisturbed


def test_ctrl_c_costs_no_evaluation_that_is_done(study, tmp_path, images, undisturbed):
    store, heard = Store(tmp_path / "store"), []

    def interrupt_after_four(now):
        if now.event == "epoch":
            heard.append(now.epoch.epoch)
            if len(heard) == 4:
                raise KeyboardInterrupt

    first = engine.run(study, store, progress=interrupt_after_four, checkpoint_every=0.0)
    assert (first.interrupted, first.done) == (True, 0)
    assert engine.run(study, store, progress=interrupt_after_four, checkpoint_every=0.0).remaining == 0
    assert heard == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]
    assert {record.key: record.outcome() for record in store.records()} == undisturbed
