"""Heads on the trunk of the ImageNet network: what begins alike, and when lengths are equal enough."""

import pytest
import torch
from made_stripes import stripes

from fctransfer_utils.evidence import imagenet_heads
from fctransfer_utils.experiments.head_studies import HEADS
from fctransfer_utils.training.loop import train

torch.set_num_threads(1)


def test_heads_are_those_of_the_other_study_on_one_trunk():
    assert set(imagenet_heads.HEADS) == set(HEADS)
    nets = {head: imagenet_heads._with_head(imagenet_heads.bundled()[:18], head, 4, seed=1) for head in HEADS}
    shapes = {
        head: [tuple(part.shape) for part in net[18:].parameters() if part.ndim == 2] for head, net in nets.items()
    }
    assert shapes == {
        "gap": [(4, 1280)],
        "fc": [(512, 4 * 1280), (512, 512), (4, 512)],
        "gap_fc": [(512, 1280), (512, 512), (4, 512)],
    }
    for net in nets.values():
        for ours, first in zip(net[:18].parameters(), nets["gap"][:18].parameters(), strict=True):
            assert torch.equal(ours, first)
        assert not any(part.requires_grad for name, part in net.named_parameters() if ".bn" in name)


@pytest.mark.parametrize(("fast", "found"), [(0.1, 6), (10.0, 3), (100.0, 1)])
def test_the_others_stop_where_the_weakest_ends(fast, found, monkeypatch):
    """Accuracy rises by a point an epoch from 50 %, for "fc" ``fast`` times as quickly."""
    images = stripes()
    monkeypatch.setattr(imagenet_heads, "_learnt", lambda head, rate, epochs, learn, seed: ((head, epochs), False))
    known = lambda net, images: 0.5 + 0.01 * net[1] * (1 + fast * (net[0] == "fc") / 10)  # noqa: E731
    monkeypatch.setattr(imagenet_heads, "accuracy", known)
    nets, rows = imagenet_heads._sources(dict.fromkeys(HEADS, 0.01), 6, images, images, seed=0)
    epochs = {(row["match"], row["head"]): row["epochs"] for row in rows}
    assert [epochs["accuracy", head] for head in ("gap", "gap_fc", "fc")] == [6, 6, found]
    assert {epochs["length", head] for head in HEADS} == {6}
    assert nets == {(head, n): (head, n) for (_, head), n in epochs.items()}


@pytest.mark.parametrize("best", [0.001, 0.01, 0.1])
def test_a_best_rate_at_the_end_of_what_was_tried_widens_it(best):
    tried = []

    def score(rate):
        tried.append(rate)
        return -abs(rate - best)

    assert imagenet_heads._best_rate(score) == best
    assert min(tried) < best < max(tried)
    assert len(tried) == len(set(tried))


@pytest.mark.parametrize("head", HEADS)
def test_fine_tuning_begins_with_the_trunk_and_the_hidden_layers_of_the_source(head, monkeypatch):
    net = imagenet_heads._with_head(imagenet_heads.bundled()[:18], head, 4, seed=1)
    before = {name: values.clone() for name, values in net.state_dict().items()}
    begun = []

    def seen(whole, *given, **options):
        begun.append({name: values.clone() for name, values in whole.state_dict().items()})
        return train(whole, *given, **options)

    monkeypatch.setattr(imagenet_heads, "train", seen)
    monkeypatch.setattr(imagenet_heads, "TUNED", ("pages",))
    parts = (stripes(16, size=64),) * 3
    (row,) = imagenet_heads.tuned(net, head, {"pages": parts}, imagenet_heads.Amounts(tuned_epochs=1), seed=2)
    assert (row["target"], row["kind"], row["use"]) == ("pages", "layout", "fine-tuned")
    for whole in begun:
        new = {name.split(".")[0] for name, values in whole.items() if not torch.equal(values, before[name])}
        assert new == {"fc8"}
    assert all(torch.equal(values, before[name]) for name, values in net.state_dict().items())
