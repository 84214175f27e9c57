"""Clocks that stand still, or that jump by years, change nothing but what is said about the time."""

from __future__ import annotations

import itertools
import os
import time

import pytest
from made_pictures import picture

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data import cache as cache_module

YEAR = 365 * 86400


@pytest.fixture
def jumping(monkeypatch):
    """The time of day is a year later, then a year earlier than it was, at every look."""
    now, jumps = time.time, itertools.cycle([YEAR, -YEAR, 0])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    monkeypatch.setattr(time, "time_ns", lambda: int(time.time() * 10**9))


def test_a_clock_that_jumps_changes_no_record_and_no_time_limit(jumping, run, store, compare):
    report = run(store, time_limit=3600)
    assert (report.done, report.timed_out) == (7, False)
    assert report.seconds >= 0
    assert all(record.seconds >= 0 for record in store.records())
    assert all(epoch.seconds >= 0 for record in store.records() for epoch in record.curve)
    compare(store)


def test_a_clock_that_stands_still_lets_no_damaged_file_replace_another(run, store, monkeypatch, compare):
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    run(store)
    key = store.keys()[0]
    for text in ("first", "second"):
        (store.path / "records" / f"{key}.json").write_text(text)
        assert run(store).set_aside == (key,)
    kept = sorted(file.read_text() for file in (store.path / "set-aside").glob("*.json"))
    assert kept == ["first", "second"]
    compare(store)


def test_pictures_from_the_future_and_from_long_ago_are_decoded_once(tmp_path, monkeypatch):
    for part in ("train", "val"):
        for name, stamp in (("ant", 2**33), ("bee", 1)):
            folder = tmp_path / "pictures" / part / name
            folder.mkdir(parents=True)
            picture(len(name) * 30).save(folder / "0.png")
            os.utime(folder / "0.png", (stamp, stamp))
    spec = DataSpec(f"folder:{tmp_path / 'pictures'}")
    first = load(spec)
    monkeypatch.setattr(cache_module, "decode", None)  # whoever decodes now fails
    assert load(spec).fingerprint == first.fingerprint
