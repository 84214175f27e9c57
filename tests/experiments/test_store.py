"""The store keeps what it is given, notices damage, and is written by one run at a time."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from made_records import one_record

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import store as store_module
from fctransfer_utils.experiments.record import Result, pack_weights, parse_record
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store, StoreError
from fctransfer_utils.training.execution import Execution
from fctransfer_utils.training.loop import Epoch

WEIGHTS = pack_weights({"conv1.weight": torch.arange(6.0).reshape(2, 3), "norm.count": torch.tensor(3)})


@pytest.fixture
def record():
    return one_record(RunSpec(seed=4), WEIGHTS)


def test_a_record_survives_its_file(store, record):
    store.add(record, WEIGHTS)
    assert store.records() == [record]
    assert store.has(record.key)
    assert store.weights(record.key)["conv1.weight"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_a_diverged_record_survives_its_file(store, record):
    nan = float("nan")
    store.add(replace(record, result=Result(nan, nan, diverged=True), curve=(Epoch(1, nan, nan, 0.1, 0.02, 1.0),)))
    (found,) = store.records()
    assert found.result.diverged
    assert found.result.top1 != found.result.top1
    assert found.curve[0].train_loss != found.curve[0].train_loss


def test_an_outcome_leaves_out_the_times_only(record):
    slower = replace(record, seconds=9.0, curve=tuple(epoch._replace(seconds=9.0) for epoch in record.curve))
    assert slower.outcome() == record.outcome()
    for other in (replace(record, result=Result(0.26, 3.0)), replace(record, weights_sha256="0" * 64)):
        assert other.outcome() != record.outcome()


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b.replace(b"0.25", b"0.35")])
def test_a_damaged_record_is_set_aside(store, record, damage):
    store.add(record, WEIGHTS)
    file = store.path / "records" / f"{record.key}.json"
    file.write_bytes(damage(file.read_bytes()))
    assert not store.has(record.key)
    assert store.records() == []
    assert list(store.damaged()) == [record.key]
    assert list(store.mend()) == [record.key]
    assert store.keys() == []
    kept = sorted(path.suffix for path in (store.path / "set-aside").iterdir())
    assert kept == [".json", ".safetensors", ".txt"]


def test_a_record_under_another_name_is_damage(store, record):
    store.add(record)
    (store.path / "records" / f"{record.key}.json").rename(store.path / "records" / f"{'0' * 16}.json")
    assert list(store.damaged()) == ["0" * 16]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b""])
def test_damaged_weights_are_never_handed_out(store, record, damage):
    store.add(record, WEIGHTS)
    assert store.weights_fault(record.key) == ""
    file = store.path / "weights" / f"{record.key}.safetensors"
    file.write_bytes(damage(WEIGHTS))
    assert "checksum" in store.weights_fault(record.key)
    with pytest.raises(StoreError, match=record.key):
        store.weights(record.key)


def test_weights_that_were_not_kept_are_named_so(store, record):
    store.add(record)
    with pytest.raises(StoreError, match="not kept"):
        store.weights(record.key)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"checksum": 1}', "not json"])
def test_other_files_are_no_records(text):
    with pytest.raises(InputError, match=r"not a record|checksum"):
        parse_record(text)


@pytest.mark.parametrize("name", ["format", "specification"])
def test_a_store_of_another_version_is_one_clear_error(store, name):
    file = store.path / "store.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: 99}))
    with pytest.raises(StoreError, match=r"another version.*99"):
        Store(store.path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format'])
def test_an_unreadable_description_is_one_clear_error(store, text):
    (store.path / "store.json").write_text(text)
    with pytest.raises(StoreError, match="store"):
        Store(store.path)


def test_a_strange_folder_a_file_and_nothing_are_no_stores(tmp_path):
    (tmp_path / "photo.jpg").write_text("x")
    with pytest.raises(StoreError, match=r"photo\.jpg"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="is a file"):
        Store(tmp_path / "photo.jpg")
    with pytest.raises(StoreError, match="there is no store"):
        Store(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


def test_one_execution_per_store(store):
    first = Execution("cpu", "bfloat16", channels_last=True)
    assert store.settle_execution(None, lambda: first) == first
    assert Store(store.path).settle_execution(None, pytest.fail) == first
    assert store.settle_execution(first, pytest.fail) == first
    with pytest.raises(StoreError, match="bfloat16"):
        store.settle_execution(Execution("cpu", "float32"), pytest.fail)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_store_begun_on_a_gpu_is_one_clear_error_without_one(store):
    file = store.path / "store.json"
    execution = {"device": "cuda", "precision": "bfloat16", "channels_last": True}
    file.write_text(json.dumps({**json.loads(file.read_text()), "execution": execution}))
    with pytest.raises(StoreError, match="another device"):
        store.settle_execution(None, pytest.fail)


def test_one_writer_at_a_time_and_readers_at_any_time(store, record):
    with store.locked():
        store.add(record)
        other = Store(store.path)
        with pytest.raises(StoreError, match=f"in use by process {os.getpid()}"), other.locked():
            pass
        assert other.records() == [record]
        assert str(os.getpid()) in other.holder()
    assert other.holder() == ""
    with other.locked():
        pass


def test_a_killed_writer_leaves_the_store_free_and_clean(store):
    code = (
        "import os, signal, sys; from pathlib import Path; from fctransfer_utils.experiments.store import Store\n"
        "from fctransfer_utils.files import replacing\n"
        "with Store(sys.argv[1]).locked(), replacing(Path(sys.argv[1]) / 'records' / 'x.json'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(store.path)], check=False).returncode == -9
    assert list((store.path / "records").iterdir())
    assert store.holder() == ""
    with store.locked():
        assert not list((store.path / "records").iterdir())


@pytest.mark.parametrize("step", ["replacing", "write_text"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_full_or_closed_disk_is_one_clear_error_and_nothing_is_half_written(store, record, monkeypatch, step, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(store_module, step, fail)
    with pytest.raises(StoreError, match=os.strerror(number)):
        store.add(record, WEIGHTS)
    assert store.records() == []
    assert not (store.path / "records").exists() or not list((store.path / "records").iterdir())
