"""The recipe of Yosinski et al. 2014: when the rate falls, what biases do, and what a network sees of an image."""

import math
from dataclasses import replace

import pytest
import torch

from fctransfer_utils.data.augment import augment, centre
from fctransfer_utils.data.image_set import Labelled
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.training import Execution, Pixels, Recipe, evaluate, train
from fctransfer_utils.training.learner import Learner
from fctransfer_utils.training.loop import CAFFE_STD, learning_rate

PAPERS = study_profile("transfer", "paper", "folder:imagenet").runs[0].recipe


def test_the_rate_falls_to_a_tenth_every_100_000_of_450_000_steps():
    steps = PAPERS.epochs * PAPERS.steps
    assert steps == 450_000
    for step, rate in [(0, 1e-2), (99_999, 1e-2), (100_000, 1e-3), (250_000, 1e-4), (399_999, 1e-5), (449_999, 1e-6)]:
        assert learning_rate(PAPERS, step, steps) == pytest.approx(rate)


def test_the_numbers_are_those_of_the_papers_solver():
    assert (PAPERS.batch_size, PAPERS.learning_rate, PAPERS.momentum, PAPERS.weight_decay) == (256, 0.01, 0.9, 5e-4)
    assert (PAPERS.crop, PAPERS.crop_padding, PAPERS.pixels, PAPERS.bias_rate) == (227, 0, "centred", 2.0)


def test_biases_learn_at_twice_the_rate_and_do_not_decay():
    net = build(NetSpec(width=12, dropout=0.0), classes=3, image_size=32, seed=0)
    recipe = Recipe(momentum=0.0, weight_decay=0.5, bias_rate=2.0)
    learner = Learner.of(net, 0, recipe, Execution())
    before = {name: value.detach().clone() for name, value in net.named_parameters()}
    gradients = {}
    learner.begin()
    for name, value in net.named_parameters():
        value.register_hook(lambda gradient, name=name: gradients.__setitem__(name, gradient.clone()))
    learner.step(torch.randn(8, 3, 32, 32), torch.arange(8) % 3, 0.1)
    for name, value in net.named_parameters():
        decay = 0.5 * before[name] if value.dim() > 1 else 0.0
        share = 1.0 if value.dim() > 1 else 2.0
        torch.testing.assert_close(before[name] - value, 0.1 * share * (gradients[name] + decay))


def test_a_random_crop_is_a_square_of_the_image_itself():
    images = torch.arange(2 * 3 * 12 * 12, dtype=torch.int32).reshape(2, 3, 12, 12)
    stream = torch.Generator().manual_seed(0)
    corners = set()
    for _ in range(200):
        out = augment(images, crop=10, flip=False, generator=stream)
        assert out.shape == (2, 3, 10, 10)
        for image, cropped in zip(images, out, strict=True):
            row, column = divmod(int(cropped[0, 0, 0] - image[0, 0, 0]), 12)
            assert torch.equal(cropped, image[:, row : row + 10, column : column + 10])
            corners.add((row, column))
    assert corners == {(row, column) for row in range(3) for column in range(3)}


def test_cropped_images_are_mirrored_where_that_makes_sense():
    image = torch.arange(36, dtype=torch.uint8).reshape(1, 1, 6, 6).expand(64, 3, 6, 6)
    out = augment(image, crop=6, flip=True, generator=torch.Generator().manual_seed(0))
    mirrored = (out == image.flip(3)).flatten(1).all(1)
    assert ((out == image).flatten(1).all(1) | mirrored).all()
    assert 10 < mirrored.sum() < 54


def test_it_is_tested_on_the_centre():
    images = torch.randint(0, 256, (6, 3, 40, 40), dtype=torch.uint8)
    assert torch.equal(centre(images, 32), images[:, :, 4:36, 4:36])
    net = build(NetSpec(width=12), classes=3, image_size=32, seed=0)
    labels, common = torch.arange(6) % 3, ((0.5,) * 3, (0.2,) * 3, Execution())
    whole = evaluate(net, Labelled(images, labels), pixels=Pixels.of(*common, crop=32))
    assert whole == evaluate(net, Labelled(images[:, :, 4:36, 4:36], labels), pixels=Pixels.of(*common))


def test_centred_pixels_keep_their_size():
    images = torch.full((1, 3, 4, 4), 200, dtype=torch.uint8)
    found = Pixels.of((0.4,) * 3, CAFFE_STD, Execution())(images)
    torch.testing.assert_close(found, torch.full((1, 3, 4, 4), 200.0 - 0.4 * 255), rtol=0, atol=1e-3)


def test_training_crops_and_centres_as_the_recipe_says():
    images = torch.randint(0, 256, (24, 3, 40, 40), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    part = Labelled(images, torch.arange(24) % 3)
    recipe = Recipe(epochs=2, batch_size=8, learning_rate=0.001, crop=32, crop_padding=0, pixels="centred")
    net = build(NetSpec(width=12, init="gaussian"), classes=3, image_size=32, seed=0)
    result = train(
        net, part, part, recipe=recipe, seed=0, flip=True, mean=(0.5,) * 3, std=(9.0,) * 3, execution=Execution()
    )
    again = evaluate(net, part, pixels=Pixels.of((0.5,) * 3, CAFFE_STD, Execution(), crop=32))
    assert math.isfinite(again[0])
    assert (result.curve[-1].test_loss, result.top1) == again


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"crop": 10}, "crop 10 and crop_padding 4"),
        ({"drop_every": 5}, "drop_every 5"),
        ({"pixels": "raw"}, "raw"),
        ({"bias_rate": -1.0}, "-1.0"),
        ({"crop": 300, "crop_padding": 0}, "300"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(change, named):
    with pytest.raises(InputError, match=named):
        replace(Recipe(), **change)


def test_a_crop_larger_than_the_images_is_refused():
    with pytest.raises(InputError, match="crop 48 is larger than the images of 40"):
        study_profile("transfer", "paper", "folder:imagenet", crop=48, image_size=40)
