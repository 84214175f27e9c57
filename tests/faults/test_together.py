"""Several runs that start on one store at the same moment: one at a time trains, and nothing is trained twice."""

from __future__ import annotations

import os

import pytest
from made_runs import REFUSED, Order

from fctransfer_utils.experiments.store import Store

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def test_runs_that_start_together_train_each_network_once(forks, compare, tmp_path):
    told = tmp_path / "told"
    order = Order(store=str(tmp_path / "store"), told=str(told))
    statuses = forks.run(*[order] * 5)  # in a folder that none of them has made yet
    assert 0 in statuses
    assert set(statuses) <= {0, REFUSED}, told.read_text()
    keys = [line for line in told.read_text().splitlines() if "in use" not in line]
    assert len(keys) == len(set(keys)) == 7
    compare(Store(tmp_path / "store", create=False))


def test_a_run_that_is_killed_hands_the_store_to_the_next_at_once(forks, tmp_path):
    store = str(tmp_path / "store")
    assert forks.run(Order(store=store, kill_at=40)) == [-9]
    assert Store(store).holder() == ""
    assert forks.run(Order(store=store)) == [0]
