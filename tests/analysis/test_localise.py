"""Boxes from the last convolution: what SCDA keeps, what its box is, and how a fit is scored."""

import numpy as np
import pytest

from fctransfer_utils.analysis import localise
from fctransfer_utils.errors import InputError


def picture(*rows):
    """A heat map (1, h, w) drawn with # for 1 and . for 0."""
    return np.array([[[float(cell == "#") for cell in row] for row in rows]])


TWO = picture(
    "##....",
    "##....",
    "..###.",
    "..###.",
    "......",
    "....#.",
)


def test_the_largest_component_is_kept_and_its_box_covers_its_cells():
    masks = localise.component_masks(TWO, connectivity=4)
    assert masks.sum() == 6
    assert masks[0, 2:4, 2:5].all()
    assert localise.boxes_of(masks)[0] == pytest.approx([2 / 6, 2 / 6, 5 / 6, 4 / 6])


def test_with_eight_neighbours_corners_hang_together():
    masks = localise.component_masks(TWO)
    assert masks.sum() == 10  # the squares touch at a corner, the single cell touches nothing
    assert localise.boxes_of(masks)[0] == pytest.approx([0, 0, 5 / 6, 4 / 6])


def test_channels_are_summed_before_the_threshold():
    maps = np.zeros((1, 2, 4, 4))
    maps[0, 0, 0, 0] = 3.0
    maps[0, 1, 0, 1] = 2.0
    assert localise.scda_boxes(maps, side=0)[0] == pytest.approx([0, 0, 0.5, 0.25])


def test_neither_scale_nor_an_offset_changes_the_box():
    heat = np.random.default_rng(0).random((6, 8, 8))
    assert (localise.scda_boxes(heat) == localise.scda_boxes(5 * heat + 2)).all()


def test_a_mirrored_map_has_the_mirrored_box():
    heat = np.random.default_rng(1).random((6, 8, 8))
    left, top, right, bottom = localise.scda_boxes(heat).T
    assert localise.scda_boxes(heat[:, :, ::-1]) == pytest.approx(np.stack([1 - right, top, 1 - left, bottom], axis=1))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.7])
def test_a_constant_map_points_nowhere_and_keeps_everything(value):
    assert localise.scda_boxes(np.full((1, 5, 8, 8), value)).tolist() == [[0, 0, 1, 1]]


def test_enlarging_keeps_values_in_their_places():
    heat = np.random.default_rng(2).random((3, 8, 8))
    large = localise.enlarged(heat, 24)
    assert large[:, 1::3, 1::3] == pytest.approx(heat)  # the middle pixel of each cell
    assert localise.enlarged(np.full((1, 8, 8), 4.0)) == pytest.approx(np.full((1, 64, 64), 4.0))
    assert localise.enlarged(heat, 0) is heat
    with pytest.raises(InputError, match="side -1 is negative"):
        localise.enlarged(heat, -1)


def test_cells_are_coarse_as_the_module_says():
    off = np.array([[1 / 16, 1 / 16, 9 / 16, 9 / 16]])  # half the side, half a cell off the grid
    covering = np.zeros((1, 8, 8), dtype=bool)
    covering[0, :5, :5] = True
    assert localise.iou(localise.boxes_of(covering), off)[0] == pytest.approx(0.64)


def test_iou_by_hand():
    known = np.array([[0, 0, 0.5, 0.5]] * 4)
    boxes = np.array([[0, 0, 0.5, 0.5], [0.25, 0, 0.75, 0.5], [0, 0, 1, 1], [0.5, 0.5, 1, 1]])
    assert localise.iou(boxes, known) == pytest.approx([1, 1 / 3, 1 / 4, 0])
    assert localise.iou(known, boxes) == pytest.approx(localise.iou(boxes, known))


def test_shares_count_images_strictly_above():
    found = localise.shares_above(np.array([0.2, 0.5, 0.51, 0.9]))
    assert found["threshold"].tolist() == [0.35, 0.5, 0.7]
    assert found["share"].tolist() == [0.75, 0.5, 0.25]
    assert set(found["images"]) == {4}


def test_baselines_look_at_no_map():
    known = np.array([[0.1, 0.2, 0.5, 0.4], [0.3, 0.3, 0.9, 0.9]])
    assert localise.iou(localise.whole_boxes(2), known) == pytest.approx([0.08, 0.36])
    assert localise.centred_boxes(known) == pytest.approx(np.array([[0.25, 0.3, 0.75, 0.7]] * 2))


@pytest.mark.parametrize("shape", [(2, 3, 3, 8), (2, 3, 1, 1), (2, 1, 1), (2, 3, 3)])
def test_a_map_below_four_cells_a_side_is_too_small(shape):
    with pytest.raises(InputError, match="too small for SCDA"):
        localise.scda_boxes(np.ones(shape))


def test_what_is_no_map_is_refused():
    with pytest.raises(InputError, match=r"maps of shape \(8, 8\) are none"):
        localise.scda_boxes(np.ones((8, 8)))
    with pytest.raises(InputError, match="not finite"):
        localise.scda_boxes(np.full((1, 8, 8), np.nan))
    with pytest.raises(InputError, match="unknown connectivity 6; allowed: 4, 8"):
        localise.component_masks(TWO, connectivity=6)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        (None, "boxes are missing"),
        (np.zeros((0, 4)), "boxes of shape"),
        (np.zeros((2, 3)), "boxes of shape"),
        ([[0, 0, 1, 1]], "there are 2 images and 1 boxes"),
        ([[0, 0, 1, 1], [0.6, 0, 0.4, 1]], "box 1 is"),
        ([[0, 0.5, 1, 0.5], [0, 0, 1, 1]], "box 0 is"),
        ([[0, 0, 1, 1.2], [0, 0, 1, 1]], "box 0 is"),
    ],
)
def test_boxes_that_are_none_are_refused(known, message):
    with pytest.raises(InputError, match=message):
        localise.iou(localise.whole_boxes(2), known)


def test_no_image_and_a_threshold_that_is_none_are_refused():
    with pytest.raises(InputError, match="no image has a box"):
        localise.shares_above(np.array([]))
    with pytest.raises(InputError, match="threshold 1 is outside"):
        localise.shares_above(np.array([0.5]), [1])
    with pytest.raises(InputError, match="a mask keeps no place"):
        localise.boxes_of(np.zeros((1, 4, 4), dtype=bool))
