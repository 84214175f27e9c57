"""Maps, boxes and retrieval on cases that one can work out, and against scikit-learn."""

import pytest
import torch
from sklearn.metrics import average_precision_score

from fctransfer_utils.analysis.places import boxes, descriptors, kept, mean_average_precision, overlap, spread
from fctransfer_utils.errors import InputError


def blob(top, left, side, size=8):
    """A map that is 1 on a square and 0 elsewhere."""
    made = torch.zeros(size, size)
    made[top : top + side, left : left + side] = 1
    return made


def test_a_flat_map_spreads_over_all_places_and_a_square_over_its_own():
    flat, quarter, one = torch.ones(8, 8), 3 * blob(0, 4, 4), blob(2, 2, 1)
    assert spread(torch.stack([flat, quarter, one])).tolist() == pytest.approx([1, 1 / 4, 1 / 64])


def test_values_below_zero_have_no_mass():
    with pytest.raises(InputError, match="-1"):
        spread(-torch.ones(1, 2, 2))


def test_the_largest_part_is_kept_and_corners_connect():
    two = blob(0, 0, 3) + blob(6, 6, 2)
    stairs = torch.eye(8)
    assert torch.equal(kept(torch.stack([two, stairs])), torch.stack([blob(0, 0, 3), stairs]).bool())


def test_a_map_without_a_brightest_place_is_kept_whole():
    assert kept(torch.ones(1, 4, 4)).all()


def test_the_box_of_a_square_lies_around_it():
    (box,) = boxes(blob(2, 4, 3)[None], size=8)
    assert box.tolist() == [4, 2, 7, 5]
    (large,) = boxes(blob(2, 4, 2)[None], size=64)
    assert overlap(large[None], torch.tensor([[32, 16, 48, 32]])).item() > 0.5


def test_overlap_has_its_textbook_values():
    first = torch.tensor([[0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 2]])
    second = torch.tensor([[0, 0, 2, 2], [1, 0, 3, 2], [2, 2, 4, 4]])
    assert overlap(first, second).tolist() == pytest.approx([1, 1 / 3, 0])


def test_descriptors_see_only_what_is_kept():
    channels = torch.stack([blob(1, 1, 2), 2 * blob(1, 1, 2)])  # (2, 8, 8)
    apart = channels.clone()
    apart[:, 7, 7] = 5  # bright, but not part of the largest part
    assert torch.allclose(descriptors(channels[None]), descriptors(apart[None]))
    assert descriptors(channels[None]).norm().item() == pytest.approx(1)


def test_retrieval_agrees_with_scikit_learn():
    chance = torch.Generator().manual_seed(0)
    x, labels = torch.randn(20, 6, generator=chance), torch.arange(20) % 4
    unit = x / x.norm(dim=1, keepdim=True)
    each = []
    for row in range(20):
        others = torch.arange(20) != row
        each.append(average_precision_score(labels[others] == labels[row], unit[others] @ unit[row]))
    assert mean_average_precision(x, labels) == pytest.approx(sum(each) / 20)


def test_a_class_of_one_image_has_nothing_to_find():
    with pytest.raises(InputError, match="one image"):
        mean_average_precision(torch.eye(3), torch.tensor([0, 0, 1]))
