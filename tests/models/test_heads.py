"""Heads as data: what they are made of, how they are drawn, and that they fit their trunk."""

import itertools

import pytest
import torch
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.heads import ACTIVATIONS, HeadSpec, attach, build_head, feature_size


def trunk(image_size=32, **options):
    return build(NetSpec(width=12, **options), classes=7, image_size=image_size, seed=0)[:5]


def widths(head):
    return [(part.in_features, part.out_features) for part in head.modules() if isinstance(part, nn.Linear)]


@pytest.mark.parametrize("hidden", [(), (16,), (16, 8), (16, 8, 4)])
def test_a_head_has_its_hidden_layers_and_the_last(hidden):
    head = build_head(HeadSpec(hidden), features=(2, 3, 3), classes=5, seed=0)
    assert [name for name, _ in head.named_children()] == [f"fc{6 + i}" for i in range(len(hidden) + 1)]
    sizes = [18, *hidden, 5]
    assert widths(head) == list(itertools.pairwise(sizes))
    assert sum(isinstance(part, nn.ReLU) for part in head.modules()) == len(hidden)
    assert head(torch.randn(4, 2, 3, 3)).shape == (4, 5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_can_be_had(activation):
    head = build_head(HeadSpec((6,), activation), features=4, classes=2, seed=0)
    assert isinstance(getattr(head.fc6, activation), ACTIVATIONS[activation])


def test_pooling_dropout_and_batch_norm_stand_where_they_belong():
    spec = HeadSpec((6, 6), pool="gap", dropout=0.3, batch_norm=True)
    head = build_head(spec, features=(3, 4, 4), classes=2, seed=0, first=14)
    assert [name for name, _ in head.fc14.named_children()] == ["pool", "flatten", "linear", "norm", "relu", "dropout"]
    assert [name for name, _ in head.fc16.named_children()] == ["linear"]
    assert head.fc14.linear.bias is None
    assert widths(head)[0] == (3, 6)


def test_the_draw_follows_the_seed_and_not_the_layers_around():
    one, again, other = (build_head(HeadSpec((8,)), features=4, classes=2, seed=seed) for seed in (0, 0, 1))
    renamed = build_head(HeadSpec((8,)), features=4, classes=9, seed=0, first=14)
    assert torch.equal(one.fc6.linear.weight, again.fc6.linear.weight)
    assert not torch.equal(one.fc6.linear.weight, other.fc6.linear.weight)
    assert torch.equal(one.fc6.linear.weight, renamed.fc14.linear.weight)


@pytest.mark.parametrize(
    ("init", "activation", "std"),
    [
        ("he", "tanh", (2 / 400) ** 0.5), ("xavier", "relu", (2 / 1000) ** 0.5), ("gaussian", "relu", 0.01),
        ("zero", "relu", 0.0), ("usual", "gelu", (2 / 400) ** 0.5), ("usual", "tanh", (2 / 1000) ** 0.5),
    ],
)  # fmt: skip
def test_hidden_layers_are_drawn_as_asked(init, activation, std):
    head = build_head(HeadSpec((600,), activation, init=init), features=400, classes=3, seed=0)
    assert head.fc6.linear.weight.std().item() == pytest.approx(std, rel=0.02)
    assert head.fc7.linear.weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert not head.fc6.linear.bias.any()


def test_building_leaves_the_global_random_state_alone():
    before = torch.random.get_rng_state()
    build_head(HeadSpec((8,)), features=4, classes=2, seed=0)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("spec", "label"),
    [
        (HeadSpec(), "linear"),
        (HeadSpec((64, 64)), "2 x 64 relu"),
        (HeadSpec([64, 32], "tanh", dropout=0.2), "64-32 tanh, dropout 0.2"),
        (HeadSpec((8,), pool="gap", batch_norm=True, init="zero"), "1 x 8 relu, gap, batch norm, zero"),
        (HeadSpec(last_init="zero"), "linear, last zero"),
    ],
)
def test_the_label_says_what_departs_from_the_default(spec, label):
    assert spec.label == label


def test_a_trunk_and_a_head_become_one_network_of_named_layers():
    body = trunk()
    assert feature_size(body, image_size=32) == (32, 4, 4)
    net = attach(body, build_head(HeadSpec((9,)), features=(32, 4, 4), classes=3, seed=0), image_size=32)
    assert [name for name, _ in net.named_children()][4:] == ["conv5", "fc6", "fc7"]
    images = torch.randn(2, 3, 32, 32)
    assert torch.equal(net(images), net[5:](body(images)))
    assert net.conv1 is body.conv1


@pytest.mark.parametrize("pool", ["flatten", "gap"])
def test_a_head_that_does_not_fit_is_refused_with_both_sizes(pool):
    head = build_head(HeadSpec(pool=pool), features=(16, 4, 4), classes=3, seed=0)
    gives, takes = {"flatten": ("32x4x4 = 512", "takes 256"), "gap": ("32x4x4 = 32", "takes 16")}[pool]
    with pytest.raises(InputError, match=f"does not fit.*{gives}.*{takes}"):
        attach(trunk(), head, image_size=32)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: HeadSpec((0,)), "hidden layer of 0 units"),
        (lambda: HeadSpec((8.0,)), "hidden layer of 8.0"),
        (lambda: HeadSpec(activation="rely"), "rely.*Did you mean 'relu'"),
        (lambda: HeadSpec(init="small"), "initialisation 'small'"),
        (lambda: HeadSpec(last_init="usual"), "last layer 'usual'"),
        (lambda: HeadSpec(pool="max"), "'max'"),
        (lambda: HeadSpec(dropout=1.0), "dropout 1.0"),
        (lambda: build_head(HeadSpec(), features=(4, 0), classes=2, seed=0), "sizes from 1 on"),
        (lambda: build_head(HeadSpec(pool="gap"), features=64, classes=2, seed=0), "no maps"),
        (lambda: attach(trunk(), nn.Sequential(), image_size=32), "no linear layer"),
        (lambda: attach(build(NetSpec(width=12), classes=2, image_size=32, seed=0),
                        build_head(HeadSpec(), features=2, classes=2, seed=0), image_size=32), "layer fc6"),
        (lambda: feature_size(nn.Sequential(nn.Conv2d(3, 1, 30)), image_size=20), "20 pixels"),
    ],
)  # fmt: skip
def test_bad_heads_get_one_error_that_names_the_value(make, words):
    with pytest.raises(InputError, match=words):
        make()
