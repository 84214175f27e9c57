"""The learning rate is found by a stated search that never sees the test images."""

from dataclasses import replace

import pytest
import torch
from made_images import stripes

from fctransfer_utils.data.image_set import Labelled, build
from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec
from fctransfer_utils.training import Execution, Recipe
from fctransfer_utils.training.learning_rate import Trial, best, hold_out, search


def image_set():
    return build(
        "stripes", train=stripes(80), test=stripes(8, seed=1), class_ids="abcd", class_names="abcd", flip=False
    )


def test_the_search_prefers_a_rate_that_learns_and_does_not_look_at_the_test_images():
    grid = {"net": NetSpec(width=12, dropout=0.0), "execution": Execution("cpu"), "grid": (1e-6, 0.02)}
    recipe = Recipe(epochs=4, batch_size=16, crop_padding=0)
    images = image_set()
    trials = search(images, (0, 1, 2, 3), recipe=recipe, **grid)
    assert [trial.learning_rate for trial in trials] == [1e-6, 0.02]
    assert best(trials).learning_rate == 0.02
    blind = replace(images, test_images=images.test_images[:0], test_labels=images.test_labels[:0])
    assert search(blind, (0, 1, 2, 3), recipe=recipe, **grid) == trials


def test_holding_out_takes_a_share_of_every_class_and_no_image_twice():
    part = Labelled(torch.arange(80, dtype=torch.uint8)[:, None], torch.arange(80) % 4)
    learn, judge = hold_out(part, seed=0)
    assert judge.labels.bincount().tolist() == [2, 2, 2, 2]
    assert sorted(torch.cat([learn.images, judge.images]).flatten().tolist()) == list(range(80))


def test_ties_go_to_the_smaller_rate_and_diverged_rates_never_win():
    trials = [Trial(0.1, 0.9, 1.0, True), Trial(0.02, 0.5, 1.0, False), Trial(0.01, 0.5, 1.0, False)]
    assert best(trials).learning_rate == 0.01
    with pytest.raises(InputError, match="diverged"):
        best(trials[:1])


def test_too_few_images_and_an_empty_grid_are_refused():
    with pytest.raises(InputError, match="at least 2"):
        hold_out(Labelled(torch.zeros(2, 3, 4, 4), torch.tensor([0, 1])), seed=0)
    with pytest.raises(InputError, match="grid"):
        search(image_set(), (0, 1), net=NetSpec(), recipe=Recipe(), execution=Execution("cpu"), grid=())
