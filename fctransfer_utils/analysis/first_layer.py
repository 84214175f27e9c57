"""First-layer filters as rows of a table, and what training did to each of them.

A filter is compared with itself before training: both have the same size, the same place in the network and the same
first draw, so the pairs need no other control.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError, unknown
from .estimates import Estimate, mean_interval
from .filters import filter_table

WEIGHT = re.compile(r"w(\d+)_(\d+)_(\d+)")


def pack(nets: Mapping[str, Any]) -> pd.DataFrame:
    """Filters (K, C, h, w) by net as rows of ``filter_table`` plus a column ``w<c>_<y>_<x>`` per weight."""
    parts = []
    for filters in nets.values():
        weights = _array(filters)
        names = [f"w{c}_{y}_{x}" for c, y, x in np.ndindex(*weights.shape[1:])]
        parts.append(pd.DataFrame(weights.reshape(len(weights), -1), columns=names))
    if len({part.shape[1] for part in parts}) > 1:
        raise InputError("the nets have first layers of different sizes; pack nets of one architecture together.")
    return pd.concat([filter_table(nets), pd.concat(parts, ignore_index=True)], axis=1)


def unpack(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """The filters (K, C, h, w) by net of a table that ``pack`` made. Raises InputError when it has no weights."""
    columns = {name: match for name in table.columns if (match := WEIGHT.fullmatch(name))}
    if not columns or "net" not in table.columns:
        raise InputError("not a table of filters: it needs the columns net and w0_0_0, w0_0_1, ...; see pack.")
    shape = tuple(max(int(match[axis]) for match in columns.values()) + 1 for axis in (1, 2, 3))
    return {
        name: rows[list(columns)].to_numpy(dtype=float).reshape(-1, *shape)
        for name, rows in table.groupby("net", sort=False)
    }


def movement(before: Any, after: Any) -> np.ndarray:
    """How far each filter went: the length of its change over its length before; (K, C, h, w) twice -> (K,)."""
    start, end = _array(before), _array(after)
    if start.shape != end.shape:
        raise InputError(f"filters of shape {start.shape} cannot have become {end.shape}; give the same network twice.")
    axes = (1, 2, 3)
    return np.sqrt(((end - start) ** 2).sum(axis=axes) / (start**2).sum(axis=axes))


def changes(table: pd.DataFrame, pairs: Mapping[str, tuple[str, str]], measure: str) -> dict[str, Estimate]:
    """The mean change of ``measure`` per filter, by name in ``pairs`` (name -> (net before, net after)).

    A t interval over the filters of a pair, of 95 %. It speaks about filters of these networks, not about other seeds.
    """
    found = {}
    for name, nets in pairs.items():
        for net in nets:
            if net not in set(table["net"]):
                raise unknown("net", net, table["net"].drop_duplicates())
        before, after = (table[table["net"] == net].sort_values("filter")[measure].to_numpy() for net in nets)
        found[name] = mean_interval(after - before, unit="", of="filter")
    return found


def _array(filters: Any) -> np.ndarray:
    weights = filters.detach().cpu().float().numpy() if hasattr(filters, "detach") else filters
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or not len(weights):
        raise InputError(f"filters of shape {weights.shape} are not (K, C, h, w) with K at least 1.")
    return weights
