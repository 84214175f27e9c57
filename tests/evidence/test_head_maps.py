"""What the last maps of heads show, beside maps and boxes that look at nothing."""

from dataclasses import replace

import pytest
import torch
from made_studies import SIZE, tiny

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.evidence import head_maps
from fctransfer_utils.experiments.head_studies import HEADS, head_sizes
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.training.recipe import Recipe

torch.set_num_threads(1)
RECIPES = dict.fromkeys(HEADS, Recipe(steps=2, batch_size=8))


def small():
    made = head_sizes("smoke")
    return replace(made, source=replace(made.source, data=DataSpec(size=SIZE), per_class=4))


def test_every_map_has_its_measures_in_every_replicate(tmp_path):
    found = head_maps.measured(small(), [1, 2], Store(tmp_path), recipes=RECIPES, count=8, load=tiny)
    assert found["top1"].between(0, 1).all()
    assert (found.groupby("replicate").size() == 3 * 5 + 4 + 1 + 2).all()  # heads, nothing learnt, whole, centre
    wide = found.pivot(index=["replicate", "treatment"], columns="measure", values="top1")
    assert (wide["box"].xs("whole picture", level=1) == 0).all()  # no object fills half of a scene
    again = head_maps.measured(small(), [1], Store(tmp_path), recipes=RECIPES, count=8, load=tiny)
    assert again.equals(found[found["replicate"] == 1].reset_index(drop=True))
    with pytest.raises(InputError, match="0 "):
        head_maps.measured(small(), [1], Store(tmp_path), recipes=RECIPES, count=0, load=tiny)


def test_a_map_points_into_the_box_that_holds_its_brightest_place():
    maps = torch.zeros(2, 8, 8)
    maps[:, 1, 6] = 1  # pixels 48 to 56 from the left, 8 to 16 from the top
    boxes = torch.tensor([[46, 6, 58, 18], [6, 46, 18, 58]])
    assert head_maps.pointed(maps, boxes).tolist() == [True, False]
