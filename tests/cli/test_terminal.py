"""The command in terminals that can do little: narrow, without colours, or without letters beyond ASCII."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COLUMNS = 40
STUDY = [
    "--profile", "smoke", "--glyph-classes", "4", "--glyphs-per-class", "4", "--epochs", "1", "--width", "12",
    "--treatments", "base,BnB", "--cuts", "1", "--directions", "A-B", "--execution", "cpu/float32",
]  # fmt: skip


def in_terminal(*arguments: str, columns: int = COLUMNS, term: str = "dumb") -> tuple[int, str]:
    """The exit code of the command, and everything that it wrote to a terminal of so many columns."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    variables = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "FORCE_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "fctransfer_utils", *arguments],
        cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, env={**variables, "TERM": term, "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(theirs)
    written = bytearray()
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux says so that the other side has closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    return process.wait(), written.decode("utf-8")


def lines(written: str) -> list[str]:
    """What stands in one line of the screen at a time: a bar is written over itself."""
    return [line.rstrip() for line in re.split(r"[\r\n]+", written)]


def test_the_bars_of_a_running_study_fit_a_narrow_terminal_and_have_no_colours(tmp_path):
    code, written = in_terminal("run", "transfer", "--store", str(tmp_path / "store"), *STUDY, term="xterm")
    assert code == 0
    assert not re.search(r"\x1b\[[0-9;]*m", written)
    bars = [line for line in lines(re.sub(r"\x1b\[[0-9;]*[A-Z]", "", written)) if "%" in line]
    assert bars
    assert max(map(len, bars)) <= COLUMNS
    assert "3 trained, 0 done before, 0 left" in written


def test_a_terminal_that_cannot_go_back_gets_a_line_per_network(tmp_path):
    code, written = in_terminal("run", "transfer", "--store", str(tmp_path / "store"), *STUDY)
    assert code == 0
    assert "\x1b" not in written
    assert [line[:5] for line in lines(written) if line.startswith("[")] == ["[1/3]", "[2/3]", "[3/3]"]
    assert "3 trained, 0 done before, 0 left" in written


@pytest.mark.parametrize("columns", [80, 200])
def test_the_help_fits_its_terminal_and_has_no_colours(columns):
    code, written = in_terminal("run", "--help", columns=columns)
    assert code == 0
    assert "\x1b" not in written
    assert "--time-limit SECONDS" in written
    assert max(map(len, lines(written))) <= columns


def test_an_error_is_one_line_without_colours_whatever_its_width():
    code, written = in_terminal("run", "transfer", "--store", "s", "--profile", "quik")
    assert code == 2
    assert "\x1b" not in written
    assert [line for line in lines(written) if line] == [line for line in lines(written) if "unknown profile" in line]


def test_a_terminal_that_knows_ascii_only_shows_what_it_can(tmp_path):
    table = tmp_path / "größe.csv"
    command = ["table", "--merge", "figures/data/transfer.csv", "--out", str(table)]
    result = subprocess.run(
        [sys.executable, "-m", "fctransfer_utils", *command],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert re.search(r"gr\S+e\.csv: \d+ networks, 0 of them new\.", result.stdout)
    assert table.exists()
