"""One engine: whatever stops it, and wherever networks learn, the same records come out."""

import contextlib
import errno
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import asdict, replace

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import cluster, engine, places, worker
from fctransfer_utils.experiments import store as store_module
from fctransfer_utils.experiments.plan import make_plan
from fctransfer_utils.experiments.progress import Lines, silent
from fctransfer_utils.experiments.record import unpack_weights
from fctransfer_utils.experiments.run_network import run_network
from fctransfer_utils.experiments.session import SLACK
from fctransfer_utils.experiments.store import Store, StoreError
from fctransfer_utils.experiments.table import tidy, write_table
from fctransfer_utils.experiments.worker import Outcome, OutOfTime
from fctransfer_utils.training.recipe import Recipe


@pytest.fixture
def run(data_root):
    """``run(study, store, **options)`` on the small image set, silently."""
    return lambda study, store, **options: engine.run(
        study, store, **{"progress": silent, "data_root": data_root, **options}
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory, data_root):
    """``finished(study)``: a store in which the study was trained undisturbed, in this process."""
    stores = {}

    def make(study):
        if study not in stores:
            stores[study] = Store(tmp_path_factory.mktemp("finished"))
            engine.run(study, stores[study], progress=silent, data_root=data_root)
        return stores[study]

    return make


@pytest.fixture
def undisturbed(finished, study, outcomes):
    return outcomes(finished(study()))


def stopping(number, action):
    """A reporter that calls ``action`` when ``number`` networks have been trained."""

    def report(now):
        if now.event == "trained" and now.trained == number:
            action()

    return report


def interrupt():
    raise KeyboardInterrupt


def test_a_study_is_trained_once(study, store, run, outcomes, undisturbed):
    report = run(study(), store)
    assert (report.done, report.skipped, report.remaining) == (7, 0, 0)
    assert not report.interrupted
    assert not report.timed_out
    assert outcomes(store) == undisturbed
    again = run(study(), store)
    assert (again.done, again.skipped, again.remaining) == (0, 7, 0)


def test_networks_that_learnt_side_by_side_have_the_records_that_each_gets_alone(study, finished, data_root):
    store = finished(study())
    crews = Counter(run.crew for run in study().runs if run.crew is not None)
    assert sorted(crews.values()) == [2, 2]  # BnB and AnB, at n = 1 and 7
    images = worker.load_images(study().runs[0].data, data_root)
    records = {record.key: record for record in store.records()}
    for run in study().runs:
        state = None if run.donor is None else unpack_weights(store.weights_bytes(run.donor.key))
        alone, _ = run_network(run, images=images, donor_state=state, execution=store.settle_execution(None, None))
        assert alone.outcome() == records[run.key].outcome()


def test_weights_of_bases_are_kept_and_others_on_request(study, store, run, tmp_path):
    run(study(), store)
    assert {run.key for run in study().runs if not store.weights_fault(run.key)} == set(study().keys[:2])
    everything = Store(tmp_path / "all")
    run(study(), everything, keep_weights="all")
    assert not any(everything.weights_fault(key) for key in study().keys)


def test_another_study_shares_the_bases(study, store, run):
    run(study(cuts=(1,)), store)
    report = run(study(cuts=(1, 2)), store)
    assert (report.done, report.skipped) == (2, 5)


def test_two_workers_give_the_records_of_one_process_even_when_one_is_killed(study, store, run, outcomes, undisturbed):
    psutil = pytest.importorskip("psutil")
    pytest.importorskip("distributed")

    def kill_one():
        servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
        workers = [child for server in servers for child in server.children()]
        assert len(workers) == 2
        workers[0].kill()

    report = run(study(), store, workers=2, progress=stopping(3, kill_one))
    assert (report.done, report.remaining) == (7, 0)
    assert outcomes(store) == undisturbed


@pytest.fixture
def cluster_here():
    """``cluster_here(threads)``: a Dask cluster whose scheduler and worker live in this process."""
    distributed = pytest.importorskip("distributed")
    with contextlib.ExitStack() as stack:
        yield lambda threads: stack.enter_context(
            distributed.LocalCluster(
                n_workers=1,
                threads_per_worker=threads,
                processes=False,
                dashboard_address="127.0.0.1:0",
                host="127.0.0.1",
                protocol="tcp",
            )
        )


def test_an_existing_scheduler_gives_the_same_records(study, store, run, outcomes, undisturbed, cluster_here):
    report = run(study(), store, scheduler=cluster_here(1).scheduler_address)
    assert report.done == 7
    assert outcomes(store) == undisturbed


def test_an_interrupted_run_frees_the_workers_of_a_scheduler(study, store, run, cluster_here):
    there = cluster_here(1)

    def interrupt_while_training(now):
        if now.event == "epoch":
            raise KeyboardInterrupt

    endless = study(recipe=Recipe(epochs=100_000, batch_size=16))
    report = run(endless, store, scheduler=there.scheduler_address, progress=interrupt_while_training)
    assert (report.done, report.interrupted) == (0, True)
    with there.get_client() as client:
        assert client.submit(sum, [1, 2]).result(timeout=120) == 3


