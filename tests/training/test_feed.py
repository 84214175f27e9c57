"""Batches come in an order that can be taken up again, and the same from memory as from disk."""

import pytest
import torch
from made_images import stripes

from fctransfer_utils import seeds
from fctransfer_utils.data.image_set import Labelled
from fctransfer_utils.data.rows import Rows
from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.training import Execution, Recipe, train
from fctransfer_utils.training.feed import Batches, Feed


def batches(images=10, size=4):
    return Batches(images, size, seeds.generator(0, "order"))


def test_every_order_holds_every_image_once():
    order = batches()
    for _ in range(2):
        taken = torch.cat([next(order) for _ in range(3)])
        assert sorted(taken.tolist()) == list(range(10))


def test_orders_differ_from_pass_to_pass():
    order = batches(images=40, size=40)
    assert next(order).tolist() != next(order).tolist()


@pytest.mark.parametrize("before", [0, 2, 3, 7])
def test_others_go_on_where_these_stood(before):
    first, second = batches(), batches()
    for _ in range(before):
        next(first)
    second.go_to(first.place)
    assert [next(first).tolist() for _ in range(5)] == [next(second).tolist() for _ in range(5)]


@pytest.mark.parametrize("mapped", [False, True])
def test_a_feed_reads_no_further_than_it_is_asked(mapped):
    part, order, reference = stripes(), batches(96, 10), batches(96, 10)
    images = Rows(part.images, torch.arange(96)) if mapped else part.images
    feed = Feed(Labelled(images, part.labels), "cpu")
    assert feed.resident != mapped
    for _ in range(2):
        for (batch, labels), chosen in zip(feed.batches(order, 4), [next(reference) for _ in range(4)], strict=True):
            assert torch.equal(batch, part.images[chosen])
            assert torch.equal(labels, part.labels[chosen])
    assert order.place.taken == reference.place.taken


def test_a_network_learns_the_same_from_disk_as_from_memory():
    part, states = stripes(), []
    mapped = Labelled(Rows(part.images, torch.arange(96)), part.labels)
    for learn in (part, mapped):
        net = build(NetSpec(width=12), classes=4, image_size=32, seed=0)
        train(
            net, learn, stripes(seed=1), recipe=Recipe(epochs=2, batch_size=20, crop_padding=2), seed=0, flip=True,
            mean=(0.4,) * 3, std=(0.25,) * 3, execution=Execution(),
        )  # fmt: skip
        states.append(state_of(net))
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
