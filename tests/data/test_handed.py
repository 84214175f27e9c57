"""Images that one process hands to others are the same set, and are mapped, not read."""

from dataclasses import fields

import pytest
import torch

from fctransfer_utils.data.handed import TENSORS, hand, handed, is_handed
from fctransfer_utils.data.image_set import ImageSet
from fctransfer_utils.data.rows import Rows
from fctransfer_utils.data.sources import load
from fctransfer_utils.data.spec import DataSpec


@pytest.fixture
def images():
    return load(DataSpec(glyph_classes=6, glyphs_per_class=4))


def test_what_is_handed_on_is_the_same_set(images, tmp_path):
    hand(images, tmp_path / "set")
    found = handed(tmp_path / "set")
    assert isinstance(found, ImageSet)
    for each in fields(ImageSet):
        mine, theirs = getattr(images, each.name), getattr(found, each.name)
        assert torch.equal(mine, theirs) if each.name in TENSORS else mine == theirs, each.name
    assert found.groups


def test_what_is_written_to_a_handed_set_reaches_nobody_else(images, tmp_path):
    hand(images, tmp_path / "set")
    found = handed(tmp_path / "set")
    found.train_images.zero_()
    assert torch.equal(handed(tmp_path / "set").train_images, images.train_images)


def test_images_that_are_read_batch_by_batch_are_not_handed_on(images):
    assert is_handed(images)
    rows = Rows(images.train_images, torch.arange(3))
    assert not is_handed(ImageSet(**{**vars(images), "train_images": rows}))


def test_a_place_without_room_is_an_error_of_the_disk(images, tmp_path):
    with pytest.raises(OSError, match="(?i)no such file"):
        hand(images, tmp_path / "missing" / "set")
