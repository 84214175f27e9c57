"""Bars move where somebody looks on, lines are told where nobody does, and no bar is left in a saved notebook."""

from __future__ import annotations

import nbformat
import pytest
import tqdm.notebook
from made_notebooks import code
from made_progress import EPOCHS, events

from fctransfer_utils.course import progress, show
from fctransfer_utils.course.execute import executed
from fctransfer_utils.course.kernel import HEADLESS
from fctransfer_utils.course.normalise import WIDGET
from fctransfer_utils.course.rules import BAR


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


def test_a_grid_is_told_network_by_network_and_ends_as_a_summary(outputs):
    report = progress.Told()
    for now in events(networks=3):
        report(now)
    (output,) = outputs
    assert sum("network" in text and "top-1" in text for text in texts(output)) == 3
    assert texts(output)[-1] == "3 of 3 networks; 3 trained in 12 s"
    assert 'value="1.0000"' in output.states[-1]["text/html"]


def test_a_network_alone_is_told_epoch_by_epoch(outputs):
    report = progress.Told()
    for now in events(networks=1, before=2):
        report(now)
    assert sum(f"/{EPOCHS}: training loss" in text for text in texts(outputs[0])) == EPOCHS


def test_live_bars_and_curves_move_and_only_a_line_and_a_picture_stay(outputs):
    report = progress.LiveBars()
    told = events(networks=2)
    for now in told[:-1]:
        report(now)
    bars, curves = outputs
    assert WIDGET in bars.states[-1]
    assert len(bars.states) == 1
    report(told[-1])
    networks, epochs = (box.children for box in report._box.children)
    assert (networks[1].value, networks[1].max) == (2, 2)
    assert (epochs[1].value, epochs[1].max) == (EPOCHS, EPOCHS)
    assert "00:00" in networks[2].value
    assert bars.states[-1] == {"text/plain": "2 of 2 networks; 2 trained in 8 s"}
    assert texts(curves)[-1] == "Learning curves of network 0, network 1."
    assert curves.states[-1]["image/png"]


def test_curves_are_those_of_the_last_networks(outputs):
    report = progress.LiveCurves()
    for now in events(networks=7):
        report(now)
    assert texts(outputs[0])[-1] == "Learning curves of network 3, network 4, network 5, network 6."


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
