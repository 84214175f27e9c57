"""Images that are too many to copy behave as a tensor of them would, and are read when they are needed."""

import numpy as np
import pytest
import torch

from fctransfer_utils.data import rows as module
from fctransfer_utils.data.image_set import Labelled, build
from fctransfer_utils.data.rows import Rows, selected


@pytest.fixture
def images():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 255, (12, 3, 4, 4), dtype=np.uint8))


CHOSEN = torch.tensor([7, 2, 9, 2, 11])


def test_rows_are_what_a_copy_holds(images):
    rows, copy = Rows(images, CHOSEN), images[CHOSEN]
    assert (len(rows), rows.shape, rows.dtype, rows.nbytes) == (5, copy.shape, copy.dtype, copy.nbytes)
    assert torch.equal(rows[torch.tensor([4, 0])], copy[torch.tensor([4, 0])])
    assert torch.equal(rows[2], copy[2])
    assert torch.equal(rows.to("cpu"), copy)
    for ours, theirs in zip(rows.split(2), copy.split(2), strict=True):
        assert torch.equal(ours, theirs)


def test_a_slice_and_a_mask_read_nothing(images):
    rows, mask = Rows(images, CHOSEN), torch.tensor([True, False, True, True, False])
    for part, wanted in ((rows[::2], images[CHOSEN][::2]), (rows[mask], images[CHOSEN][mask])):
        assert isinstance(part, Rows)
        assert torch.equal(part.to("cpu"), wanted)


def test_only_what_would_not_fit_is_left_where_it_is(images, monkeypatch):
    assert torch.equal(selected(images, CHOSEN), images[CHOSEN])
    monkeypatch.setattr(module, "MOST_COPIED", images[CHOSEN].nbytes - 1)
    assert isinstance(selected(images, CHOSEN), Rows)


def test_selecting_classes_gives_the_same_images_either_way(images, monkeypatch):
    part = Labelled(images, torch.arange(12) % 3)
    made = build("made", train=part, test=part, class_ids="abc", class_names="abc", flip=True)
    options = {"per_class": 2, "seed": 3}
    copied = made.select([2, 0], **options)
    monkeypatch.setattr(module, "MOST_COPIED", 0)
    left = made.select([2, 0], **options)
    assert isinstance(left.images, Rows)
    assert torch.equal(left.images.to("cpu"), copied.images)
    assert torch.equal(left.labels, copied.labels)
