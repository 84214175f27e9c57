"""Bars move where somebody looks on, lines are told where nobody does, and no bar is left in a saved notebook."""

from __future__ import annotations

from dataclasses import replace

import nbformat
import pytest
import tqdm.notebook
from made_notebooks import code
from made_progress import EPOCHS, epoch, events, run

from fctransfer_utils.course import progress, show
from fctransfer_utils.course.execute import executed
from fctransfer_utils.course.kernel import HEADLESS
from fctransfer_utils.course.normalise import WIDGET
from fctransfer_utils.course.rules import BAR
from fctransfer_utils.experiments.progress import Progress, describe_epoch


class Output:
    """Stands for a display handle: what a cell shows there, one state after another."""

    def __init__(self):
        self.states = []

    def display(self, bundle, *, raw, metadata=None):
        self.states.append(bundle)

    def update(self, bundle, *, raw, metadata=None):
        self.states.append(bundle)


@pytest.fixture
def outputs(monkeypatch):
    """The outputs of a cell, as if a kernel ran this."""
    import IPython.display

    made = []
    monkeypatch.setattr(IPython.display, "DisplayHandle", lambda: made.append(Output()) or made[-1])
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr("tqdm.auto.tqdm", tqdm.notebook.tqdm)
    return made


def texts(output):
    return [state["text/plain"] for state in output.states]


WAITS = Progress("waits", 0, 0, 0, 0.0, None, note="waiting for process 7")


@pytest.mark.parametrize("report", [progress.Told, progress.LiveBars])
def test_who_waits_says_for_whom_and_leaves_no_bar(outputs, report):
    tell = report()
    for now in (WAITS, *events(networks=1)):
        tell(now)
    shown = [texts(output)[0] for output in outputs]
    assert "waiting for process 7" in shown
    assert not any("of 0 networks" in text or text.startswith("0 networks") for text in shown)


def test_a_note_is_an_output_of_its_own_beside_the_bars(outputs, capsys):
    report = progress.LiveBars()
    for now in (Progress("note", 0, 1, 0, 0.0, None, note="2 workers of one thread"), *events(networks=1)):
        report(now)
    assert texts(outputs[0]) == ["2 workers of one thread"]
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")


def test_every_epoch_and_network_is_told_and_a_summary_is_left(outputs):
    report = progress.Told()
    for now in events(networks=3):
        report(now)
    (output,) = outputs
    told = [state["text/plain"] for state in output.states if "top-1" in state["text/plain"]]
    assert sum(" of 3 networks" in text for text in told) == 3
    assert [text for text in told if "epoch" in text] == [
        describe_epoch(now) for now in events(networks=3) if now.event == "epoch"
    ]
    assert texts(output)[-1] == "3 of 3 networks; 3 trained in 12 s"
    assert 'value="1.0000"' in output.states[-1]["text/html"]


def test_live_bars_and_curves_move_and_only_a_line_and_a_picture_stay(outputs):
    report = progress.LiveBars()
    told = events(networks=2)
    for now in (*told[:-2], replace(told[-2], event="tick")):
        report(now)
    bars, curves = outputs
    assert WIDGET in bars.states[-1]
    assert len(bars.states) == 1
    networks, epochs = bars_of(report)
    assert (networks[1].value, networks[1].max) == (2, 2)
    assert (epochs[1].value, epochs[1].max) == (EPOCHS, EPOCHS)
    assert "00:00" in networks[2].value
    report(told[-1])
    assert bars.states[-1] == {"text/plain": "2 of 2 networks; 2 trained in 8 s"}
    assert texts(curves)[-1] == "Learning curves of network 0, network 1."
    assert curves.states[-1]["image/png"]


def bars_of(report):
    """Title, bar and numbers of each bar that is shown."""
    return [box.children for box in report._box.children]


def title_of(bar):
    return bar[0].value.replace("\N{FIGURE SPACE}", " ").split(":")[0]


def heard(report, event, number, **details):
    """An event about network ``number`` of eight, as it comes from a worker."""
    report(Progress(event, 0, 8, 0, 1.0, None, run=run(number), **details))


def test_live_each_worker_has_a_bar_and_that_of_a_killed_one_goes(outputs):
    report = progress.LiveBars()
    for number in (0, 1):
        heard(report, "begun", number)
        heard(report, "epoch", number, epoch=epoch(1))
    assert list(map(title_of, bars_of(report)[1:])) == ["network 0", "network 1"]
    heard(report, "ended", 1)
    report(Progress("tick", 0, 8, 0, 2.0, None))
    _, bar = bars_of(report)
    assert title_of(bar) == "network 0"
    assert (bar[1].value, bar[1].max) == (1, EPOCHS)


def test_curves_are_those_of_the_last_networks(outputs):
    report = progress.LiveCurves()
    for now in events(networks=7):
        report(now)
    assert texts(outputs[0])[-1] == "Learning curves of network 3, network 4, network 5, network 6."


def test_the_curve_of_a_slow_network_stays_whole_beside_quick_ones(outputs, monkeypatch):
    report = progress.LiveCurves()
    heard(report, "epoch", 9, epoch=epoch(1))
    for now in events(networks=7)[:-1]:
        report(now)
    heard(report, "epoch", 9, epoch=epoch(2))
    assert [len(epochs) for title, epochs in report._curves.values() if title == "network 9"] == [2]
    assert [title for title, _ in report._curves.values()] == [f"network {number}" for number in (9, 4, 5, 6)]


def test_curves_of_networks_that_are_lost_or_too_many_are_not_drawn(outputs, monkeypatch):
    monkeypatch.setattr(progress, "SHARE", 1e9)
    report = progress.LiveCurves()
    for number in range(6):
        heard(report, "epoch", number, epoch=epoch(1))
    assert outputs == []  # a point says nothing
    heard(report, "epoch", 5, epoch=epoch(2))
    assert texts(outputs[0])[-1] == "Learning curves of network 2, network 3, network 4, network 5."
    heard(report, "ended", 4)
    assert texts(outputs[0])[-1] == "Learning curves of network 1, network 2, network 3, network 5."


def test_nobody_looks_on_where_the_runner_says_so_or_widgets_are_missing(monkeypatch, outputs):
    monkeypatch.delenv(HEADLESS, raising=False)
    assert isinstance(progress.reporter(), progress.LiveBars)
    monkeypatch.setenv(HEADLESS, "1")
    assert isinstance(progress.reporter(), progress.Told)
    monkeypatch.delenv(HEADLESS)
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    assert isinstance(progress.reporter(), progress.Told)


STUDY = """from fctransfer_utils.course.progress import reporter
from made_progress import events
report = reporter()
for now in events(networks=2):
    report(now)
type(report).__name__"""


@pytest.mark.parametrize(("headless", "kind"), [("1", "Told"), ("", "LiveBars")])
def test_a_saved_notebook_holds_no_bar_that_stands_still(project, monkeypatch, headless, kind):
    from pathlib import Path

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    notebook = nbformat.v4.new_notebook(cells=[code(STUDY)])
    ran = executed(notebook, folder=project.notebooks, variables={HEADLESS: headless})
    *shown, last = ran.cells[0].outputs
    assert last.data["text/plain"] == repr(kind)
    assert shown[0].data["text/plain"] == "2 of 2 networks; 2 trained in 8 s"
    for output in shown:
        assert WIDGET not in output.data
        assert not any(BAR.search(str(value)) for kind, value in output.data.items() if not kind.startswith("image/"))
