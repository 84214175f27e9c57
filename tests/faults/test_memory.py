"""A network for which there is no memory ends the run in one clear error, and costs nothing that was finished."""

from __future__ import annotations

import sys

import pytest
from made_runs import BAD_INPUT, Order

from fctransfer_utils.experiments.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory and /proc")


def test_no_memory_for_a_network_is_one_error_that_says_what_to_change(forks, compare, tmp_path):
    store, told = tmp_path / "store", tmp_path / "told"
    assert forks.run(Order(store=str(store))) == [0]
    wide = Order(store=str(store), told=str(told), width=240, megabytes=300)  # fc6 alone has 420 MB
    assert forks.run(wide) == [BAD_INPUT]
    (message,) = told.read_text().splitlines()
    assert "no memory" in message
    assert "width" in message
    compare(Store(store, create=False))
