"""Wherever networks learn, their epochs are told here, in their order and before the network; records stay the same."""

from collections import defaultdict
from types import SimpleNamespace

import pytest
from made_progress import Terminal
from made_records import outcomes
from tqdm import tqdm

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import dispatch, engine
from fctransfer_utils.experiments.progress import Bars
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.study import transfer_study
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

distributed = pytest.importorskip("distributed")
EPOCHS = 4


@pytest.fixture(scope="module")
def study():
    """Six networks: two bases, and frozen and fine-tuned copies, of which the frozen ones learn in lockstep."""
    return transfer_study(
        data=DataSpec(glyph_classes=4, glyphs_per_class=4),
        net=NetSpec(width=12),
        recipe=Recipe(epochs=EPOCHS, batch_size=8),
        directions=(("A", "B"),),
        treatments=("base", "AnB", "AnB+"),
        cuts=(1, 5),
    )


class Sink:
    """Hears every event; ``act(event, sink)`` may do something about it."""

    def __init__(self, act=lambda now, sink: None):
        self.events, self._act = [], act

    def __call__(self, now):
        self.events.append(now)
        self._act(now, self)

    def epochs(self):
        """What each network told, without the seconds."""
        told = defaultdict(list)
        for now in self.events:
            if now.event == "epoch":
                told[now.learners].append(now.epoch._replace(seconds=0.0))
        return dict(told)


@pytest.fixture(scope="module")
def alone(study, tmp_path_factory):
    """The study in this process: its events and its records."""
    sink, store = Sink(), Store(tmp_path_factory.mktemp("alone"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
        engine.run(study, store, progress=sink)
    return sink, outcomes(store)


def test_here_every_epoch_of_every_network_is_told(study, alone):
    told = alone[0].epochs()
    assert len(told) == 5
    assert "AnB n=1 A->B random0 seed 0 and 1 more" in told
    assert all([epoch.epoch for epoch in epochs] == [1, 2, 3, 4] for epochs in told.values())


def test_two_workers_tell_the_very_same_epochs_each_before_its_network(study, alone, store):
    sink = Sink()
    engine.run(study, store, workers=2, progress=sink)
    assert sink.epochs() == alone[0].epochs()
    assert outcomes(store) == alone[1]
    states = defaultdict(list)
    for now in sink.events:
        if now.event in ("begun", "epoch", "ended"):
            states[now.run.key].append(now.event)
        elif now.event == "trained" and now.run.key in states:
            states[now.run.key].append("trained")
    assert set(map(tuple, states.values())) == {("begun", *["epoch"] * EPOCHS, "trained", "ended")}


def test_where_an_epoch_cannot_be_sent_the_network_learns_on(study, alone, store, monkeypatch):
    def broken(*_):
        raise OSError("no way to the scheduler")

    with distributed.LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
        protocol="tcp",
    ) as there:
        monkeypatch.setattr(distributed.Worker, "log_event", broken)
        sink = Sink()
        engine.run(study, store, scheduler=there.scheduler_address, progress=sink)
    assert sink.epochs() == {}
    assert outcomes(store) == alone[1]


def test_the_bar_of_a_killed_worker_is_closed_or_taken_over(study, alone, store):
    psutil = pytest.importorskip("psutil")
    killed, made = [], []

    def make(**options):
        made.append(tqdm(disable=None, file=Terminal(), **options))
        return made[-1]

    bars = Bars(make)

    def kill(now, sink):
        bars(now)
        learning = {each.desc: each.n for each in bars._learning.values()}
        assert len(learning) <= 2
        if now.event == "epoch" and not killed:
            servers = [child for child in psutil.Process().children() if "forkserver" in " ".join(child.cmdline())]
            for worker in [child for server in servers for child in server.children()]:
                worker.kill()
                killed.append(worker)

    sink = Sink(kill)
    report = engine.run(study, store, workers=2, progress=sink)
    assert killed
    assert (report.done, report.remaining) == (len(study.runs), 0)
    assert outcomes(store) == alone[1]
    assert not bars._learning
    assert not bars._free
    assert made[0].n == len(study.runs)
    begun, ended = ([now.run.key for now in sink.events if now.event == event] for event in ("begun", "ended"))
    assert sorted(begun) == sorted(ended)
    assert len(begun) > len(set(begun))  # the lost ones began again


def test_what_is_heard_of_a_network_that_was_taken_back_counts_no_more(study):
    told = []
    session = SimpleNamespace(tell=lambda event, runs, *, epoch: told.append((event, runs[0].key, epoch.epoch)))
    there = dispatch.Dispatch(client=None, session=session, fleet=None)
    there.flights["a"] = dispatch.Flight(study.runs[:1], None, SimpleNamespace(key="now"), 0.0)
    for key in ("before", "now"):
        there._heard.append((0.0, (key, 3, 1.0, 1.0, 0.5, 0.1, 2.0)))
    there._hear()
    assert told == [("epoch", study.runs[0].key, 3)]
