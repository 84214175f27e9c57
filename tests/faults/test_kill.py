"""A run that is killed at any moment loses nothing that was finished, and the next one goes on to the same table."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time

import pytest
from made_runs import Order

from fctransfer_utils.experiments.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

LAST_OPERATION = 130
"""A whole run makes about as many operations on the files of its store (reading, writing, renaming)."""


def kill_after(forks, order, seconds):
    """Begin a run and kill it from outside after a while; whether it was still running."""
    (child,) = forks.begin(order)
    time.sleep(seconds)  # the moment of the kill, not a way to wait for anything
    with contextlib.suppress(ProcessLookupError):  # it has just begun, or it has ended
        os.killpg(child, signal.SIGKILL)
    return forks.end()[0]


def killed_once(forks, order, draw, longest):
    """Kill a run at a random moment: before one of its file operations, or after a random time."""
    if draw.random() < 0.5:
        return forks.run(Order(**{**vars(order), "kill_at": draw.randint(1, LAST_OPERATION)}))[0]
    return kill_after(forks, order, draw.uniform(0, longest))


def undisturbed_seconds(forks, order):
    """How long a run takes now, on a machine that may be busy: kills are spread over that time."""
    begun = time.monotonic()
    assert forks.run(order) == [0]
    return time.monotonic() - begun


@pytest.mark.parametrize(("workers", "kills"), [(1, 45), (2, 12)])
def test_a_run_killed_at_random_moments_goes_on_to_the_same_table(forks, compare, tmp_path, workers, kills):
    pytest.importorskip("distributed")
    draw = random.Random(f"kill {workers}")
    longest = undisturbed_seconds(forks, Order(store=str(tmp_path / "whole"), workers=workers))
    done, rounds, progressed = 0, 0, 0
    while done < kills:
        rounds += 1
        store, told = tmp_path / f"store{rounds}", tmp_path / f"told{rounds}"
        order = Order(store=str(store), workers=workers, told=str(told))
        before: set[str] = set()
        while (status := killed_once(forks, order, draw, longest)) != 0:
            assert status == -signal.SIGKILL
            done += 1
            if not (store / "store.json").exists():
                continue
            there = Store(store, create=False)
            finished = {record.key for record in there.records()}
            assert there.damaged() == {}
            assert finished >= before | set(told.read_text().split() if told.exists() else ())
            progressed += finished > before
            before = finished
            if done >= kills:
                break
        assert forks.run(order) == [0]
        compare(Store(store, create=False))
        assert sorted(told.read_text().split()) == sorted(set(told.read_text().split()))
    assert progressed > 0  # not all came before the first network was finished


def test_a_kill_before_each_single_file_operation_of_the_last_network(forks, compare, tmp_path):
    """Every place at which writing can be cut, one after the other, with a store that lacks one network."""
    store = Store(tmp_path / "store")
    order = Order(store=str(store.path))
    assert forks.run(order) == [0]
    last = max(store.records(), key=lambda record: record.spec.n).key
    cuts = 0
    for number in range(1, 200):
        (store.path / "records" / f"{last}.json").unlink(missing_ok=True)
        status = forks.run(Order(store=str(store.path), kill_at=number))[0]
        assert store.damaged() == {}
        if status == 0:
            break
        assert status == -signal.SIGKILL
        cuts += 1
    assert cuts > 20
    compare(store)
