"""Filters in a table and back, and each one beside its own past."""

import numpy as np
import pytest
import torch

from fctransfer_utils.analysis.first_layer import changes, movement, pack, unpack
from fctransfer_utils.errors import InputError


def filters(seed, count=4, size=5):
    return np.random.default_rng(seed).normal(size=(count, 3, size, size))


def test_a_table_gives_its_filters_back():
    nets = {"before": filters(0), "after": torch.tensor(filters(1))}
    back = unpack(pack(nets))
    assert list(back) == ["before", "after"]
    assert np.allclose(back["before"], nets["before"])
    assert np.allclose(back["after"], nets["after"].numpy(), atol=1e-6)


def test_first_layers_of_two_sizes_do_not_share_a_table():
    with pytest.raises(InputError, match="different sizes"):
        pack({"one": filters(0), "other": filters(0, size=7)})


def test_a_table_without_weights_is_refused():
    with pytest.raises(InputError, match="w0_0_0"):
        unpack(pack({"one": filters(0)})[["net", "filter", "gabor_r2"]])


def test_movement_is_relative_to_the_first_length():
    start = filters(0)
    assert movement(start, start) == pytest.approx(0)
    assert movement(start, 3 * start) == pytest.approx(2)
    with pytest.raises(InputError, match="cannot have become"):
        movement(start, filters(0, count=5))


def test_a_change_is_paired_by_filter():
    table = pack({"before": filters(0), "after": filters(0)})
    table.loc[table["net"] == "after", "gabor_r2"] += [0.1, 0.2, 0.3, 0.4]
    found = changes(table, {"A": ("before", "after")}, "gabor_r2")["A"]
    assert found.mean == pytest.approx(0.25)
    assert found.count == 4
    assert found.low < 0.25 < found.high
    assert found.low > 0
    with pytest.raises(InputError, match="later"):
        changes(table, {"A": ("before", "later")}, "gabor_r2")
