"""Damaged or strange tables, profiles of parameters and published values: read, or refused in one line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_damage import attempt, damaged

from fctransfer_utils.analysis import firewall, published, zhang
from fctransfer_utils.course.checks import Expected
from fctransfer_utils.course.parameters import load_profile
from fctransfer_utils.course.tables import read_measure
from fctransfer_utils.experiments.table import merge, read_table, to_csv

ROOT = Path(__file__).parents[2]
DATA = ROOT / "figures" / "data"
STUDIES = ("transfer", "keep", "fc")


def head_of(name, *, lines=12):
    """The first rows of a committed table."""
    with (DATA / f"{name}.csv").open("rb") as file:
        return b"".join(next(file) for _ in range(lines))


@pytest.mark.parametrize("name", STUDIES)
def test_a_damaged_table_is_read_or_refused(tmp_path, draw, name):
    whole, file = head_of(name), tmp_path / "table.csv"
    for _ in range(400):
        file.write_bytes(damaged(whole, draw))
        rows, message = attempt(read_table, file)
        assert message or all(isinstance(row["seed"], int) for row in rows)
        if rows:
            assert to_csv(merge(rows)).count("\n") >= 2


@pytest.mark.parametrize("content", [b"\0", b'"', b'"' + b"x" * 200_000, b"study,key\r\rx", b"\xff\xfe", b"a,b\n1,2"])
def test_what_is_no_table_is_refused(tmp_path, content):
    file = tmp_path / "table.csv"
    file.write_bytes(content)
    assert "table" in attempt(read_table, file)[1]
    assert "table" in attempt(read_measure, file, shown="table.csv")[1]


def test_a_field_that_is_too_long_is_refused(tmp_path):
    file = tmp_path / "table.csv"
    file.write_bytes(head_of("transfer") + b"x" * 200_000)
    assert "cannot be read" in attempt(read_table, file)[1]


def test_tables_of_different_kinds_cannot_be_one():
    tables = [read_table(DATA / f"{name}.csv") for name in STUDIES]
    for pair in ((0, 1), (1, 2), (2, 0)):
        assert "different columns" in attempt(merge, *(tables[at] for at in pair))[1]
        assert len(merge(tables[pair[0]], tables[pair[0]])) == len(tables[pair[0]])


def test_a_damaged_file_of_expected_values_is_read_or_refused(tmp_path, draw):
    values = json.loads((ROOT / "figures" / "expected.json").read_text(encoding="utf-8"))["glyphs"]
    whole = json.dumps({"glyphs": dict(list(values.items())[:5])}, indent=2).encode()
    file = tmp_path / "expected.json"
    for _ in range(400):
        file.write_bytes(damaged(whole, draw))
        expected, message = attempt(Expected, file)
        if not message:
            for name in expected.names("glyphs"):
                wanted, refusal = attempt(expected.get, "glyphs", name)
                assert refusal or isinstance(wanted.fits(math.nan), bool)


PUBLISHED = {
    "yosinski2014_networks": lambda file: published.paper_table(path=file),
    "zhang2017_table2": lambda file: zhang.paper_table2(path=file),
    "zhang2017_tables3_4": lambda file: firewall.paper_tables(file),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_damaged_published_values_are_read_or_refused(tmp_path, draw, name):
    whole, file = head_of(name), tmp_path / "published.csv"
    for _ in range(100):
        file.write_bytes(damaged(whole, draw))
        table, message = attempt(PUBLISHED[name], file)
        assert message or len(table.columns) > 2


PROFILE = b"""# parameters
all: {seed: 1, rates: [0.1, 0.2]}
05_transfer_curves:
  cut: 7
  split: "random0"
  when: 2020-01-31
"""


def test_a_damaged_profile_is_read_or_refused(tmp_path, draw):
    file = tmp_path / "quick.yaml"
    for _ in range(500):
        file.write_bytes(damaged(PROFILE, draw))
        found, message = attempt(load_profile, file, notebooks=["05_transfer_curves"])
        assert message or list(found) == ["05_transfer_curves"]


ODD = [
    "all: {when: 2020-13-45}", "all: !!int x", "all: !!float x", "all: !!timestamp x", "all: !!bool x",
    "all: !!binary =", "? [1]\n: 2", "&a [*a]", "all: &a {b: *a}", "[" * 3000, "{" * 3000, "all: 1e999999", "\x00",
    "- 1", "1: {}", "all: 3", "- {}", "!!set {a}", "!!omap [a: 1]", "%YAML 3.0\n---\n{}", "--- {}\n--- {}",
]  # fmt: skip


@pytest.mark.parametrize("content", ODD)
def test_odd_yaml_is_read_or_refused(tmp_path, content):
    file = tmp_path / "quick.yaml"
    file.write_text(content)
    found, message = attempt(load_profile, file, notebooks=["05_transfer_curves"])
    assert message or list(found) == ["05_transfer_curves"]


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_no_text_breaks_a_profile(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("profile") / "quick.yaml"
    file.write_text(text, encoding="utf-8", errors="replace")
    found, message = attempt(load_profile, file, notebooks=["05_transfer_curves"])
    assert message or list(found) == ["05_transfer_curves"]
