"""The steps end in the images of the data set; what is shown on the way is how they came about."""

from itertools import pairwise

import numpy as np
import pytest

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data.glyph_steps import STEPS, steps
from fctransfer_utils.errors import InputError

SMALL = DataSpec(glyph_classes=6, glyphs_per_class=3)


@pytest.mark.parametrize("spec", [SMALL, DataSpec(glyph_classes=80, glyphs_per_class=1, glyphs_seed=2)])
@pytest.mark.parametrize("part", ["train", "test"])
def test_the_last_step_is_the_data_set(spec, part):
    made, images = steps(spec, part=part), load(spec)
    last = made["with noise"]
    assert tuple(made) == STEPS
    assert np.array_equal(last, getattr(images, f"{part}_images")[: len(last)].numpy())


def test_each_step_adds_something_to_the_one_before():
    made = steps(SMALL)
    assert len({image.shape for image in made.values()}) == 1
    pictures = [made[name].astype(int) for name in STEPS]
    assert all(np.abs(after - before).max() > 0 for before, after in pairwise(pictures))


def test_noise_is_the_smallest_change():
    made = {name: image.astype(int) for name, image in steps(SMALL).items()}
    noise = np.abs(made["with noise"] - made["with glyph"]).max()
    assert noise <= 40 < np.abs(made["with glyph"] - made["with pieces"]).max()


def test_photographs_have_no_steps():
    with pytest.raises(InputError, match="tiny-imagenet"):
        steps(DataSpec(name="tiny-imagenet"))
