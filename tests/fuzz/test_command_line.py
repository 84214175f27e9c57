"""Whatever is typed behind ``fctransfer``: it works, or one line says what is wrong; no store is left half written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_damage import attempt

from fctransfer_utils.cli import _parser, commands, main
from fctransfer_utils.experiments.names import STUDIES
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import COLUMNS

VALUES = st.sampled_from(
    [
        "", " ", "0", "1", "-1", "7", "8", "12", "13", "1.5", "nan", "inf", "1e400", "9" * 30, "9" * 5000, "0-4", "4-0",
        "0-99999999999", "0,0", ",", "A", "B", "A-B", "A-C", "AB", "random0", "random", "base", "BnB,AnB", "all", "x",
        "alexnet", "caffenet", "alexnet_map", "he", "grey", "P1", "P9", "glyphs", "glyph-fonts", "tiny-imagenet",
        "folder:", "folder:none", "folder:~no-such-user/x", "folder:" + "x" * 5000, "\0", "\ud800", "~no-such-user/x",
        "a\nb", "/dev/null/x", "smoke", "quick", "full", "read", "paper", "--", "-", "cpu/float32", "tpu", "tcp://",
        "2", "0.01,0.02", "step", "linear",
    ]
)  # fmt: skip


def options_of(command):
    """The options of a command with whether each takes a value."""
    actions = _parser()._subparsers._group_actions[0].choices[command]._actions
    return [(action.option_strings[0], action.nargs != 0) for action in actions if action.option_strings]


def words_for(command, *, without=("-h",)):
    """Lists of options of a command with any values."""
    several = [
        st.tuples(st.just(name), VALUES).map(list) if valued else st.just([name])
        for name, valued in options_of(command)
        if name not in without
    ]
    return st.lists(st.one_of(several), max_size=4).map(lambda parts: [word for part in parts for word in part])


@pytest.fixture
def call(capsys):
    """``call(words)`` -> exit code; checks that what is refused is said in one line and nothing else."""

    def run(words):
        capsys.readouterr()
        try:
            code = main(words)
        except SystemExit as error:
            code = error.code
        out, err = capsys.readouterr()
        assert code in (0, 2, 3), (code, err)
        if code == 2:
            assert out == ""
            assert err.startswith("fctransfer: ")
            assert err.endswith("\n")
            assert len(err.split("\n")) == 2, err
        return code

    return run


def test_any_options_of_status_are_understood_or_refused(call, tmp_path):
    store = str(Store(tmp_path / "store").path)
    codes = []

    @settings(max_examples=400)
    @given(st.sampled_from(STUDIES), words_for("status", without=("-h", "--store")))
    def check(study, words):
        codes.append(call(["status", study, "--store", store, *words]))

    check()
    assert set(codes) == {0, 2}
    assert list(Store(store).keys()) == []


SMALL = ["--profile", "smoke", "--glyph-classes", "4", "--glyphs-per-class", "4", "--time-limit", "1e-9"]


def test_any_options_of_run_begin_a_whole_store_or_none(call, tmp_path):
    codes, number = [], iter(range(10**6))
    fixed = ("-h", "--store", "--scheduler", "--workers", "--time-limit", "--glyphs-per-class")

    @settings(max_examples=120)
    @given(words_for("run", without=fixed))
    def check(words):
        place = tmp_path / f"store{next(number)}"
        codes.append(call(["run", "transfer", "--store", str(place), *SMALL, *words]))
        if place.exists():
            store = Store(place, create=False)
            assert store.damaged() == {}
            assert store.holder() == ""

    check()
    assert {2, 3} <= set(codes) <= {0, 2, 3}  # 0: only told what is left to do


@pytest.mark.parametrize(
    "place", ["", "\0", "~no-such-user/x", "x" * 300, "x/" * 3000, "/dev/null/x", "/proc/x", "a\nb/../file"]
)
@pytest.mark.parametrize("command", [["run", "transfer"], ["status"], ["table", "--out", "t.csv"]])
def test_no_name_of_a_store_breaks_a_command(call, tmp_path, place, command):
    (tmp_path / "file").write_text("x")
    assert call([*command, "--store", place, *(SMALL if command[0] == "run" else [])]) in (2, 3)


WORDS = st.sampled_from([*commands(), *STUDIES, "--help-me", "-x", "--out", "--store", "", "\0"])


@settings(max_examples=150)
@given(words=st.lists(WORDS, max_size=5))
def test_no_order_of_words_breaks_the_parser(words):
    found, message = attempt(_parser().parse_args, words)
    assert "See: fctransfer" in message or found.verb in words


@pytest.mark.parametrize(
    "words",
    [
        ["table", "--merge", "x\0y", "--out", "t.csv"],
        ["table", "--merge", "table.csv", "--out", "/dev/null/x"],
        ["table", "--merge", "table.csv", "--out", ""],
        ["notebooks", "read", "--only", "99"],
        ["notebooks", "read", "--data", "folder:\0"],
        ["report", "--out", "/dev/null/x"],
        ["notebooks", "read", "--only", "00", "--out", "/dev/null/x"],
        ["measure", "firewal", "--store", "s"],
        ["measure", "firewall", "--store", "/dev/null/x"],
        ["lr", "--profile", "smoke", "--grid", "nan"],
        ["lr", "--profile", "smoke", "--grid", ""],
        ["run", "keep", "--store", "s", "--profile", "smoke", "--targets", "folder:~no-such-user/x"],
        [
            "run",
            "transfer",
            "--store",
            "s",
            "--profile",
            "smoke",
            "--data",
            "cifar10",
            "--data-root",
            "~no-such-user/x",
        ],
        ["run", "transfer", "--store", "s", "--profile", "smoke", "--net", "caffenet"],
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(call, tmp_path, monkeypatch, words):
    monkeypatch.setenv("FCTRANSFER_DOWNLOAD", "0")
    (tmp_path / "table.csv").write_text(",".join(COLUMNS))
    assert call(words) == 2
