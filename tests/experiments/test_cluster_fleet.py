"""Which workers of a cluster are used, for what, and what becomes of those that do not fit."""

import contextlib
import io
from dataclasses import replace
from functools import partial

import pytest
import torch
from made_records import made_outcome, outcomes
from tqdm import tqdm

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import dispatch, engine, fleet
from fctransfer_utils.experiments.fleet import Facts, Fleet, Member, unfit
from fctransfer_utils.experiments.progress import Bars, Lines, Progress, silent
from fctransfer_utils.training import Execution

distributed = pytest.importorskip("distributed")

GIB = 2**30
VERSIONS = {"fctransfer": "1", "torch": "2.15"}
GPU = Execution("cuda", "bfloat16")


@pytest.fixture
def there():
    """``there(name=options, ...)``: the address of a scheduler whose workers live in this process.

    Dask does not look at how much memory they really take. ``paused`` names one that takes nothing on.
    """
    dask = pytest.importorskip("dask")
    with contextlib.ExitStack() as stack:
        for what in ("target", "spill", "pause", "terminate"):
            stack.enter_context(dask.config.set({f"distributed.worker.memory.{what}": False}))

        def start(*, paused=None, **workers):
            plain = {"nthreads": 1, "host": "127.0.0.1", "dashboard": False}
            spec = {
                name: {"cls": distributed.Worker, "options": {**plain, **options}} for name, options in workers.items()
            }
            scheduler = {"host": "127.0.0.1", "port": 0, "protocol": "tcp://", "dashboard_address": "127.0.0.1:0"}
            cluster = distributed.SpecCluster(
                workers=spec, scheduler={"cls": distributed.Scheduler, "options": scheduler}, silence_logs=50
            )
            stack.enter_context(cluster)
            if paused:
                cluster.sync(pause, cluster.workers[paused])
            return cluster.scheduler_address

        async def pause(worker):
            worker.status = distributed.Status.paused

        yield start


@pytest.fixture
def run(data_root):
    """``run(study, store, address)``: the report and the notes."""

    def go(study, store, address):
        notes = []
        tell = lambda now: notes.append(now.note) if now.note else None  # noqa: E731
        return engine.run(study, store, scheduler=address, data_root=data_root, progress=tell), notes

    return go


@pytest.fixture
def jobs(monkeypatch):
    """What each worker is given, as (its name, number of networks), with ``made_outcome`` in place of training."""
    given = []

    def train(job, **options):
        given.append((distributed.get_worker().name, len(job.runs)))
        return made_outcome(job)

    monkeypatch.setattr(dispatch, "train_job", train)
    return given


def test_networks_that_a_worker_has_no_memory_for_go_alone_to_the_one_with_most(study, store, run, there, monkeypatch):
    given = []

    def train(job, **options):
        name = distributed.get_worker().name
        given.append((name, [each.key for each in job.runs]))
        if name == "small" and (len(job.runs) > 1 or job.runs[0].treatment == "twice"):
            raise MemoryError
        return made_outcome(job)

    monkeypatch.setattr(dispatch, "train_job", train)
    report, _ = run(study(), store, there(small={"memory_limit": GIB}, large={"memory_limit": 2 * GIB}))
    assert (report.done, report.remaining) == (7, 0)
    lost = [keys for name, keys in given if name == "small" and len(keys) > 1]
    again = [(name, keys) for name, keys in given if any(set(keys) & set(crew) for crew in lost) and keys not in lost]
    assert all(name == "large" and len(keys) == 1 for name, keys in again)
    assert len(again) == sum(map(len, lost))


def test_networks_that_no_worker_has_memory_for_end_the_study_with_their_name(study, store, run, there, monkeypatch):
    def train(job, **options):
        raise MemoryError

    monkeypatch.setattr(dispatch, "train_job", train)
    base = study().runs[0]
    with pytest.raises(InputError, match=rf"{base.key} \({base.title}\) died 3 times.*more memory"):
        run(study(), store, there(only={}))


def test_a_worker_with_several_threads_is_named_and_left_out(study, store, run, there, jobs):
    report, notes = run(study(), store, there(good={}, wide={"nthreads": 2}))
    assert report.done == 7
    assert {name for name, _ in jobs} == {"good"}
    assert any("2 threads" in note for note in notes)


