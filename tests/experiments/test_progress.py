"""A running study in a terminal: bars over networks and epochs that end full; lines where nobody looks."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import pytest
from made_progress import EPOCHS, events

from fctransfer_utils.experiments.progress import Bars, Lines, Progress, automatic


class Terminal(io.StringIO):
    def isatty(self):
        return True


def lines_of(*told):
    stream = io.StringIO()
    lines = Lines(stream)
    for now in told:
        lines(now)
    return stream.getvalue().splitlines()


def test_without_a_terminal_a_grid_is_a_line_per_network():
    lines = lines_of(*events(networks=3))
    assert [line.split("]")[0] for line in lines] == ["[1/3", "[2/3", "[3/3"]
    assert all("left" in line and "top-1" in line for line in lines)


def test_without_a_terminal_one_network_is_a_line_per_epoch():
    lines = lines_of(*events(networks=1))
    assert len(lines) == EPOCHS + 1
    assert f"epoch 1/{EPOCHS}: training loss" in lines[0]
    assert lines[0].endswith("3 s left")
    assert lines[-1].startswith("[1/1]")


def test_a_network_is_alone_when_the_others_are_done_already():
    last = Progress("epoch", done=4, total=5, trained=0, seconds=1.0, seconds_left=None)
    assert last.alone
    assert replace(last, event="trained", done=5, trained=1).alone
    assert not replace(last, done=3).alone


def test_in_a_terminal_there_is_a_bar_for_the_grid_and_one_for_its_network():
    stream = Terminal()
    bars = automatic(stream)
    assert isinstance(bars, Bars)
    for now in events(networks=2):
        bars(now)
    text = stream.getvalue()
    assert "network" in text
    assert "epoch" in text
    assert text.rstrip().splitlines()[-1].split("\r")[-1].startswith("100%")
    assert "2/2" in text


@dataclass
class Bar:
    total: int
    n: int = 0
    closed: bool = False

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

    set_description_str = set_postfix_str


@pytest.fixture
def made():
    return []


@pytest.fixture
def bars(made):
    def make(*, total, initial=0, unit, **_):
        made.append(Bar(total, initial))
        return made[-1]

    return Bars(make)


def test_both_bars_are_full_at_the_end_and_closed(bars, made):
    for now in events(networks=3):
        bars(now)
    networks, epochs = made
    assert (networks.n, networks.total, networks.closed) == (3, 3, True)
    assert (epochs.n, epochs.total, epochs.closed) == (EPOCHS, EPOCHS, True)


def test_what_was_done_before_counts_and_the_epochs_begin_anew_with_each_network(bars, made):
    told = events(networks=2, before=5)
    for now in told[: 1 + EPOCHS]:
        bars(now)
    assert (made[0].n, made[0].total) == (5, 7)
    assert made[1].n == EPOCHS
    bars(told[1 + EPOCHS])
    bars(told[2 + EPOCHS])
    assert made[0].n == 6
    assert made[1].n == 1


def test_networks_that_learn_elsewhere_have_no_bar_of_epochs(bars, made):
    for now in events(networks=2):
        if now.event != "epoch":
            bars(now)
    assert len(made) == 1
    assert made[0].closed