def test_workers_with_several_threads_are_refused(study, store, run, cluster_here):
    with pytest.raises(InputError, match="2 threads"):
        run(study(), store, scheduler=cluster_here(2).scheduler_address)


def test_a_scheduler_that_does_not_answer_is_named(study, store, run, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "CONNECT", 0.3)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(InputError, match=address):
            run(study(), store, scheduler=address)


def test_an_interrupted_study_goes_on(study, store, run, outcomes, undisturbed):
    report = run(study(), store, progress=stopping(3, interrupt))
    assert (report.done, report.remaining, report.interrupted) == (3, 4, True)
    report = run(study(), store)
    assert (report.done, report.skipped, report.remaining) == (4, 3, 0)
    assert outcomes(store) == undisturbed


KILLED = """
import os, signal, sys
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import Study
import json

store, root, runs, event, number = sys.argv[1:]
study = Study("transfer", tuple(RunSpec.from_json(run) for run in json.loads(runs)))
seen = 0
def kill(now):
    global seen
    seen += now.event == event
    if seen == int(number):
        os.kill(os.getpid(), signal.SIGKILL)
engine.run(study, Store(store), progress=kill, data_root=root)
"""


def test_a_killed_study_loses_at_most_the_networks_in_training(study, store, run, outcomes, undisturbed, data_root):
    runs = json.dumps([run.to_json() for run in study().runs])
    for event, number, kept in (("trained", 2, 2), ("epoch", 2, 4)):  # BnB at n = 1 and 7 learn side by side
        command = [sys.executable, "-c", KILLED, str(store.path), str(data_root), runs, event, str(number)]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        assert len(store.records()) == kept
        assert store.damaged() == {}
    assert run(study(), store).done == 3
    assert outcomes(store) == undisturbed


def test_damaged_files_are_set_aside_and_trained_again(study, store, run, outcomes, undisturbed):
    run(study(), store)
    record = store.path / "records" / f"{study().keys[-1]}.json"
    record.write_bytes(record.read_bytes()[:300])
    report = run(study(), store)
    assert (report.done, report.skipped, report.set_aside) == (1, 6, (study().keys[-1],))
    assert outcomes(store) == undisturbed


def test_damaged_weights_are_trained_again_once_a_network_needs_them(study, store, run, outcomes, undisturbed):
    run(study(), store)
    base = next(run for run in study().runs if run.treatment == "base" and run.target == "A")
    weights = store.path / "weights" / f"{base.key}.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    assert run(study(), store).done == 0
    more = run(study(cuts=(1, 2, 7)), store)
    assert (more.done, more.set_aside) == (3, (base.key,))
    assert outcomes(store).items() >= undisturbed.items()


def test_rows_of_a_table_count_as_done_except_donors_whose_weights_are_needed(study, store, run, finished, tmp_path):
    table = tmp_path / "transfer.csv"
    write_table(tidy(finished(study()).records(), study="transfer"), table)
    assert run(study(), store, table=table).skipped == 7
    assert store.records() == []
    report = run(study(cuts=(1, 2, 7)), store, table=table)
    assert (report.done, report.skipped) == (4, 5)
    assert {(record.spec.treatment, record.spec.n) for record in store.records()} == {
        ("base", 0),
        ("BnB", 2),
        ("AnB", 2),
    }


def test_a_block_of_one_seed_is_finished_before_the_next_begins(study, store):
    todo = make_plan(study(seeds=(0, 1)), store).todo
    assert [run.seed for run in todo] == [0] * 7 + [1] * 7
    assert [run.treatment for run in todo[7:9]] == ["base"] * 2


def test_nothing_is_begun_without_time(study, store, run):
    report = run(study(), store, time_limit=1e-9)
    assert (report.done, report.remaining, report.timed_out) == (0, 7, True)


def test_nothing_is_begun_that_cannot_end_in_time(study, store, run):
    """A network that a whole call is just long enough for, when some of its time has passed."""
    run(study(treatments=("base",)), store)
    for record in store.records():
        store.add(replace(record, seconds=1000 / SLACK * (1 - 1e-9)), store.weights_bytes(record.key))
    report = run(study(treatments=("base", "twice")), store, time_limit=1000)
    assert (report.done, report.remaining, report.timed_out) == (0, 1, True)


def test_a_network_that_runs_out_of_time_is_given_up_and_trained_later(
    study, store, run, monkeypatch, outcomes, undisturbed
):
    with monkeypatch.context() as patched:
        patched.setattr(
            places, "train_job", lambda job, **told: Outcome() if job.runs[-1].n == 7 else worker.train_job(job, **told)
        )
        report = run(study(), store, time_limit=1000)
    assert (report.done, report.remaining, report.timed_out) == (2, 5, True)
    assert run(study(), store).done == 5
    assert outcomes(store) == undisturbed


