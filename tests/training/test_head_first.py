"""Head alone, all at once, head first: the same epochs, the same start, and a trunk that moves only where it may."""

import pytest
import torch

from fctransfer_utils.data.image_set import Labelled
from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.heads import HeadSpec
from fctransfer_utils.training import Recipe
from fctransfer_utils.training.cuts import features_at
from fctransfer_utils.training.head_first import WAYS, tune
from tests.made_images import stripes

PIXELS = {"mean": (0.5,) * 3, "std": (0.25,) * 3}
RECIPE = Recipe(epochs=4, batch_size=8, learning_rate=0.02, crop_padding=0)


@pytest.fixture(scope="module")
def ways():
    trunk = build(NetSpec(width=12, dropout=0), classes=3, image_size=32, seed=0)[:5].eval()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    learn, judge = stripes(32, seed=0), stripes(24, seed=1)
    features = tuple(features_at(trunk, part, ["conv5"], **PIXELS)["conv5"] for part in (learn, judge))
    common = {
        "learn": learn, "judge": judge, "degraded": judge, "features": features, "classes": 4, "flip": False, **PIXELS
    }  # fmt: skip
    found = {way: tune(trunk, HeadSpec(last_init="he"), way, recipe=RECIPE, **common) for way in WAYS}
    assert all(torch.equal(before[name], value) for name, value in trunk.state_dict().items())
    return trunk, common, found


def test_all_start_alike_and_end_at_the_same_epoch(ways):
    curves = [tuned.curve for tuned in ways[2].values()]
    assert len({curve[0] for curve in curves}) == 1
    assert [curve[-1].epoch for curve in curves] == [4] * len(WAYS)
    assert [point.epoch for point in ways[2]["head first, then all"].curve] == [0, 2, 3, 4]


def test_the_trunk_moves_only_where_it_learns(ways):
    moved = {way: tuned.curve[-1].moved for way, tuned in ways[2].items()}
    assert moved["head only"] == 0 < moved["head first, then all"]
    assert moved["all at once"] > 0
    assert 0 < moved["head first, then gently"] < moved["head first, then all"]
    assert ways[2]["head first, then all"].curve[1].moved == 0


def test_a_trained_head_sends_a_smaller_first_gradient(ways):
    gradient = {way: tuned.gradient for way, tuned in ways[2].items()}
    assert gradient["head only"] == 0
    assert 0 < gradient["head first, then all"] < gradient["all at once"]


def test_degraded_images_are_judged_with_the_same_network(ways):
    assert all(point.top1 == point.degraded_top1 for tuned in ways[2].values() for point in tuned.curve)


def test_bad_input_is_named(ways):
    trunk, common, _ = ways
    with pytest.raises(InputError, match="unknown way to train a head 'all'; allowed: head only"):
        tune(trunk, HeadSpec(), "all", recipe=RECIPE, **common)
    with pytest.raises(InputError, match="1 epoch cannot be shared"):
        tune(trunk, HeadSpec(), WAYS[0], recipe=Recipe(epochs=1), **common)
    wrong = common["features"][0]._replace(values=common["features"][0].values[:, :7])
    with pytest.raises(InputError, match="the head does not fit"):
        tune(trunk, HeadSpec(), WAYS[0], recipe=RECIPE, **common | {"features": (wrong, wrong)})
    nothing = Labelled(common["learn"].images[:0], common["learn"].labels[:0])
    with pytest.raises(InputError, match="no images to take a gradient from"):
        tune(trunk, HeadSpec(), WAYS[1], recipe=RECIPE, **common | {"learn": nothing})
