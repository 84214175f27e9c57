"""The halves of Yosinski et al. 2014 on a tree of ImageNet, class by class."""

import numpy as np
import pytest

from fctransfer_utils.course.scale import PAPERS_FIRST
from fctransfer_utils.data import make_split
from fctransfer_utils.data.outline import IMAGENET, outline
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.data.wnids import IMAGENET_WNIDS


@pytest.mark.parametrize("seed", range(4))
def test_the_four_random_halves_are_the_published_ones(images, seed):
    split = make_split(f"random{seed}", images)
    published = np.random.RandomState([seed]).choice(np.arange(1000), 500, replace=False)
    assert split.halves["A"] == tuple(sorted(published))
    assert split.halves["A"][:8] == PAPERS_FIRST[f"random{seed}"]
    assert sorted(split.halves["A"] + split.halves["B"]) == list(range(1000))


def test_natural_and_man_made_classes_are_the_published_ones(images):
    split = make_split("natural-manmade", images)
    natural = [*range(398), *range(936, 959), 970, *range(972, 999)]
    assert list(split.halves["A"]) == natural
    assert (len(split.halves["A"]), len(split.halves["B"])) == (449, 551)
    assert IMAGENET_WNIDS[split.halves["B"][0]] == "n02666196"  # abacus, the first artifact


@pytest.mark.parametrize("name", ["random0", "random3", "natural-manmade"])
def test_a_split_is_known_before_an_image_is_opened(images, tree, name):
    loaded = make_split(name, images)
    assert make_split(name, outline(DataSpec(tree.data))) == loaded
    assert make_split(name, IMAGENET) == loaded