def test_training_is_given_up_when_the_next_epoch_would_end_too_late(monkeypatch, finished, study):
    clock = iter([0.0, 10.0, 20.0, 30.0])
    monkeypatch.setattr(worker.time, "monotonic", lambda: next(clock))
    epoch = finished(study()).records()[0].curve[0]
    watch = worker._watching(4, 35.0, None, None)
    watch(epoch._replace(epoch=1))
    watch(epoch._replace(epoch=2))
    with pytest.raises(OutOfTime):
        watch(epoch._replace(epoch=3))


def test_the_last_epoch_is_never_thrown_away(finished, study):
    epoch = finished(study()).records()[0].curve[0]
    worker._watching(1, 0.0, None, lambda: True)(epoch._replace(epoch=1))


def test_a_full_disk_stops_with_one_error_and_keeps_what_was_finished(
    study, store, run, monkeypatch, outcomes, undisturbed
):
    write = store_module.write_text

    def full(path, text):
        if path.parent.name == "records" and len(list(path.parent.glob("*.json"))) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, text)

    with monkeypatch.context() as patched:
        patched.setattr(store_module, "write_text", full)
        with pytest.raises(StoreError, match="No space left"):
            run(study(), store)
    assert len(store.records()) == 3
    assert run(study(), store).done == 4
    assert outcomes(store) == undisturbed


def test_a_second_run_on_the_same_store_is_refused(study, store, run):
    with store.locked(), pytest.raises(StoreError, match="in use"):
        run(study(), Store(store.path))


def test_a_patient_run_waits_for_the_one_that_holds_the_store(study, store, run):
    told, few = [], study(treatments=("base",))
    held = threading.Event()

    def hold():
        with store.locked():
            held.set()
            time.sleep(1)
            ended.append(time.monotonic())

    ended = []
    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    report = run(few, Store(store.path), patient=True, progress=lambda now: told.append((time.monotonic(), now)))
    other.join()
    assert report.done == len(few.runs)
    (first, waits), (second, _) = told[:2]
    assert first < ended[0] < second
    assert waits.event == "waits"
    assert f"waiting for process {os.getpid()}" in waits.note


def test_a_patient_run_that_has_nothing_to_train_says_so_in_the_end(study, store, run):
    few, told = study(treatments=("base",)), []
    run(few, store)
    held = threading.Event()

    def hold():
        with store.locked():
            held.set()
            time.sleep(0.5)

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    report = run(few, Store(store.path), patient=True, progress=told.append)
    other.join()
    assert report.done == 0
    assert [(now.event, now.done) for now in told] == [("waits", 0), ("end", len(few.runs))]


def test_a_diverging_network_is_recorded_and_the_study_goes_on(study, store, run):
    wild = study(recipe=Recipe(epochs=2, batch_size=16, learning_rate=100.0, warmup=0.0))
    report = run(wild, store)
    assert report.done == 7
    assert set(report.diverged) == {record.key for record in store.records() if record.result.diverged} != set()


def test_other_images_than_the_records_saw_are_refused(study, store, run):
    run(study(treatments=("base",)), store)
    for record in store.records():
        store.add(replace(record, data_fingerprint="0" * 16), store.weights_bytes(record.key))
    with pytest.raises(InputError, match="other images"):
        run(study(), store)


def test_the_number_of_threads_is_put_back(study, store, run):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run(study(treatments=("base",)), store)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_progress_counts_every_network_and_headless_lines_say_the_same(study, store, run):
    events, text = [], io.StringIO()
    lines = Lines(text)
    run(study(), store, progress=lambda now: (events.append(now), lines(now)))
    trained = [now for now in events if now.event == "trained"]
    assert [now.done for now in trained] == [1, 2, 3, 4, 5, 6, 7]
    assert trained[-1].seconds_left == 0
    assert {events[0].event, events[-1].event} == {"start", "end"}
    learnt = [now.run.title for now in events if now.event == "epoch"]
    assert len(learnt) == len(set(learnt)) == 5  # of those that learn side by side, the first tells its epochs
    assert len(text.getvalue().splitlines()) == 7 + 5
    assert "AnB n=1 A->B random0 seed 0 and 1 more epoch 1/1: training loss" in text.getvalue()
    assert "[7/7] twice B->B random0 seed 0: top-1" in text.getvalue()


@pytest.mark.parametrize(
    "options", [{"workers": 0}, {"workers": 1.5}, {"time_limit": 0}, {"time_limit": -1}, {"keep_weights": "some"}]
)
def test_unusable_options_are_named(study, store, run, options):
    (name,) = options
    with pytest.raises(InputError, match=name):
        run(study(), store, **options)


def test_a_missing_table_is_named_before_anything_is_trained(study, store, run, tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        run(study(), store, table=tmp_path / "none.csv")
    assert store.records() == []


def test_the_store_remembers_the_execution(study, store, run, monkeypatch):
    run(study(treatments=("base",)), store)
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/bfloat16")
    run(study(), store)
    assert {record.execution for record in store.records()} == {"cpu/float32"}
    assert asdict(store.execution())["precision"] == "float32"
