"""Grids of thousands of networks: memory stays flat, every record is read once, and the table is right."""

import csv
import gc
import os
import tracemalloc
from collections import Counter

import pytest
from made_records import made_outcome, made_record, made_study

from fctransfer_utils import cli
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments import engine, places, status
from fctransfer_utils.experiments import store as store_module
from fctransfer_utils.experiments.record import Record
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import tidy
from fctransfer_utils.files import write_text

MANY = 5000
SOME = 600
DATA = DataSpec(glyph_classes=4, glyphs_per_class=4)
PER_NETWORK = 2000
"""Bytes of memory that one more network may take in the engine: its specification is there from the beginning."""


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """A store with 5,000 records, written without the engine (and without waiting for the disk)."""
    store = Store(tmp_path_factory.mktemp("load") / "store")
    runs = made_study(MANY, data=DATA).runs
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.fsync", lambda handle: None)
        for run in runs:
            store.add(made_record(run))
    for file in (store.path / "records").iterdir():
        os.utime(file, (0, 0))  # written long ago
    return store, runs


@pytest.fixture
def reads(monkeypatch):
    """How often each record file is read and parsed."""
    count = Counter()
    parse = store_module.parse_record

    def counted(text):
        record = parse(text)
        count[record.key] += 1
        return record

    monkeypatch.setattr(store_module, "parse_record", counted)
    return count


def test_memory_does_not_grow_with_the_networks_that_are_done(tmp_path, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    monkeypatch.setattr(places, "train_job", made_outcome)
    monkeypatch.setattr("os.fsync", lambda handle: None)
    study, taken = made_study(SOME, data=DATA), {}

    def weigh(now):
        if now.event == "trained" and now.trained in (SOME // 3, SOME):
            gc.collect()
            taken[now.trained] = tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        report = engine.run(study, Store(tmp_path / "store"), progress=weigh)
    finally:
        tracemalloc.stop()
    assert report.done == SOME
    assert taken[SOME] - taken[SOME // 3] < PER_NETWORK * (SOME - SOME // 3) / 10


def test_a_network_costs_the_engine_as_much_at_the_end_of_a_long_list_as_at_the_beginning(tmp_path, monkeypatch):
    """Counted in specifications that are made or hashed, which is what the work on the list is made of."""
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    monkeypatch.setattr(places, "train_job", made_outcome)
    monkeypatch.setattr("os.fsync", lambda handle: None)
    made, hashed, seen = RunSpec.__post_init__, RunSpec.__hash__, Counter()
    monkeypatch.setattr(RunSpec, "__post_init__", lambda self: (seen.update(made=1), made(self))[1])
    monkeypatch.setattr(RunSpec, "__hash__", lambda self: (seen.update(hashed=1), hashed(self))[1])
    marks = {}

    def note(now):
        if now.event in ("start", "trained"):
            marks[now.trained] = sum(seen.values())

    engine.run(made_study(SOME, data=DATA), Store(tmp_path / "store"), progress=note)
    tenth = SOME // 10
    first, last = marks[tenth] - marks[0], marks[SOME] - marks[SOME - tenth]
    assert last <= 2 * first
    assert first / tenth < 40


def test_the_status_of_five_thousand_networks_reads_each_record_once(full, reads):
    store, runs = full
    lines = status.store_lines(store)
    assert lines[0].startswith(f"{store.path}: {MANY} networks")
    counts = Counter(run.treatment for run in runs)
    for treatment, count in counts.items():
        assert any(line.endswith(f": {count} {treatment}") for line in lines)
    told = status.study_lines(made_study(MANY, data=DATA), store)
    assert told == [f"study transfer: {MANY} of {MANY} networks done, 0 to train."]
    assert set(reads.values()) == {1}
    assert len(reads) == MANY


def test_a_record_that_changes_between_two_looks_is_read_again(tmp_path, reads):
    store = Store(tmp_path / "store")
    run = made_study(50, data=DATA).runs[0]
    store.add(made_record(run))
    assert store.has(run.key)
    file = store.path / "records" / f"{run.key}.json"
    write_text(file, file.read_text().replace("made", "MADE", 1))
    assert list(store.damaged()) == [run.key]
    file.unlink()
    assert store.damaged() == {}
    assert not store.has(run.key)


def test_the_table_of_five_thousand_networks_has_a_right_row_for_each(full, tmp_path):
    store, runs = full
    out = tmp_path / "table.csv"
    assert cli.main(["table", "transfer", "--store", str(store.path), "--out", str(out)]) == 0
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows] == [row["key"] for row in tidy(store.records(), study="transfer")]
    by_key = {row["key"]: row for row in rows}
    assert len(rows) == len(by_key) == MANY
    for run in runs:
        row, record = by_key[run.key], made_record(run)
        found = (row["treatment"], int(row["n"]), int(row["seed"]), row["source"], row["target"])
        assert found == (run.treatment, run.n, run.seed, run.source, run.target)
        assert float(row["top1"]) == pytest.approx(record.result.top1, abs=1e-6)


def test_what_was_made_is_what_is_kept(full):
    store, runs = full
    assert isinstance(store.record(runs[7].key), Record)
    assert store.record(runs[7].key) == made_record(runs[7])
