"""Moved and mirrored images, against a slow reference that moves one pixel after another."""

import itertools

import numpy as np
import pytest
import torch

from fctransfer_utils.data.augment import augment, centre
from fctransfer_utils.errors import InputError

SIDE = 6


def noise(count=200, side=SIDE):
    return torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def chance(seed=1):
    return torch.Generator().manual_seed(seed)


def slow(image, down, right, mirrored):
    """``image`` (3, H, W) read from (down, right) on, edges repeated; mirrored within the window that is read."""
    height, width = image.shape[1:]
    found = np.empty((3, SIDE, SIDE), np.uint8)
    for row, column in itertools.product(range(SIDE), range(SIDE)):
        from_column = SIDE - 1 - column if mirrored else column
        source = min(max(row + down, 0), height - 1), min(max(from_column + right, 0), width - 1)
        found[:, row, column] = image[:, source[0], source[1]]
    return found


def moves(before, after, reach, mirrors):
    """How each image was moved: the one way in which the slow reference gives the same."""
    found = []
    for image, moved in zip(before.numpy(), after.numpy(), strict=True):
        ways = itertools.product(reach, reach, mirrors)
        fitting = [way for way in ways if np.array_equal(slow(image, *way), moved)]
        assert len(fitting) == 1
        found.append(fitting[0])
    return found


@pytest.mark.parametrize(
    ("side", "wishes", "reach", "mirrors"),
    [(SIDE, {"shift": 1, "flip": True}, range(-1, 2), (False, True)), (8, {"crop": SIDE}, range(3), (False,))],
    ids=["shift and flip", "crop"],
)
def test_every_image_is_moved_and_mirrored_in_its_own_way(side, wishes, reach, mirrors):
    before = noise(side=side)
    after = augment(before, **wishes, chance=chance())
    assert after.shape == (200, 3, SIDE, SIDE)
    found = moves(before, after, reach, mirrors)
    assert set(found) == set(itertools.product(reach, reach, mirrors))  # at most 18 ways for 200 images
    mirrored = sum(way[2] for way in found)
    assert abs(mirrored - 100 * (len(mirrors) - 1)) < 4 * 7  # four standard deviations of a fair coin


def test_without_a_wish_nothing_is_moved_and_nothing_is_drawn():
    stream = chance()
    before = noise(10)
    assert augment(before, chance=stream) is before
    assert torch.equal(stream.get_state(), chance().get_state())


def test_the_same_chance_moves_alike_and_the_layout_is_the_fast_one():
    one, again, other = (augment(noise(20), shift=2, chance=chance(seed)) for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.is_contiguous(memory_format=torch.channels_last)


def test_the_centre_is_the_middle_window():
    image = torch.arange(49).reshape(1, 1, 7, 7)
    assert centre(image, 3).flatten().tolist() == [16, 17, 18, 23, 24, 25, 30, 31, 32]
    assert centre(image, 0) is image


def test_a_window_larger_than_the_image_is_refused():
    with pytest.raises(InputError, match="window of 7 pixels"):
        augment(noise(2), crop=7, chance=chance())
