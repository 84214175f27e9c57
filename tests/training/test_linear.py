"""A linear layer on the pixels learns what pixels give away, and nothing else."""

import dataclasses

import pytest
import torch
from made_images import stripes

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data.image_set import build
from fctransfer_utils.errors import InputError
from fctransfer_utils.training import Execution, Recipe
from fctransfer_utils.training.linear import linear_on_pixels

RECIPE = Recipe(epochs=10, batch_size=32)


@pytest.fixture(scope="module")
def easy():
    """Four classes of noisy stripes, each dark or bright in one half of the image."""
    names = ["a", "b", "c", "d"]
    return build("made", train=stripes(), test=stripes(seed=1), class_ids=names, class_names=names, flip=False)


def test_it_learns_classes_that_differ_in_brightness_at_fixed_places(easy):
    assert linear_on_pixels(easy, range(4), recipe=RECIPE, execution=Execution()).top1 > 0.9


def test_it_stays_near_chance_where_light_and_dark_are_exchanged_at_random(easy):
    turned = torch.rand(96, generator=torch.Generator().manual_seed(0)) < 0.5
    images = easy.train_images.clone()
    images[turned] = 255 - images[turned]
    exchanged = dataclasses.replace(easy, train_images=images, test_images=255 - easy.test_images)
    assert linear_on_pixels(exchanged, range(4), recipe=RECIPE, execution=Execution()).top1 < 0.6


def test_the_same_seed_gives_the_same_result():
    glyphs = load(DataSpec(glyph_classes=4, glyphs_per_class=8))
    first, second = (
        linear_on_pixels(glyphs, (0, 2), recipe=RECIPE, execution=Execution(), rates=(0.001,)) for _ in range(2)
    )
    assert [epoch[:4] for epoch in first.curve] == [epoch[:4] for epoch in second.curve]


def test_rates_that_all_diverge_are_refused(easy):
    with pytest.raises(InputError, match="smaller"):
        linear_on_pixels(easy, range(4), recipe=RECIPE, execution=Execution(), rates=())
