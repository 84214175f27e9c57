"""The command line: exit codes, one line per error, and the same engine behind it."""

import contextlib
import csv
import os
import signal
import subprocess
import sys
import time

import pytest

from fctransfer_utils.cli import main

STUDY = ["--epochs", "1", "--width", "12", "--treatments", "base,BnB,twice", "--cuts", "1,7", "--directions", "A-B"]
GLYPHS = ["--profile", "smoke", "--glyph-classes", "4", "--glyphs-per-class", "4", *STUDY]


@pytest.fixture(autouse=True)
def execution_without_probe(monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")


@pytest.fixture
def command(capsys):
    """``command(*arguments)`` -> (exit code, standard output, standard error)."""

    def call(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = error.code
        return code, *capsys.readouterr()

    return call


def test_run_status_and_table(command, tmp_path):
    store = tmp_path / "store"
    code, out, err = command("run", "transfer", "--store", store, *GLYPHS)
    assert (code, out.split(",")[0]) == (0, "5 trained")
    epochs = [line for line in err.splitlines() if "epoch 1/1: training loss" in line]
    assert len([line for line in err.splitlines() if line not in epochs]) == 5
    assert epochs
    assert command("run", "transfer", "--store", store, *GLYPHS)[1].startswith("0 trained, 5 done before, 0 left")

    code, out, _ = command("status", "--store", store)
    assert code == 0
    assert "5 networks" in out
    assert "not in use" in out
    code, out, _ = command("status", "--store", store, *GLYPHS, "--seeds", "0,1")
    assert "5 of 10 networks done, 5 to train" in out

    table = tmp_path / "transfer.csv"
    assert command("table", "--store", store, "--out", table)[:2] == (0, f"{table}: 5 networks, 5 of them new.\n")
    with table.open() as file:
        assert {row["treatment"] for row in csv.DictReader(file)} == {"base", "BnB", "twice"}
    assert "0 of them new" in command("table", "--store", store, "--merge", table, "--out", table)[1]

    code, out, _ = command("run", "transfer", "--store", tmp_path / "other", "--table", table, *GLYPHS)
    assert (code, out.split(";")[0]) == (0, "0 trained, 5 done before, 0 left")


def test_the_learning_rate_search_names_the_best(command):
    code, out, _ = command("lr", *GLYPHS, "--grid", "0.01,0.02", "--glyphs-per-class", "10")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[-1] in ("best: 0.01", "best: 0.02")


def test_a_time_limit_with_work_left_is_exit_code_3(command, tmp_path):
    code, out, _ = command("run", "transfer", "--store", tmp_path / "s", "--time-limit", "1e-9", *GLYPHS)
    assert code == 3
    assert "5 left" in out
    assert "the same command goes on" in out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["run", "transfer"], "--store"),
        (["run", "transfr", "--store", "s"], "transfr"),
        (["rnu"], "rnu"),
        ([], "COMMAND"),
        (["run", "transfer", "--store", "s", "--profile", "quik"], "Did you mean 'quick'"),
        (["run", "transfer", "--store", "s", "--data", "glyph"], "unknown data set 'glyph'"),
        (["run", "transfer", "--store", "s", "--treatments", "AnC"], "unknown treatment 'AnC'"),
        (["run", "transfer", "--store", "s", "--cuts", "1-9"], "n = 8"),
        (["run", "transfer", "--store", "s", "--cuts", "7-1"], "7-1"),
        (["run", "transfer", "--store", "s", "--cuts", "x"], "'x'"),
        (["run", "transfer", "--store", "s", "--directions", "AB"], "'AB'"),
        (["run", "transfer", "--store", "s", "--directions", "A-C"], "A-C"),
        (["run", "transfer", "--store", "s", "--seeds", ""], "no seed"),
        (["run", "transfer", "--store", "s", "--width", "13"], "13"),
        (["run", "transfer", "--store", "s", "--image-size", "16"], "16"),
        (["run", "transfer", "--store", "s", "--workers", "0"], "workers"),
        (["run", "transfer", "--store", "s", "--time-limit", "-5"], "time_limit"),
        (["run", "transfer", "--store", "s", "--execution", "tpu"], "tpu"),
        (["run", "transfer", "--store", "s", "--table", "none.csv"], "none.csv"),
        (["run", "transfer", "--store", "s", "--splits", "rundom0", "--profile", "smoke"], "rundom0"),
        (["run", "transfer", "--store", "s", "--profile", "smoke", "--images-per-class", "999"], "999"),
        (["run", "transfer", "--store", "s", "--data", "folder:none"], "none"),
        (["status", "--store", "none"], "no store"),
        (["table", "--store", "none", "--out", "t.csv"], "no store"),
        (["table", "--out", "t.csv"], "--merge"),
        (["table", "--merge", "none.csv", "--out", "t.csv"], "none.csv"),
        (["notebooks", "quik"], "quik"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(command, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    code, out, err = command(*arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("fctransfer: ")
    assert len(err.splitlines()) == 1
    assert named in err


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from fctransfer_utils.cli import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'numpy', 'pandas', 'distributed')))"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0
    assert "--time-limit" in result.stdout


@pytest.mark.parametrize(("stop", "workers"), [(signal.SIGINT, 2), (signal.SIGTERM, 1)])
def test_a_stopped_run_ends_cleanly_and_goes_on(command, tmp_path, stop, workers):
    study = [*GLYPHS, "--seeds", "0-9", "--epochs", "10"]
    arguments = ["run", "transfer", "--store", str(tmp_path / "s"), "--workers", str(workers), *study]
    process = subprocess.Popen(
        [sys.executable, "-m", "fctransfer_utils", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # tests that run in the background of a shell inherit an ignored Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert any(line.startswith("[1/50]") for line in iter(process.stderr.readline, ""))
        os.killpg(process.pid, stop) if stop == signal.SIGINT else process.send_signal(stop)  # Ctrl-C goes to all
        out, err = process.communicate(timeout=120)
        assert (process.returncode, "Interrupted" in out) == (130, True)
        assert "Traceback" not in err
        assert _gone(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    trained = int(out.split()[0])
    _, out, _ = command("status", "--store", tmp_path / "s", *study)
    assert f"{trained} of 50 networks done" in out
    assert "not in use" in out


def _gone(group, patience=20.0):
    """Whether every process of the group ends within ``patience`` seconds."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_each_study_finds_its_networks_in_a_store_that_they_share(command, tmp_path):
    store, table = tmp_path / "store", tmp_path / "table.csv"
    plain = ["--profile", "smoke", "--glyph-classes", "4", "--glyphs-per-class", "4", "--width", "12"]
    few = [*plain, "--directions", "A-B", "--cuts", "7", "--volumes", "2", "--few-steps", "1"]
    code, out, err = command("run", "volume", "--store", store, *few)
    assert (code, out.split(",")[0]) == (0, "7 trained"), err
    drawn = [*plain, "--directions", "A-B", "--cuts", "1"]
    assert command("run", "random", "--store", store, *drawn)[1].startswith("3 trained, 1 done before")

    for study, options, networks in (("volume", few, 7), ("random", drawn, 4), ("transfer", [], 10)):
        _, out, _ = command("table", study, "--store", store, *options, "--out", table)
        assert out.startswith(f"{table}: {networks} networks")
        with table.open() as file:
            assert {row["study"] for row in csv.DictReader(file)} == {study}
    _, out, _ = command("status", "dip", "--store", store, *plain, "--cuts", "4")
    assert "study dip: 1 of " in out
