"""The published run can be named: halves, network and recipe, on a made tree with ImageNet's 1000 folders."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_pictures import save
from safetensors.torch import load as unpack
from timm.data import ImageNetInfo

from fctransfer_utils.cli import parse
from fctransfer_utils.cli_studies import study_of
from fctransfer_utils.data import splits
from fctransfer_utils.data.sources import load
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments.profiles import profile
from fctransfer_utils.experiments.studies import transfer
from fctransfer_utils.experiments.train import images_of, start, train_networks
from fctransfer_utils.training.recipe import PAPER

WNIDS = ImageNetInfo().label_names()
# Yosinski et al., ilsvrc12/data: the first classes of half A of each random split
FIRST = [
    [0, 1, 2, 5, 9, 10, 15, 16],
    [1, 5, 7, 9, 15, 16, 17, 19],
    [0, 2, 4, 5, 8, 9, 10, 13],
    [0, 5, 6, 7, 8, 10, 12, 14],
]


SMALL = DataSpec("folder", size=64)  # in place of 256


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Two pictures to learn and one to test of each class, all different, written with 10 x 8 pixels."""
    root = tmp_path_factory.mktemp("imagenet")
    pixels = np.random.default_rng(0).integers(0, 256, (1000, 3, 8, 10, 3), dtype=np.uint8)
    for wnid, pictures in zip(WNIDS, pixels, strict=True):
        for place, picture in zip(("train/{0}/{0}_1", "train/{0}/{0}_2", "val/{0}/1"), pictures, strict=True):
            save(root / f"{place.format(wnid)}.JPEG", picture)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FCTRANSFER_BUILD", str(tmp_path_factory.mktemp("build")))
        return load(SMALL, root)


def test_the_command_names_the_published_run():
    words = "run transfer --data folder --root imagenet --profile paper --split paper"
    study = study_of(parse(words.split()))
    assert {labels["replicate"] for labels, _ in study} == {0, 1, 2, 3}
    for name in ("BnB", "AnB", "BnB+", "AnB+"):
        assert {labels["n"] for labels, _ in study if labels["treatment"] == name} == set(range(1, 8))
    for labels, network in study:
        assert (network.net.kind, network.net.init, network.data.size) == ("caffenet", "gaussian", 256)
        times = 2 if labels["treatment"] == "long" else 1  # the same schedule, twice as slow
        recipe = replace(PAPER, steps=times * 450_000, drop_every=times * 100_000, epochs=network.recipe.epochs)
        assert network.recipe == recipe
        assert network.classes.split == "paper"


def test_the_random_halves_are_the_published_ones(source):
    assert [name.split()[-1] for name in source.train.classes] == WNIDS
    for replicate, first in enumerate(FIRST):
        a, b = source.halves("paper", replicate=replicate)
        assert list(a[:8]) == first
        assert (len(a), len(b)) == (500, 500)
        assert sorted({*a, *b}) == list(range(1000))


def test_natural_and_man_made_things_are_the_published_ones(source):
    natural, made = source.halves("paper-natural-manmade", replicate=2)
    assert set(natural) == splits.NATURAL
    assert sorted({*natural, *made}) == list(range(1000))
    own = source.halves("natural-manmade", replicate=2)  # ours, which leave out the classes that recipes are chosen on
    assert all(set(half) < set(whole) for half, whole in zip(own, (natural, made), strict=True))


def test_caffenet_takes_a_step_of_its_recipe_and_hands_its_layers_on(source):
    """Windows of 55 pixels in place of 227, which is what makes it a matter of seconds."""
    sizes = profile("paper", "folder", cuts=(7,), tuned_cuts=(), controls=(), replicates=1, per_class=1)
    study = transfer(replace(sizes, data=SMALL, recipe=replace(PAPER, steps=1, crop=55, batch_size=500)), split="paper")
    base = next(n for labels, n in study if (labels["treatment"], labels["target"]) == ("base", "A"))
    heir = next(n for labels, n in study if (labels["treatment"], labels["target"]) == ("AnB", "B"))

    def images(spec):
        return source

    [(record, weights)] = train_networks([base], images, {}, keep=[base.key])
    assert not record.diverged
    assert record.measures["loss"] == pytest.approx(np.log(500), abs=0.5)  # of a network that has learnt nothing yet
    given = unpack(weights)
    begun = start(heir, images_of(heir, images)[0], given).state_dict()
    assert all(torch.equal(begun[name], given[name]) == (not name.startswith("fc8")) for name in given)


def test_caffenet_sees_values_of_0_to_255_less_the_mean(source):
    (_, base), *_ = transfer(replace(profile("paper", "folder"), data=SMALL), split="paper")
    learn, _, test = images_of(base, lambda spec: source)
    assert (test.mean, test.std) == (learn.mean, learn.std)
    seen = learn.normalise(learn.pixels)
    assert seen.mean((0, 2, 3)).abs().max() < 0.05
    assert seen.std().item() == pytest.approx(learn.pixels.float().std().item(), rel=0.02)
