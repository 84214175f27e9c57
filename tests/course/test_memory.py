"""A large network is skipped with a reason where it would not fit, and only there; and how tests see memory."""

import subprocess
import sys

import pytest
from made_memory import memory_of_children

from fctransfer_utils import course
from fctransfer_utils.course.memory import OWN, no_room


@pytest.fixture(autouse=True)
def _plain(monkeypatch):
    for name in ("BINDER_SERVICE_HOST", "MEM_LIMIT"):
        monkeypatch.delenv(name, raising=False)


def test_where_nothing_limits_there_is_room(tmp_path):
    (tmp_path / "max").write_text("max\n")
    assert no_room(5000, limits=(str(tmp_path / "max"), str(tmp_path / "absent"))) == ""


def test_on_binder_there_is_none(monkeypatch):
    monkeypatch.setenv("BINDER_SERVICE_HOST", "10.0.0.1")
    assert "500 MB" in no_room(500, limits=())
    assert "Binder" in no_room(500, limits=())


@pytest.mark.parametrize(("allowed", "fits"), [((500 + OWN) * 1_000_000, True), ((500 + OWN) * 1_000_000 - 1, False)])
def test_a_limit_counts_whoever_sets_it(tmp_path, monkeypatch, allowed, fits):
    (tmp_path / "max").write_text(f"{allowed}\n")
    assert (no_room(500, limits=(str(tmp_path / "max"),)) == "") == fits
    monkeypatch.setenv("MEM_LIMIT", str(allowed))
    assert (no_room(500, limits=()) == "") == fits


def test_the_memory_of_a_program_counts_while_it_runs_and_after():
    """A program that holds 300 MB for a moment, started by one that takes little."""
    hold = "x = bytearray(300_000_000); del x; print('ready', flush=True); input()"
    outer = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {hold!r}]))"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with memory_of_children() as watched:
        program = subprocess.Popen([sys.executable, "-c", outer], **pipes)
        assert program.stdout.readline() == "ready\n"
        watched.look()
        program.communicate("\n", timeout=60)
    assert (300 if sys.platform == "linux" else 0) < watched.megabytes < 400


def test_programs_that_ran_before_are_not_counted():
    program = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with memory_of_children() as watched:
        watched.look()
        assert watched.megabytes == 0
    program.communicate(b"\n", timeout=60)


@pytest.mark.parametrize(("limit", "said"), [("1000000000", True), ("8000000000", False), ("", False)])
def test_where_two_notebooks_do_not_fit_the_first_call_says_to_keep_one_open(project, monkeypatch, capsys, limit, said):
    monkeypatch.setenv("MEM_LIMIT", limit)
    course.start("05_transfer_curves", profile="read")
    assert ("keep one notebook open at a time" in capsys.readouterr().out) == said


def test_so_it_does_on_binder(project, monkeypatch, capsys):
    monkeypatch.setenv("BINDER_SERVICE_HOST", "10.0.0.1")
    course.start("05_transfer_curves", profile="read")
    assert "keep one notebook open at a time" in capsys.readouterr().out
