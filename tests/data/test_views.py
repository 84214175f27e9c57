"""Views: the same images in one channel, with the tones as they are or turned round."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fctransfer_utils.data import DataSpec, load, make_split
from fctransfer_utils.data.image_set import channel_statistics
from fctransfer_utils.data.variants import viewed
from fctransfer_utils.errors import InputError

GLYPHS = DataSpec(glyph_classes=6, glyphs_per_class=4)


def rgb(*pixels: tuple[int, int, int]) -> torch.Tensor:
    """A row of pixels as an image (1, 3, 1, W)."""
    return torch.tensor(pixels, dtype=torch.uint8).T[None, :, None, :].contiguous()


def test_grey_is_the_rounded_luminance_and_inverted_the_rest_to_white() -> None:
    colours = rgb((255, 255, 255), (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (10, 20, 30))
    grey = [255, 0, 76, 150, 29, 18]  # 76.245, 149.685, 29.07, 18.15
    assert viewed(colours, "grey")[0, :, 0].tolist() == [grey] * 3
    assert viewed(colours, "inverted")[0, :, 0].tolist() == [[255 - value for value in grey]] * 3


def test_grey_agrees_with_pillow() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).convert("L")).astype(int)
    found = viewed(torch.from_numpy(image).permute(2, 0, 1)[None], "grey")[0, 0].numpy()
    assert np.abs(found - expected).max() <= 1
    assert (found == expected).mean() > 0.99


def test_grey_images_stay_and_images_in_many_batches_are_all_seen() -> None:
    images = torch.randint(0, 256, (1203, 1, 2, 2), dtype=torch.uint8).repeat(1, 3, 1, 1)
    assert torch.equal(viewed(images, "grey"), images)
    assert torch.equal(viewed(viewed(images, "inverted"), "inverted"), images)
    assert viewed(images, "") is images


@pytest.mark.parametrize("view", ["grey", "inverted"])
def test_a_viewed_set_has_other_pixels_and_statistics_but_the_same_classes_and_splits(view: str) -> None:
    plain, shown = load(GLYPHS), load(replace(GLYPHS, view=view))
    assert torch.equal(shown.train_images, viewed(plain.train_images, view))
    assert torch.equal(shown.test_images, viewed(plain.test_images, view))
    assert (shown.mean, shown.std) == channel_statistics(shown.train_images.numpy())
    assert len(set(shown.mean)) == 1
    assert shown.fingerprint != plain.fingerprint
    for name in ("name", "image_size", "class_ids", "class_names", "flip", "groups"):
        assert getattr(shown, name) == getattr(plain, name)
    assert torch.equal(shown.test_labels, plain.test_labels)
    assert make_split("random0", shown) == make_split("random0", plain)


def test_a_folder_of_photographs_is_viewed_too_and_its_decoded_copy_stays(image_folder: Path) -> None:
    spec = DataSpec(f"folder:{image_folder}")
    before = load(spec)
    shown = load(replace(spec, view="inverted"))
    assert torch.equal(shown.train_images, viewed(before.train_images, "inverted"))
    assert not torch.equal(shown.train_images, before.train_images)
    assert shown.flip
    assert load(spec).fingerprint == before.fingerprint


def test_the_empty_view_changes_nothing() -> None:
    assert load(replace(GLYPHS, view="")).fingerprint == load(GLYPHS).fingerprint


def test_an_unknown_view_is_refused() -> None:
    with pytest.raises(InputError, match="unknown view 'gray'; allowed: grey, inverted. Did you mean 'grey'"):
        DataSpec(view="gray")
    with pytest.raises(InputError, match="unknown view 'infrared'"):
        viewed(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), "infrared")