def test_a_worker_of_another_version_is_named_and_left_out(study, store, run, there, jobs, monkeypatch):
    ours = fleet.facts()

    def facts():
        other = {**ours.versions, "torch": "1.0"}
        return replace(ours, versions=other) if distributed.get_worker().name == "old" else ours

    monkeypatch.setattr(fleet, "facts", facts)
    report, notes = run(study(), store, there(new={"memory_limit": 2 * GIB}, old={"memory_limit": GIB}))
    assert report.done == 7
    assert len({name for name, _ in jobs}) == 1  # whichever said first what it is
    assert any("version 1.0 of torch" in note or "the others 1.0" in note for note in notes)


def test_a_paused_worker_gets_nothing(study, store, run, there, jobs):
    report, _ = run(study(), store, there(full={}, free={"memory_limit": GIB}, paused="full"))
    assert report.done == 7
    assert {name for name, _ in jobs} == {"free"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA GPU")
def test_a_study_for_gpus_is_refused_where_no_worker_has_one(study, store, there, data_root):
    with pytest.raises(InputError, match="no device 'cuda'"):
        engine.run(study(), store, scheduler=there(only={}), execution=GPU, data_root=data_root, progress=silent)


def test_training_in_such_a_fleet_gives_the_records_of_one_process(study, store, there, run, data_root, tmp_path):
    alone = type(store)(tmp_path / "alone")
    engine.run(study(), alone, data_root=data_root, progress=silent)
    run(study(), store, there(a={}, b={}))
    assert outcomes(store) == outcomes(alone)


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        (Facts(VERSIONS, ("cpu", "cuda"), "gpu-1"), ""),
        (Facts({**VERSIONS, "torch": "2.11"}, ("cpu", "cuda")), "version 2.11 of torch, the others 2.15"),
        (Facts({**VERSIONS, "fctransfer": "0"}, ("cpu", "cuda")), "version 0 of this package, the others 1"),
        (Facts({}, ("cpu", "cuda")), "version none"),
        (Facts(VERSIONS, ("cpu",)), "no device 'cuda'"),
    ],
)
def test_why_a_worker_does_not_fit(worker, reason):
    assert reason in unfit(worker, versions=VERSIONS, execution=GPU)
    assert bool(unfit(worker, versions=VERSIONS, execution=GPU)) == bool(reason)


def member(address, *, memory=float("inf"), gpu=""):
    return Member(address, memory, asked=None, facts=Facts(VERSIONS, ("cpu",), gpu))


def test_a_fleet_is_told_in_a_line():
    members = [member("a", memory=2 * GIB, gpu="x"), member("b", memory=8 * GIB, gpu="y"), member("c", gpu="y")]
    there = Fleet(client=None, members={each.address: each for each in members})
    assert there.text() == "3 workers of one thread with 2.0 GiB to 8.0 GiB on 2 GPUs"
    assert [each.address for each in there.usable()] == ["c", "b", "a"]


def test_a_network_that_a_worker_never_begins_is_given_to_another(study, store, run, there, jobs, monkeypatch):
    monkeypatch.setattr(dispatch, "STUCK", 1.0)
    submit, first = distributed.Client.submit, []

    def lose_the_first(client, function, *arguments, **options):
        if function is dispatch._train and not first:
            first.append(options["workers"])
            function, arguments = sum, (client.submit(bytes, 1, workers=["tcp://127.0.0.1:1"]),)  # never there
        return submit(client, function, *arguments, **options)

    monkeypatch.setattr(distributed.Client, "submit", lose_the_first)
    report, _ = run(study(), store, there(one={}, other={}))
    assert (report.done, report.remaining) == (7, 0)
    assert first


def test_how_long_a_worker_has_had_nothing_at_work(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(fleet.time, "monotonic", lambda: clock[0])
    there = Fleet(client=None, members={"a": member("a")})
    for status, executing, idle in (("running", 1, 0.0), ("paused", 0, 5.0), ("running", 1, 0.0), ("running", 0, 5.0)):
        info = {"status": status, "metrics": {"task_counts": {"executing": executing}}}
        there._note(there.members["a"], info)
        clock[0] += 5.0
        there._note(there.members["a"], info)
        assert there.idle_for("a") == idle
        assert there.members["a"].running == (status == "running")
    assert there.idle_for("gone") == 0.0


def test_where_networks_learn_is_told_in_a_line_with_bars_and_without(capsys):
    told = [Progress("note", 0, 1, 0, 0.0, None, note="three workers"), Progress("end", 0, 1, 0, 0.0, None)]
    text = io.StringIO()
    for reporter in (Lines(text), Bars(partial(tqdm, file=text))):
        for now in told:
            reporter(now)
    assert text.getvalue().startswith("three workers\n")
    assert "three workers\n" in capsys.readouterr().err
