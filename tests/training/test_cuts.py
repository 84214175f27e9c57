"""Cuts of one frozen network, among them the case of VGG-19: the same code at any size."""

import pytest
import torch
from torch import nn
from torchvision.models import VGG
from torchvision.models.vgg import make_layers

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.adapters import named_layers
from fctransfer_utils.models.heads import HeadSpec
from fctransfer_utils.training import Recipe, cuts
from fctransfer_utils.training.cuts import CASE, compare_cuts, features_at, last_convolution
from tests.made_images import stripes

PIXELS = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
RECIPE = Recipe(epochs=2, batch_size=16, learning_rate=0.02, crop_padding=0)


@pytest.fixture(scope="module")
def small_vgg19():
    """VGG-19 in layers, narrow in width: random weights, 575 MB less."""
    plan = [4, 4, "M", 4, 4, "M", 4, 4, 4, 4, "M", 6, 6, 6, 6, "M", 8, 8, 8, 8, "M"]
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        net = VGG(make_layers(plan), num_classes=3)
        net.classifier[0], net.classifier[3], net.classifier[6] = (
            nn.Linear(*s) for s in ((392, 20), (20, 10), (10, 3))
        )
    return named_layers(net)


def test_the_case_from_the_forums_runs_on_the_layers_of_vgg19(small_vgg19):
    assert last_convolution(small_vgg19) == "conv5_4"
    found = compare_cuts(
        small_vgg19, learn=stripes(32), judge=stripes(16, seed=1), classes=4, recipe=RECIPE, image_size=64,
        seeds=(0, 1), **PIXELS,
    )  # fmt: skip
    assert [(row.choice, row.cut, row.features, row.seed) for row in found] == [
        (choice, cut, features, seed)
        for choice, (cut, features) in zip(CASE, (("fc7", 10), ("conv5_4", 8 * 2 * 2)), strict=True)
        for seed in (0, 1)
    ]
    assert {row.parameters for row in found} == {10 * 4 + 4, 32 * 256 + 256 + 256 * 4 + 4}
    assert all(0 <= row.top1 <= 1 for row in found)


def test_every_image_goes_through_the_trunk_once(monkeypatch):
    net = build(NetSpec(width=12), classes=4, image_size=32, seed=0)
    seen = []
    original = cuts.activations
    monkeypatch.setattr(cuts, "activations", lambda *a, **k: seen.append(len(a[1])) or original(*a, **k))
    choices = {name: (name, HeadSpec()) for name in ("conv5", "fc6", "fc7")}
    rows = compare_cuts(
        net, choices, learn=stripes(24), judge=stripes(12), classes=4, recipe=RECIPE, seeds=(0, 1, 2), **PIXELS
    )
    assert len(rows) == 9
    assert sum(seen) == 24 + 12


def test_features_do_not_depend_on_how_images_are_batched(monkeypatch):
    net = build(NetSpec(width=12), classes=4, image_size=32, seed=0)
    part = stripes(30)
    whole = features_at(net, part, ["conv5", "fc7"], **PIXELS)
    monkeypatch.setattr(cuts, "AT_ONCE", 7)
    again = features_at(net, part, ["conv5", "fc7"], **PIXELS)
    assert whole["conv5"].values.shape == (30, 512)
    for layer in whole:
        assert torch.allclose(whole[layer].values, again[layer].values, atol=1e-5)


def test_bad_choices_are_named(small_vgg19):
    common = {"learn": stripes(8), "judge": stripes(8), "classes": 4, "recipe": RECIPE, **PIXELS}
    with pytest.raises(InputError, match="nothing to compare"):
        compare_cuts(small_vgg19, {}, **common)
    with pytest.raises(InputError, match="unknown cut 'fc2'"):
        compare_cuts(small_vgg19, {"a": ("fc2", HeadSpec())}, **common)
    with pytest.raises(InputError, match="no convolution to cut after"):
        last_convolution(nn.Sequential(nn.Sequential(nn.Linear(2, 2))))
