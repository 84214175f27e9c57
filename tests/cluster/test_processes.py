"""Workers that are started, killed, stopped, cut off and joined while a study runs: no network is lost or doubled."""

import signal
from collections import Counter

import pytest
from cluster.processes import PATIENCE, Line, until
from made_images import stripes_in
from made_records import outcomes

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments import cluster as clusters
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.training import Execution


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


@pytest.fixture
def run(study, store, cluster, tmp_path, monkeypatch):
    """``run(*steps)``: the study on the cluster, called from a place that has neither the images nor the device.

    Each step is (condition, action): when the condition first holds, after all steps before, the action is done.
    Returns the report and how often each network came back.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cuda/bfloat16")

    def go(*steps):
        left, trained = list(steps), Counter()

        def report(now):
            go.notes += [now.note] if now.note else []
            if now.event == "trained":
                trained[now.run.key] += 1
            if left and left[0][0](now):
                left.pop(0)[1]()

        cluster.ready()
        report = engine.run(study, store, scheduler=cluster.address, progress=report)
        assert not left, "a step of the test was not reached"
        return report, trained

    go.notes = []
    return go


def workers(cluster, count):
    """See that ``count`` workers are alive, and no more."""
    for each in cluster.alive[count:]:
        each.kill()
        each.wait()
    while len(cluster.alive) < count:
        cluster.worker(prepare=stripes_in)


def all_begun(cluster, count):
    """A condition: ``count`` workers wait at the gate, each with a network."""
    return lambda now: len(cluster.begun()) >= count


def trained(number):
    """A condition: ``number`` networks have come back."""
    return lambda now: now.event == "trained" and now.trained >= number


def test_workers_that_share_no_folder_give_the_records_of_one_process(study, store, cluster, run, alone):
    for memory in ("2GiB", "3GiB", "0"):
        cluster.worker(memory, prepare=stripes_in)
    report, times = run()
    assert (report.done, report.remaining) == (len(study.runs), 0)
    assert times == Counter(study.keys)
    assert outcomes(store) == alone
    assert store.execution() == Execution("cpu", "float32")  # of the workers, not of the calling process
    (line,) = run.notes
    assert "of one thread" in line
    assert "dashboard: http://127.0.0.1:" in line
    assert not list(cluster.folder.glob("worker*/**/*.safetensors"))


def test_killed_while_it_trains(study, store, cluster, run, alone):
    workers(cluster, 3)

    def kill():
        victim = next(each for each in cluster.alive if each.pid in cluster.begun())
        victim.kill()
        victim.wait()
        cluster.open_gate()

    with cluster.closed_gate():
        report, times = run((all_begun(cluster, 2), kill))
    assert (report.done, times) == (len(study.runs), Counter(study.keys))
    assert outcomes(store) == alone


def test_hung_while_it_trains_and_back_later(study, store, cluster, run, alone):
    workers(cluster, 3)
    victims = []

    def hang():
        victims.append(next(each for each in cluster.alive if each.pid in cluster.begun()))
        victims[0].send_signal(signal.SIGSTOP)
        cluster.open_gate()

    def its_network_is_back(now):
        return now.event == "trained" and now.run.key in cluster.begun()[victims[0].pid]

    with cluster.closed_gate():
        report, times = run(
            (all_begun(cluster, 2), hang), (its_network_is_back, lambda: victims[0].send_signal(signal.SIGCONT))
        )
    assert (report.done, times) == (len(study.runs), Counter(study.keys))
    assert outcomes(store) == alone
    victims[0].wait(timeout=PATIENCE)  # nobody knows it any more: it ends
    assert outcomes(store) == alone


def test_cut_off_from_the_scheduler_and_replaced(study, store, cluster, run, alone):
    workers(cluster, 1)
    line = Line(cluster.address)
    victim = cluster.worker(prepare=stripes_in, scheduler=line.address)

    def cut():
        line.cut()
        cluster.worker(prepare=stripes_in)
        cluster.open_gate()

    with cluster.closed_gate():
        report, times = run((lambda now: victim.pid in cluster.begun(), cut))
    assert (report.done, times) == (len(study.runs), Counter(study.keys))
    assert outcomes(store) == alone
    victim.wait(timeout=PATIENCE)


def test_a_worker_that_joins_takes_part(study, store, cluster, run, alone):
    workers(cluster, 1)
    newcomers = []
    with cluster.closed_gate():
        report, times = run(
            (all_begun(cluster, 1), lambda: newcomers.append(cluster.worker(prepare=stripes_in))),
            (all_begun(cluster, 2), cluster.open_gate),
        )
    assert newcomers[0].pid in cluster.begun()
    assert (report.done, times) == (len(study.runs), Counter(study.keys))
    assert outcomes(store) == alone


def test_a_worker_with_other_images_is_not_used(study, store, cluster, run, alone):
    def other_images(home):
        stripes_in(home)
        next(home.glob("images/train/class0/*")).unlink()

    workers(cluster, 0)
    workers(cluster, 1)  # a new one without a limit of memory, so that it is the one that is asked which images it has
    odd = cluster.worker("2GiB", prepare=other_images)
    try:
        with cluster.closed_gate():
            report, times = run((lambda now: odd.pid in cluster.begun(), cluster.open_gate))
    finally:
        odd.kill()
        odd.wait()
    assert any("differ from those of the study" in note for note in run.notes)
    assert (report.done, times) == (len(study.runs), Counter(study.keys))
    assert outcomes(store) == alone


def test_the_end_of_the_scheduler_is_one_clear_error_and_the_study_goes_on(
    study, store, cluster, run, alone, monkeypatch, tmp_path
):
    workers(cluster, 2)
    monkeypatch.setattr(clusters, "CONNECT", 2.0)
    with pytest.raises(InputError, match="scheduler has ended"):
        run((trained(2), lambda: (cluster.scheduler.kill(), cluster.scheduler.wait())))
    done = len(store.records())
    assert done >= 2
    for each in cluster.workers:
        each.wait(timeout=PATIENCE)
    stripes_in(tmp_path)
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    report = engine.run(study, store, progress=lambda now: None)
    assert (report.done, report.skipped) == (len(study.runs) - done, done)
    assert outcomes(store) == alone


def test_waiting_has_an_end(monkeypatch):
    monkeypatch.setattr("cluster.processes.PATIENCE", 0.0)
    with pytest.raises(TimeoutError, match="for nothing"):
        until(lambda: False, "nothing")
