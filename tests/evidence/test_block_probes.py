"""Probes behind every block: what they read, and that random weights are drawn anew."""

import torch
from made_pictures import as_folders
from made_stripes import stripes

from fctransfer_utils.evidence import block_probes

torch.set_num_threads(1)


def test_a_set_is_read_behind_every_block(tmp_path, monkeypatch):
    as_folders(tmp_path / "lines", stripes(36, size=32))
    monkeypatch.setattr(block_probes, "SETS", ("lines",))
    monkeypatch.setattr(block_probes, "NETWORKS", ((32, "random, own statistics"),))
    monkeypatch.setattr(block_probes, "STATISTICS", 24)
    found = block_probes.curves(str(tmp_path))
    assert set(found["cut"]) == {*map(str, range(1, 19)), "all", "last, widened"}
    assert len(found) == 20 * 3 * 3  # splits and draws
    assert len(set(found.groupby("seed")["inside"].agg(tuple))) == 3  # of other weights
