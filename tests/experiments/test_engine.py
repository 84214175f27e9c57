"""The same records however they come about, and nothing finished is lost whatever happens."""

import os
import random
import signal
from dataclasses import replace

import pytest
from made_studies import (
    ON_CPU,
    begin_run,
    deadly,
    deadly_once,
    donors_other_images,
    findings,
    pretended,
    records,
    small_study,
    tiny,
    trained,
)

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import engine, train
from fctransfer_utils.experiments.job import Job, TimeUp, train_job
from fctransfer_utils.experiments.network import Classes
from fctransfer_utils.experiments.store import Store

STUDY = small_study()
LONGER = small_study(epochs=8)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """What the study finds when it is trained here, one network after another."""
    return findings(STUDY, trained(STUDY, tmp_path_factory.mktemp("reference")))


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    return findings(LONGER, trained(LONGER, tmp_path_factory.mktemp("longer")))


@pytest.fixture
def ctrl_c():
    """SIGINT interrupts, also where the tests run in the background of a shell, which ignores it there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def leftovers(store):
    return [*store.path.rglob("*.tmp"), *store.path.rglob("*.pt")]


def test_in_another_order(tmp_path, reference):
    shuffled, told = random.Random(1).sample(STUDY, len(STUDY)), []
    store = trained(shuffled, tmp_path, progress=lambda done, total, record: told.append((done, total)))
    assert findings(STUDY, store) == reference
    assert told == [(done, len(STUDY)) for done in range(len(STUDY) + 1)]


def test_in_two_processes_one_of_which_dies(tmp_path, reference, monkeypatch):
    monkeypatch.setenv("MADE_DEADLY", str(tmp_path / "died"))
    store = trained(STUDY, tmp_path / "store", workers=2, load=deadly_once)
    assert (tmp_path / "died").exists()
    assert findings(STUDY, store) == reference


def test_a_network_that_kills_its_process_costs_that_network_alone(tmp_path, reference):
    killer = ({}, replace(STUDY[0][1], data=DataSpec("textures", size=16)))
    store = Store(tmp_path)
    with pytest.raises(InputError, match="1 of 11 networks") as error:
        engine.run([killer, *STUDY[:9]], store, load=deadly, workers=2, **ON_CPU)
    assert "died" in str(error.value)
    assert findings(STUDY[:9], store) == reference[:9]


def test_a_network_that_fails_costs_that_network_and_its_heirs(tmp_path, reference, monkeypatch):
    real = engine.train_job

    def sometimes(job, *weights):
        if any(labels["treatment"] == "AnB" and network in job.networks for labels, network in STUDY):
            raise MemoryError("a line\nand another")
        return real(job, *weights)

    monkeypatch.setattr(engine, "train_job", sometimes)
    store = Store(tmp_path)
    with pytest.raises(InputError, match="4 of 18 networks.*MemoryError: a line and another"):
        engine.run(STUDY, store, load=tiny, **ON_CPU)
    found = findings(STUDY, store)
    assert [each for each in found if each] == [
        each for (labels, _), each in zip(STUDY, reference, strict=True) if labels["treatment"] != "AnB"
    ]
    monkeypatch.undo()
    assert engine.run(STUDY, store, load=tiny).trained == 4
    assert findings(STUDY, store) == reference


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_what_is_finished(tmp_path, reference, workers):
    def third(done, total, record):
        if done == 3:
            signal.raise_signal(signal.SIGINT)

    store = Store(tmp_path)
    report = engine.run(STUDY, store, load=tiny, **ON_CPU, workers=workers, progress=third)
    assert report == engine.Report(3, 15, "interrupted")
    with pytest.raises(KeyboardInterrupt):  # no part of a study is taken for its table
        engine.trained(STUDY, store, load=tiny, workers=workers, progress=third)
    assert engine.run(STUDY, store, load=tiny) == engine.Report(12, 0)
    assert len(engine.trained(STUDY, store, load=tiny)) == len(STUDY)
    assert findings(STUDY, store) == reference


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_the_midst_of_a_training_that_goes_on_at_its_checkpoint(tmp_path, longer, monkeypatch):
    real, epochs = train.train_together, []

    def watched(*arguments, on_epoch, **options):
        def interrupted(epoch):
            epochs.append(epoch)
            if len(epochs) == 5:
                signal.raise_signal(signal.SIGINT)
            on_epoch(epoch)

        return real(*arguments, on_epoch=interrupted, save_every=0.0, **options)

    monkeypatch.setattr(train, "train_together", watched)
    store = Store(tmp_path)
    study = LONGER[:1]
    assert engine.run(study, store, load=tiny, **ON_CPU, keep=[study[0][1].key]).stopped
    assert engine.run(study, store, load=tiny, keep=[study[0][1].key]).trained == 1
    assert epochs == [0, 1, 2, 3, 4, 4, 5, 6, 7]
    assert findings(study, store) == longer[:1]
    assert not leftovers(store)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_time_limit_ends_a_run_that_goes_on_later(tmp_path, longer, workers):
    store = Store(tmp_path)
    report = engine.run(LONGER, store, load=tiny, **ON_CPU, time_limit=0.05, workers=workers)
    assert report.stopped
    assert report.trained + report.left == 18
    assert report.left
    assert engine.run(LONGER, store, load=tiny).stopped == ""
    assert findings(LONGER, store) == longer
    assert not leftovers(store)


@pytest.mark.parametrize(("images", "raised", "said"), [("", TimeUp, None), ("0" * 16, InputError, "0" * 16)])
def test_a_time_limit_ends_a_training_between_epochs_and_a_worker_with_other_images_is_refused(
    tmp_path, images, raised, said
):
    network = STUDY[0][1]
    images = images or train.loaded(tiny, network.data)[1]
    job = Job((network,), tiny, images, ON_CPU, (), tmp_path / "a" / "b.pt", deadline=0)
    with pytest.raises(raised, match=said):
        train_job(job)


def test_a_kill_before_any_file_operation_loses_nothing(tmp_path, monkeypatch):
    study = [row for row in STUDY if row[0]["treatment"] == "AnB"][:2]  # they learn together, and need a donor
    log, whole = tmp_path / "log", tmp_path / "whole"
    begin_run(study, whole, log, pretend=True).join()
    *keys, operations = log.read_text().split()
    assert len(keys) == 3
    expected = findings(study, Store(whole))
    assert int(operations) > 20
    for place in range(1, int(operations) + 1):
        log, path = tmp_path / f"log{place}", tmp_path / f"store{place}"
        process = begin_run(study, path, log, pretend=True, die_at=place)
        process.join()
        assert process.exitcode == -signal.SIGKILL
        store = Store(path)
        finished = log.read_text().split() if log.exists() else []
        assert set(finished) <= {record.key for record in records(store)}
        monkeypatch.setattr(engine, "train_job", pretended)
        report = engine.run(study, store, load=tiny, **ON_CPU)
        assert report.trained <= len(keys) - len(finished)
        assert findings(study, store) == expected
        assert not leftovers(store)


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 23))])
def test_a_kill_at_a_random_moment_of_real_training(seed, tmp_path, longer):
    log, path = tmp_path / "log", tmp_path / "store"
    process = begin_run(LONGER, path, log)
    process.join(random.Random(seed).uniform(0, 3))  # unless it ends before
    process.kill()
    process.join()
    finished = log.read_text().split() if log.exists() else []
    store = Store(path)
    assert {key for key in finished if len(key) == 16} <= {record.key for record in records(store)}
    trained(LONGER, path)
    assert findings(LONGER, store) == longer
    assert not leftovers(store)


def test_on_a_cluster_one_of_whose_workers_dies(tmp_path, reference):
    distributed = pytest.importorskip("distributed")

    def kill_one(done, total, record):
        if done == 2:
            os.kill(cluster.workers[0].pid, signal.SIGKILL)

    options = {"threads_per_worker": 1, "dashboard_address": None, "local_directory": tmp_path}
    with distributed.LocalCluster(n_workers=2, **options) as cluster:
        address = cluster.scheduler_address
        store = trained(STUDY, tmp_path / "store", scheduler=address, progress=kill_one)
    assert findings(STUDY, store) == reference
    assert not leftovers(store)


def test_no_workers_and_no_scheduler_are_refused(tmp_path):
    with pytest.raises(InputError, match="0 workers"):
        trained(STUDY, tmp_path, workers=0)
    with pytest.raises(InputError, match="nowhere|fctransfer\\[cluster\\]"):  # which may not be installed
        trained(STUDY, tmp_path, scheduler="nowhere")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"per_class": 13}, "learn 12 or fewer"),
        ({"per_class": 11, "held_out": 2}, "learn 10 or fewer"),
        ({"per_class": 1, "held_out": 12}, "none would be left"),
        ({"classes": Classes("natural-manmade", "A")}, "near-far"),
    ],
)
def test_images_that_there_are_not_are_named_before_anything_is_trained(tmp_path, changes, said):
    labels, good = STUDY[0]
    store = Store(tmp_path / "store")
    with pytest.raises(InputError, match=said):
        engine.run([(labels, good), (labels, replace(good, **changes))], store, load=tiny, device="cpu")
    assert not records(store)


def test_a_new_store_is_probed_with_windows_where_networks_learn_windows():
    glyphs = DataSpec("glyphs", classes=4, per_class=20, test_per_class=2)
    recipe = replace(STUDY[0][1].recipe, crop=24, batch_size=64)
    network = replace(STUDY[0][1], data=glyphs, classes=Classes(), recipe=recipe, per_class=0)
    assert engine._probed(network, train.FILES, device="cpu").device == "cpu"


def test_other_images_of_a_donor_are_noticed(tmp_path):
    labels, heir = next(row for row in STUDY if row[0]["treatment"] == "AnB")
    heir = replace(heir, data=DataSpec("textures", size=16), classes=Classes())
    store = trained([(labels, heir)], tmp_path)
    with pytest.raises(InputError, match="other images"):
        engine.run([(labels, heir)], store, load=donors_other_images)


def test_a_store_of_a_device_that_is_not_here_says_so(tmp_path):
    store = Store(tmp_path)
    with store.locked():
        store.settle({}, lambda: {"device": "meta", "dtype": "float32"})
    with pytest.raises(InputError, match="'meta' cannot be used here"):
        engine.run(STUDY[:1], store, load=tiny)


def test_what_is_finished_is_kept_when_another_brings_bad_input(tmp_path, monkeypatch):
    bad = ({}, replace(STUDY[0][1], recipe=replace(STUDY[0][1].recipe, crop=17)))
    store = Store(tmp_path)
    with pytest.raises(InputError, match="17"):
        engine.run([bad, STUDY[1]], store, load=tiny, workers=2, **ON_CPU)
    assert engine.run([STUDY[1]], store, load=tiny).left == 0
