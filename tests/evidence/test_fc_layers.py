"""Heads behind frozen layers, and probes on FC layers, of networks that learn characters."""

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.evidence import fc_layers

torch.set_num_threads(1)
SMALL = fc_layers.Sizes(count=30, each=2, test_per_class=5, epochs=1, steps=2, rates=(0.01, 0.1))


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Pictures that are rendered in a second."""
    monkeypatch.setattr(fc_layers, "KEPT", 8)
    monkeypatch.setattr(fc_layers, "LABELS", (4, 8))
    monkeypatch.setattr(fc_layers, "HEADS", fc_layers.HEADS[::6])  # none, 32 + 32, and 128 that bend nothing


def test_every_head_is_judged_at_the_rate_that_was_chosen_for_it():
    chosen = fc_layers.searched(SMALL)
    found = fc_layers.judged(SMALL, [0], chosen)
    assert found[["labels", "head", "activation", "rate"]].equals(chosen.drop(columns="validation"))
    assert set(chosen["rate"]) <= set(SMALL.rates)
    assert found[["learnt", "top1"]].stack().between(0, 100).all()
    work = found.drop_duplicates("head").set_index("head")["multiply_adds"]
    assert work["none"] == 512 * 10
    assert work["32 + 32"] == 512 * 32 + 32 * 32 + 32 * 10
    with pytest.raises(InputError, match="no rate"):
        fc_layers.judged(SMALL, [0], chosen[1:])


def test_probes_stand_behind_trained_and_untrained_layers():
    found = fc_layers.probed(SMALL, [0])
    assert len(found) == 2 * 2 * 2 * len(fc_layers.VIEWS)
    assert not found.duplicated(["weights", "asked", "labels", "layer"]).any()
    assert found["top1"].between(0, 100).all()
