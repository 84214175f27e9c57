"""The tidy table: columns, order, merging, and files that are no tables."""

from dataclasses import replace

import pytest

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.record import Record, Result
from fctransfer_utils.experiments.table import COLUMNS, merge, read_table, table_keys, tidy, write_table
from fctransfer_utils.experiments.target_spec import data_label


@pytest.fixture
def records(study):
    return [
        Record(run, (), Result(0.1 * place, 2.0), {"torch": "2.11.0"}, "cpu/float32", 12.34, "data", "split")
        for place, run in enumerate(study().runs)
    ]


def test_one_row_per_network_in_the_same_order_whatever_comes_in(records):
    rows = tidy(records, study="transfer")
    assert rows == tidy(records[::-1], study="transfer")
    assert [(row["target"], row["treatment"], row["n"]) for row in rows] == [
        ("A", "base", 0), ("B", "base", 0), ("B", "AnB", 1), ("B", "AnB", 7), ("B", "BnB", 1), ("B", "BnB", 7),
        ("B", "twice", 8),
    ]  # fmt: skip
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["seconds"] == 12.3


def test_a_table_survives_its_file(tmp_path, records):
    nan = replace(records[0], result=Result(float("nan"), float("inf"), diverged=True))
    write_table(tidy([nan, *records[1:]], study="transfer"), tmp_path / "t.csv")
    found = read_table(tmp_path / "t.csv")
    (diverged,) = [row for row in found if row["key"] == nan.key]
    assert diverged["top1"] != diverged["top1"]
    assert diverged["train_loss"] != diverged["train_loss"]
    assert [row for row in found if row is not diverged] == tidy(records[1:], study="transfer")
    assert table_keys(tmp_path / "t.csv") == {record.key for record in records}
    write_table(found, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "t.csv").read_bytes()


def test_a_table_from_before_instructions_were_noted_is_read_and_written_anew(tmp_path, records):
    rows = tidy(records, study="transfer")
    rows = [{**row, "instructions": "AVX2"} for row in rows]
    old = [{name: value for name, value in row.items() if name != "instructions"} for row in rows]
    names = list(old[0])
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in old)]
    (tmp_path / "old.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = read_table(tmp_path / "old.csv")
    assert {row["instructions"] for row in found} == {""}
    write_table(merge(found, rows), tmp_path / "new.csv")
    assert read_table(tmp_path / "new.csv") == found


def test_merging_adds_rows_and_keeps_committed_ones(records):
    committed = tidy(records[:3], study="transfer")
    mine = tidy([replace(record, seconds=99.0) for record in records], study="transfer")
    both = merge(committed, mine)
    assert len(both) == len(records)
    assert {row["seconds"] for row in both if row["key"] in {record.key for record in records[:3]}} == {12.3}


def test_no_machine_path_gets_into_a_table():
    assert data_label(DataSpec("folder:/home/someone/flowers")) == "folder:flowers"
    assert data_label(DataSpec("folder:/home/someone/flowers/")) == "folder:flowers"
    assert data_label(DataSpec("glyphs", glyph_classes=50, glyphs_per_class=200)) == "glyphs[50x200]"
    assert data_label(DataSpec("tiny-imagenet", 64)) == "tiny-imagenet"


@pytest.mark.parametrize(
    ("text", "named"),
    [(None, "No such file"), ("", "columns study"), ("a,b\n1,2\n", "columns"), (",".join(COLUMNS) + "\nx\n", "line 2")],
)
def test_what_is_no_table_is_named(tmp_path, text, named):
    if text is not None:
        (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=named):
        read_table(tmp_path / "t.csv")


def test_a_table_cannot_be_written_into_a_file(tmp_path, records):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot write the table"):
        write_table(tidy(records, study="transfer"), tmp_path / "file" / "t.csv")
