"""A running study in a terminal: bars over networks and epochs that end full; lines where nobody looks."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import pytest
from made_progress import EPOCHS, Terminal, epoch, events, run

from fctransfer_utils.experiments import progress
from fctransfer_utils.experiments.progress import Bars, Lines, Progress, automatic


def lines_of(*told):
    stream = io.StringIO()
    lines = Lines(stream)
    for now in told:
        lines(now)
    return stream.getvalue().splitlines()


def test_without_a_terminal_there_is_a_line_per_epoch_and_per_network():
    lines = lines_of(*events(networks=3))
    assert [line.split("]")[0] for line in lines if line.startswith("[")] == ["[1/3", "[2/3", "[3/3"]
    assert all("left" in line and "top-1" in line for line in lines)
    assert len(lines) == 3 * (EPOCHS + 1)
    assert lines[0] == f"network 0 epoch 1/{EPOCHS}: training loss 2.000, top-1 0.5000; 3 s left"


def test_networks_in_lockstep_are_told_as_one_that_is_slower():
    first = events(networks=1)[2]
    (line,) = lines_of(replace(first, together=5))
    assert line.startswith("network 0 and 4 more epoch 1/")
    assert line.endswith("; 15 s left")


def test_in_a_terminal_there_is_a_bar_for_the_grid_and_one_for_its_network():
    stream = Terminal()
    bars = automatic(stream)
    assert isinstance(bars, Bars)
    for now in events(networks=2):
        bars(now)
    text = stream.getvalue()
    assert "network" in text
    assert "epoch" in text
    assert text.rstrip().splitlines()[-1].split("\r")[-1].startswith("all networks: 100%")
    assert "2/2" in text


@dataclass
class Bar:
    total: int
    n: int = 0
    title: str = ""
    closed: bool = False
    initial: int = 0

    def update(self, more):
        self.n += more

    def reset(self, total):
        self.n, self.total = 0, total

    def close(self):
        self.closed = True

    def refresh(self):
        pass

    def set_postfix_str(self, text, *, refresh):
        pass

    def set_description_str(self, text, *, refresh):
        self.title = text


@pytest.fixture
def made():
    return []


@pytest.fixture
def bars(made):
    def make(*, total, initial=0, unit, desc="", **_):
        made.append(Bar(total, initial, desc))
        return made[-1]

    return Bars(make)


class Heard:
    """Events as they come from workers: ``heard("epoch", 1, epoch=epoch(2))`` is about network 1."""

    def __init__(self, bars):
        self._bars = bars
        self("start")

    def __call__(self, event, number=None, **details):
        about = {} if number is None else {"run": run(number)}
        self._bars(Progress(event, 0, 3, 0, 1.0, None, **about, **details))


def shown(made):
    """The open bars over epochs: title and state."""
    return [(bar.title, bar.n, bar.total) for bar in made[1:] if not bar.closed]


def test_both_bars_are_full_at_the_end_and_closed(bars, made):
    for now in events(networks=3):
        bars(now)
    networks, epochs = made
    assert (networks.n, networks.total, networks.closed) == (3, 3, True)
    assert (epochs.n, epochs.total, epochs.closed) == (EPOCHS, EPOCHS, True)


def test_what_was_done_before_counts_and_the_epochs_begin_anew_with_each_network(bars, made):
    told = events(networks=2, before=5)
    second = [now.event for now in told].index("begun", 2)
    for now in told[:second]:
        bars(now)
    assert (made[0].n, made[0].total) == (6, 7)
    assert shown(made) == [("network 0", EPOCHS, EPOCHS)]
    bars(told[second])
    assert shown(made) == [("network 1", 0, EPOCHS)]
    bars(told[second + 1])
    assert shown(made) == [("network 1", 1, EPOCHS)]


def test_every_network_that_learns_has_a_bar_which_the_next_takes_over(bars, made):
    heard = Heard(bars)
    heard("begun", 0)
    heard("begun", 1, together=3)
    heard("epoch", 1, epoch=epoch(2), together=3)
    heard("epoch", 0, epoch=epoch(1))
    assert shown(made) == [("network 0", 1, EPOCHS), ("network 1 and 2 more", 2, EPOCHS)]
    heard("ended", 0)
    heard("begun", 2)
    heard("tick")
    assert shown(made) == [("network 2", 0, EPOCHS), ("network 1 and 2 more", 2, EPOCHS)]
    heard("end")
    assert all(bar.closed for bar in made)


def test_the_bar_of_a_network_that_is_lost_is_closed_where_no_other_begins(bars, made):
    heard = Heard(bars)
    for number in (0, 1):
        heard("begun", number)
        heard("epoch", number, epoch=epoch(2))
    heard("ended", 1)
    heard("tick")
    assert shown(made) == [("network 0", 2, EPOCHS)]
    heard("begun", 1)
    assert shown(made) == [("network 0", 2, EPOCHS), ("network 1", 0, EPOCHS)]


def test_a_network_that_goes_on_does_not_count_what_it_learnt_before_as_speed(bars, made):
    heard = Heard(bars)
    heard("begun", 0)
    heard("epoch", 0, epoch=epoch(3))
    assert (made[1].n, made[1].initial) == (3, 2)
    heard("ended", 0)
    heard("begun", 1)
    heard("epoch", 1, epoch=epoch(1))
    assert (made[1].n, made[1].initial) == (1, 0)


def test_a_second_phase_begins_its_bar_anew(bars, made):
    heard = Heard(bars)
    heard("begun", 0)
    for number in (*range(1, EPOCHS + 1), 1):
        heard("epoch", 0, epoch=epoch(number))
    assert shown(made) == [("network 0", 1, EPOCHS)]


def test_heads_on_frozen_features_have_no_bar_that_stands_at_0(bars, made, monkeypatch):
    monkeypatch.setattr(progress, "by_epochs", lambda run: run.key != "key1")
    heard = Heard(bars)
    heard("begun", 0)
    heard("ended", 0)
    heard("begun", 1)
    assert shown(made) == []
    heard("ended", 1)
    heard("end")
