"""What is on disk is whole or absent, is of the images that it says, and is written by one run at a time."""

import errno
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_studies import ON_CPU, others, pretended, records, small_study, tiny, trained

from fctransfer_utils import files
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.network import Network
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import status
from fctransfer_utils.experiments.train import loaded
from fctransfer_utils.training.device import Setting

STUDY = small_study()
BASE = next(network for labels, network in STUDY if labels["treatment"] == "base")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store with the whole study, in which nothing was really trained."""
    monkeypatch.setattr(engine, "train_job", pretended)
    return trained(STUDY, tmp_path / "store")


DAMAGES = {
    "empty": lambda text: b"",
    "half": lambda text: text[: len(text) // 2],
    "not a record": lambda text: b"[1, 2]",
    "another field": lambda text: text.replace(b'"measures"', b'"other"'),
    "a field of another kind": lambda text: json.dumps(json.loads(text) | {"measures": None}).encode(),
    "another network": lambda text: text.replace(BASE.key.encode(), b"0" * 16),
    "not UTF-8": lambda text: b"\xff\xfe" + text,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_record_is_set_aside_and_trained_again(store, damage):
    file = store.path / "records" / f"{BASE.key}.json"
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert status(STUDY, store).done == len(STUDY) - 1
    assert engine.run(STUDY, store, load=tiny).trained == 1
    assert file.read_bytes() == whole
    assert (store.path / "set-aside" / file.name).exists()


def test_damaged_weights_are_made_again_where_they_are_needed(store):
    file = store.path / "weights" / f"{BASE.key}.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"?")
    with pytest.raises(InputError, match=BASE.key):
        store.weights(BASE)
    assert engine.run(STUDY, store, load=tiny).trained == 0
    heir = next(network for _, network in STUDY if network.donor == BASE)
    (store.path / "records" / f"{heir.key}.json").unlink()
    assert engine.run(STUDY, store, load=tiny).trained == 2
    assert store.weights(BASE) == whole


def test_weights_are_kept_of_donors_and_of_what_is_asked_for(store):
    donors = {network.donor.key for _, network in STUDY if network.donor}
    assert {file.stem for file in (store.path / "weights").iterdir()} == donors
    asked = next(network for labels, network in STUDY if labels["treatment"] == "long")
    assert engine.run(STUDY, store, load=tiny, keep=[asked.key]).trained == 1
    assert store.weights(asked)


def test_other_images_are_refused_with_nothing_left_to_do(store):
    before = {file: file.read_bytes() for file in store.path.rglob("*") if file.is_file()}
    with pytest.raises(InputError) as error:
        engine.run(STUDY, store, load=others)
    for said in (*(loaded(load, BASE.data)[1] for load in (tiny, others)), "--store"):
        assert said in str(error.value)
    assert before == {file: file.read_bytes() for file in store.path.rglob("*") if file.is_file()}


def test_a_record_of_what_its_key_once_meant_does_not_count(store):
    file = store.path / "records" / f"{BASE.key}.json"
    content = json.loads(file.read_text())
    content["network"]["recipe"]["momentum"] = 0.5
    file.write_text(json.dumps(content))
    assert store.record(BASE) is None


def test_two_runs_on_one_store_end_in_a_line_for_the_second(store):
    with store.locked(), pytest.raises(InputError, match="another run"):
        engine.run(STUDY, Store(store.path), load=tiny)
    assert engine.run(STUDY, store, load=tiny).left == 0


@pytest.mark.parametrize("call", range(1, 22, 4))  # a file for the setting, for 18 records and the weights of 2 donors
def test_a_full_disk_ends_in_a_line_and_loses_nothing(tmp_path, monkeypatch, call):
    monkeypatch.setattr(engine, "train_job", pretended)
    sync, calls = files.os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) >= call:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    told = []
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", full)
        with pytest.raises(InputError, match="No space left") as error:
            trained(STUDY, tmp_path, progress=lambda done, total, record: told.append(record))
        assert "\n" not in str(error.value)
    store = Store(tmp_path)
    finished = [record for record in told if record]
    kept = {record.key: record for record in records(store)}
    assert all(kept[record.key] == record for record in finished)
    assert not list(tmp_path.rglob("*.tmp"))
    assert engine.run(STUDY, store, load=tiny, dtype="float32", device="cpu").trained == len(STUDY) - len(finished)


def test_a_store_has_one_setting(store):
    with pytest.raises(InputError, match="bfloat16"):
        engine.run([({}, replace(BASE, seed=9))], store, load=tiny, dtype="bfloat16")
    assert store.settle({}, pytest.fail) == ON_CPU


def test_a_new_store_settles_its_setting_by_a_probe(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "train_job", pretended)
    monkeypatch.setattr(engine, "probe", lambda net, batch, device: Setting(device, "bfloat16"))
    for size, dtype in ((engine.LARGE, "bfloat16"), (engine.LARGE - 1, "float32")):
        network = replace(BASE, recipe=replace(BASE.recipe, batch_size=size))
        store = trained([({}, network)], tmp_path / dtype, dtype="", device="cpu")
        assert store.settle({}, pytest.fail) == {"device": "cpu", "dtype": dtype}


def test_a_folder_that_cannot_be_written_ends_in_a_line(tmp_path):
    (tmp_path / "records").touch()
    with pytest.raises(InputError, match="cannot|Not a directory|exists"):
        trained(STUDY[:1], tmp_path)


def test_two_studies_share_what_both_list(store, tmp_path):
    more = small_study(cuts=(1, 3, 7))
    new = {network.key for _, network in more} - {network.key for _, network in STUDY}
    assert engine.run(more, store, load=tiny).trained == len(new)


def resident():
    """Memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_many_networks_take_no_memory_and_are_read_without_torch(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "train_job", pretended)
    monkeypatch.setattr(files.os, "fsync", lambda handle: None)
    study = [({"seed": seed}, Network(seed=seed)) for seed in range(300)]
    before, most = resident(), 0

    def watched(done, total, record):
        nonlocal most
        most = max(most, resident() if done % 50 == 0 else 0)

    trained(study, tmp_path, keep=[network.key for _, network in study], progress=watched)
    assert sum(file.stat().st_size for file in (tmp_path / "weights").iterdir()) > 14e6
    assert most - before < 17e6
    code = (
        "import sys\n"
        "from fctransfer_utils.experiments import job, network, profiles, store, studies, table\n"
        "study = [({'seed': seed}, network.Network(seed=seed)) for seed in range(300)]\n"
        "found = table.status(study, store.Store(sys.argv[1]))\n"
        "peak = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')]\n"
        "print(found.done, 'torch' in sys.modules, *peak)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    done, torch, kilobytes = said.stdout.split()
    assert (done, torch) == ("300", "False")
    assert int(kilobytes) < 150_000
    shutil.rmtree(tmp_path)
