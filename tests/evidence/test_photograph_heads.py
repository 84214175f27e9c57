"""The three heads from the search to the replicates, on a few rendered characters."""

from dataclasses import replace

import torch

from fctransfer_utils.evidence import photograph_heads
from fctransfer_utils.experiments.head_studies import HEADS, head_sizes
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.train import FILES

torch.set_num_threads(1)


def test_every_replicate_is_searched_and_measured(tmp_path):
    sizes = head_sizes("smoke")
    sizes = replace(sizes, targets=sizes.targets[:1], own_lengths=True, source=replace(sizes.source, replicates=2))
    found = photograph_heads.measured(sizes, Store(tmp_path), load=FILES)
    sources = found[found["use"] == "source"]
    assert sources.groupby(["replicate", "match"])["head"].agg(set).tolist() == [set(HEADS)] * 4
    assert set(found["use"]) == {"source", "frozen", "fine-tuned", "probe 1x1", "probe 2x2", "probe 4x4"}
    assert found["top1"].between(0, 1).all()
