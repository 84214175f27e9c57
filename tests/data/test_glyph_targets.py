"""What is known of a glyph image is what can be seen in it."""

import numpy as np
import pytest
import torch

from fctransfer_utils.data.glyph_classes import CHARACTERS, LETTERS
from fctransfer_utils.data.glyph_render import Bank, Difficulty, render_images
from fctransfer_utils.data.glyph_targets import ATTRIBUTES, WIDE, render_targets
from fctransfer_utils.data.variants import degraded, resized
from fctransfer_utils.errors import InputError

CLEAN = Difficulty(
    scale=(0.3, 0.7), stretch=0.0, shear=0.0, turn=0.4, shift=0.15, contrast=(180, 181), texture=0, noise=0, fragments=0
)


def inked(images):
    """Where the glyph is, (N, S, S) in 0..1: the distance from the corner's colour."""
    away = (images.float() - images[:, :, :1, :1].float()).abs().sum(1)
    return away / away.amax((1, 2), keepdim=True)


def test_the_same_images_whether_or_not_places_are_asked():
    bank, labels, places = Bank(CHARACTERS[:5], 32), np.arange(70) % 5, np.zeros((70, 6))
    plain = render_images(labels, bank, seed=4, part="train")
    assert np.array_equal(plain, render_images(labels, bank, seed=4, part="train", places=places))
    assert (places[:, :4] != 0).any(axis=1).all()


def test_centre_size_and_rotation_are_those_of_the_picture():
    """A long arrow: its ink has a centre, a length, and a main axis that turns with it."""
    made = render_targets("→", count=40, image_size=64, seed=1, part="train", difficulty=CLEAN)
    ink = inked(made.images)
    grid = (torch.arange(64) + 0.5) / 64 - 0.5
    mass = ink.sum((1, 2))
    right, down = (ink * grid).sum((1, 2)) / mass, (ink * grid[:, None]).sum((1, 2)) / mass
    x, y = grid - right[:, None, None], grid[:, None] - down[:, None, None]
    xx, yy, xy = ((ink * moment).sum((1, 2)) / mass for moment in (x * x, y * y, x * y))
    angle = torch.rad2deg(torch.atan2(2 * xy, xx - yy) / 2)  # clockwise, since y points down
    assert np.corrcoef(angle, made.rotation)[0, 1] > 0.99
    assert (angle - made.rotation).abs().mean() < 4
    assert np.corrcoef(right, made.right)[0, 1] > 0.97
    assert np.corrcoef(down, made.down)[0, 1] > 0.97
    assert np.corrcoef((xx + yy).sqrt(), made.size)[0, 1] > 0.95
    assert made.rotation.abs().max() < 45
    assert made.size.min() >= 0.3
    assert made.size.max() <= 0.7


def test_targets_are_deterministic_and_parts_differ():
    ask = {"count": 30, "image_size": 32, "seed": 2}
    first, again, other = (render_targets(LETTERS["latin"][:6], part=p, **ask) for p in ("train", "train", "test"))
    assert torch.equal(first.images, again.images)
    assert torch.equal(first.rotation, again.rotation)
    assert not torch.equal(first.images, other.images)
    assert first.labels.tolist() == [i % 6 for i in range(30)]


def test_attributes_say_what_the_numbers_say_and_none_is_rare():
    made = render_targets(LETTERS["latin"], count=400, image_size=32, seed=0, part="train")
    held = made.attributes()
    assert held.shape == (400, len(ATTRIBUTES))
    assert torch.equal(held[:, 0] == 1, made.rotation > 0)
    assert torch.equal(held[:, 2] == 1, made.right < 0)
    assert ((held.mean(0) > 0.4) & (held.mean(0) < 0.6)).all()
    assert made.quantity("size").shape == (400, 1)
    assert sum(WIDE.scale) / 2 == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"characters": "AI"}, "'I' is no class of the glyphs"),
        ({"characters": ""}, "no character is given"),
        ({"count": 0}, "count = 0"),
        ({"part": "val"}, "unknown part 'val'"),
    ],
)
def test_bad_input_is_named(change, words):
    with pytest.raises(InputError, match=words):
        render_targets(**{"characters": "A", "count": 2, "image_size": 32, "seed": 0, "part": "train"} | change)


def test_an_unknown_quantity_is_named():
    with pytest.raises(InputError, match="unknown quantity 'colour'; allowed: rotation, size"):
        render_targets("A", count=1, image_size=32, seed=0, part="train").quantity("colour")


def test_resizing_keeps_flat_images_and_halves_of_them():
    images = torch.zeros(3, 3, 16, 16, dtype=torch.uint8)
    images[..., 8:] = 200
    small = resized(images, 8)
    assert small.shape == (3, 3, 8, 8)
    assert small.dtype == torch.uint8
    assert (small[..., :3] == 0).all()
    assert (small[..., 5:] == 200).all()
    assert resized(images, 16) is images
    with pytest.raises(InputError, match="size = 0"):
        resized(images, 0)


def test_degraded_images_have_less_contrast_and_more_noise():
    images = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    images[..., 32:] = 255
    worse = degraded(images, seed=0).float()
    left, right = worse[..., :32], worse[..., 32:]
    assert (right.mean() - left.mean()).item() == pytest.approx(0.6 * 255, rel=0.03)
    assert left.std().item() == pytest.approx(24, rel=0.1)
    assert torch.equal(degraded(images, seed=0), degraded(images, seed=0))
    for bad in ({"contrast": 0.0}, {"noise": -1.0}):
        with pytest.raises(InputError, match="give a contrast in 0..1 and noise from 0 on"):
            degraded(images, seed=0, **bad)
