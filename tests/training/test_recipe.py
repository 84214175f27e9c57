"""The rate along the steps, and recipes that cannot be."""

import itertools
import math

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.training.recipe import PAPER, Recipe, best_rate, tried_rates


@pytest.mark.parametrize("warmup", [0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("total", [1, 2, 10, 997])
def test_the_rate_rises_to_its_peak_once_and_falls_in_a_straight_line(warmup, total):
    recipe = Recipe(warmup=warmup)
    rates = [recipe.rate(step, total) for step in range(total)]
    rising = round(warmup * total)
    assert all(0 < rate <= 1 for rate in rates)
    if rising < total:
        assert rates[rising] == 1
        assert math.fsum(rates) == pytest.approx((total + 1) / 2)  # two triangles of height 1, whatever the warm-up
    steps = [later - earlier for earlier, later in itertools.pairwise(rates)]
    assert steps[:rising] == pytest.approx([1 / (rising + 1)] * len(steps[:rising]))
    assert steps[rising:] == pytest.approx([-1 / max(total - rising, 1)] * len(steps[rising:]))


def test_the_papers_rate_is_divided_by_ten_after_every_hundred_thousand_batches():
    rates = [PAPER.rate(step, PAPER.steps) for step in (0, 99_999, 100_000, 199_999, 200_000, 449_999)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.0001])


@pytest.mark.parametrize(("images", "batch_size", "batches"), [(96, 32, 3), (97, 32, 4), (5, 32, 1)])
def test_every_image_is_seen_once_an_epoch(images, batch_size, batches):
    assert Recipe(batch_size=batch_size).batches(images) == batches


def test_steps_take_the_place_of_epochs():
    recipe = Recipe(batch_size=10, steps=100)
    assert [recipe.epochs_for(images) for images in (10, 100, 300)] == [100, 10, 4]
    assert Recipe(epochs=7).epochs_for(300) == 7


@pytest.mark.parametrize(
    "bad",
    [{"epochs": 0}, {"batch_size": 0}, {"momentum": 1.0}, {"learning_rate": -1.0}, {"learning_rate": math.nan},
     {"warmup": 1.0}, {"shift": -1}, {"weight_decay": -0.1}, {"steps": -1}],
    ids=str,
)  # fmt: skip
def test_a_recipe_that_cannot_be_names_the_value(bad):
    ((name, value),) = bad.items()
    with pytest.raises(InputError, match=f"{name} = {value}"):
        Recipe(**bad)


@pytest.mark.parametrize("peak", range(6))
def test_rates_are_tried_until_the_best_has_worse_ones_on_both_sides(peak):
    """Of a curve with one peak, wherever that lies and wherever the search begins, the peak is found."""
    ladder = [10.0**-k for k in range(6)]
    for first in range(6):
        scores = tried_rates(lambda rate: -abs(ladder.index(rate) - peak), [ladder[first]], ladder)
        assert best_rate(scores) == ladder[peak]
        assert {*ladder[max(peak - 1, 0) : peak + 2]} <= {*scores}


def test_of_equal_rates_the_lowest_is_best():
    assert best_rate({0.1: 0.5, 0.01: 0.5, 0.001: 0.4}) == 0.01
