from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import torch

from fctransfer_utils.data import DataSpec, batches, load
from fctransfer_utils.data import glyph_render as renderer
from fctransfer_utils.data.glyph_classes import CHARACTERS, LETTERS, SYMBOLS, groups
from fctransfer_utils.data.glyph_fonts import FONTS, fonts_with, mask
from fctransfer_utils.data.glyphs import TEST_PER_CLASS, render
from fctransfer_utils.data.image_set import ImageSet
from fctransfer_utils.errors import InputError

SMALL = DataSpec(glyph_classes=20, glyphs_per_class=8)


@pytest.fixture(scope="module")
def small() -> ImageSet:
    return render(SMALL)


def test_there_are_at_least_200_classes_in_named_groups() -> None:
    assert len(CHARACTERS) == len(set(CHARACTERS)) >= 200
    named = groups(len(CHARACTERS))
    assert {"latin", "greek", "cyrillic", "digits", "arrows", "geometric shapes", "dingbats"} <= set(named)
    assert sum(len(named[name]) for name in (*LETTERS, *SYMBOLS)) == len(CHARACTERS)
    assert sorted(named["letters"] + named["symbols"]) == list(range(len(CHARACTERS)))


def test_scripts_hold_their_own_letters() -> None:
    for script, characters in LETTERS.items():
        assert all(unicodedata.name(character).startswith(script.upper()) for character in characters)


@pytest.mark.parametrize("classes", [10, 50, 100])
def test_the_first_classes_are_half_letters_half_symbols_of_many_groups(classes: int) -> None:
    named = groups(classes)
    assert len(named["letters"]) == len(named["symbols"]) == classes // 2
    assert len(named) >= min(classes, 15)


def test_every_character_really_exists_in_at_least_five_fonts() -> None:
    fonttools = pytest.importorskip("fontTools.ttLib", reason="reads the character maps a second way")
    import matplotlib

    folder = matplotlib.get_data_path() + "/fonts/ttf/"
    tables = [fonttools.TTFont(f"{folder}{name}.ttf", lazy=True) for name in FONTS]
    maps = [table.getBestCmap() for table in tables]
    for character in CHARACTERS:
        found = fonts_with(character)
        assert len(found) >= 5
        for font in found:
            assert maps[font][ord(character)] != ".notdef"
            assert mask(font, character, 32).mean() > 4


def test_no_two_classes_look_alike() -> None:
    """Masks of any two fonts, blurred and shifted by up to a pixel, never correlate as those of A and Alpha do."""
    stacks = [
        np.stack([mask(font, character, 20) for font in fonts_with(character)]) for character in (*CHARACTERS, "Α")
    ]
    owners = torch.tensor([index for index, stack in enumerate(stacks) for _ in stack])
    pixels = torch.from_numpy(np.concatenate(stacks)).float()[:, None] / 255
    blurred = torch.nn.functional.avg_pool2d(torch.nn.functional.pad(pixels, (4,) * 4), 3, stride=1)[:, 0]
    best = torch.full((len(pixels), len(pixels)), -1.0)
    for shift in [(0, 0), (0, 1), (1, 0), (1, 1), (1, -1)]:
        best = torch.maximum(best, _unit(blurred) @ _unit(torch.roll(blurred, shift, (1, 2))).T)
    best = torch.maximum(best, best.T)
    pairs = torch.full((len(stacks), len(best)), -1.0).scatter_reduce(0, owners[:, None].expand_as(best), best, "amax")
    pairs = torch.full((len(stacks),) * 2, -1.0).scatter_reduce(1, owners.expand(len(stacks), -1), pairs, "amax")
    pairs.fill_diagonal_(-1)
    assert pairs[-1, CHARACTERS.index("A")] > 0.999, "Greek Alpha is Latin A"
    assert pairs[:-1, :-1].max() < 0.96


def _unit(images: torch.Tensor) -> torch.Tensor:
    centred = images.flatten(1) - images.flatten(1).mean(1, keepdim=True)
    return centred / centred.norm(dim=1, keepdim=True)


def test_a_mask_is_the_filled_outline() -> None:
    square, ring = (mask(0, character, 32).astype(float) / 255 for character in "■○")
    assert square.mean() > 0.95
    assert ring[16, 16] == ring[0, 0] == 0
    assert ring[16].max() == 1
    wide = mask(0, "≡", 32)
    assert wide[0].max() == 0, "the longer side fills the square, the shorter is centred"
    assert (wide > 0)[:, 16].sum() == pytest.approx((wide[::-1] > 0)[:, 16].sum(), abs=1)


def test_images_are_what_a_data_set_needs(small: ImageSet) -> None:
    assert small.train_images.shape == (160, 3, 32, 32)
    assert small.train_images.dtype == torch.uint8
    assert small.train_labels.bincount().tolist() == [8] * 20
    assert small.test_labels.bincount().tolist() == [TEST_PER_CLASS] * 20
    assert small.class_ids == CHARACTERS[:20]
    assert small.class_names[0] == "latin capital letter a"
    assert not small.flip
    assert all(0.4 < value < 0.6 for value in small.mean)


@pytest.mark.parametrize("size", [32, 64])
def test_any_image_size(size: int) -> None:
    spec = DataSpec(image_size=size, glyph_classes=4, glyphs_per_class=1)
    assert render(spec).train_images.shape == (4, 3, size, size)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(small: ImageSet) -> None:
    assert render(SMALL).fingerprint == small.fingerprint
    assert not (render(replace(SMALL, glyphs_seed=1)).train_images == small.train_images).all((1, 2, 3)).any()


def test_train_and_test_images_come_from_different_streams(small: ImageSet) -> None:
    assert not (small.test_images[:160] == small.train_images).all((1, 2, 3)).any()


def test_the_bytes_do_not_depend_on_the_number_of_threads(small: ImageSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches.os, "cpu_count", lambda: 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        assert render(SMALL).fingerprint == small.fingerprint
    finally:
        torch.set_num_threads(before)


def test_the_bytes_are_the_pinned_ones() -> None:
    """Breaks if matplotlib's fonts, numpy's Philox or the renderer change; not with machine, torch, Pillow or FreeType.

    If it breaks on purpose, every record made from glyphs belongs to the old bytes: renew figures/data with it.
    """
    images = renderer.render_images(np.arange(len(CHARACTERS)), renderer.Bank(CHARACTERS, 32), seed=0, part="train")
    assert (
        hashlib.sha256(images.tobytes()).hexdigest()
        == "37d074d9cb1792c368a0944249d71f749957bb8c156292d6f63c451d36a07477"
    )


def test_more_images_per_class_continue_the_same_sequence() -> None:
    few, many = (DataSpec(glyph_classes=16, glyphs_per_class=count) for count in (8, 12))
    assert (render(many).train_images[: 8 * 16] == render(few).train_images).all()


def test_a_warp_by_nothing_gives_back_the_mask() -> None:
    bank = renderer.Bank("A", 32)
    which = np.zeros(1, dtype=np.int64)
    still = renderer.warp(bank, which, np.eye(2)[None], np.zeros((1, 2)))[0]
    assert np.abs(still - bank.masks[0, 1:-1, 1:-1].astype(int)).max() <= 1
    moved = renderer.warp(bank, which, np.eye(2)[None], np.array([[0.25, 0.0]]))[0]
    assert (moved[:, 8:] == still[:, :-8]).all()
    assert not moved[:, :8].any()


def test_a_turned_glyph_is_the_warp_of_its_turned_coordinates() -> None:
    """Against torch's own bilinear sampling, to one grey level of 256 and rounding."""
    bank = renderer.Bank("g", 32)
    draws = batches.Draws(np.random.Philox(3).random_raw(6 * 7).reshape(6, 7))
    inverse, centre = renderer.drawn_place(draws, 0.1, renderer.DEFAULT, scale=(0.5, 0.8))
    warped = renderer.warp(bank, np.zeros(6, dtype=np.int64), inverse, centre) / 256
    theta = torch.cat([torch.from_numpy(inverse), torch.zeros(6, 2, 1)], 2)
    theta[:, :, 2] = -(torch.from_numpy(inverse) @ torch.from_numpy(2 * centre)[:, :, None])[:, :, 0]
    grid = torch.nn.functional.affine_grid(theta, [6, 1, 32, 32], align_corners=False)
    plain = torch.from_numpy(bank.masks[0, 1:-1, 1:-1] / 255).expand(6, 1, 32, 32)
    expected = torch.nn.functional.grid_sample(plain, grid, align_corners=False)[:, 0].numpy()
    assert np.abs(warped - expected).max() < 0.02


def test_colours_keep_the_wanted_contrast() -> None:
    wanted = renderer.DEFAULT
    draws = batches.Draws(np.random.Philox(0).random_raw(500 * 8).reshape(500, 8))
    background, glyph = (colour @ np.array([77, 151, 28]) / 256 for colour in renderer.colours(draws, wanted))
    distance = np.abs(background - glyph)
    assert distance.min() > wanted.contrast[0] - 2
    assert distance.max() < wanted.contrast[1] + 2
    assert 0.4 < (background > glyph).mean() < 0.6


def test_a_linear_classifier_on_pixels_stays_far_below_40_percent() -> None:
    """Ridge regression to the one-hot labels, the best of three strengths."""
    images = render(DataSpec(glyph_classes=50, glyphs_per_class=40))
    train, test = (x.flatten(1).float() / 127.5 - 1 for x in (images.train_images, images.test_images))
    targets = torch.nn.functional.one_hot(images.train_labels).float()
    gram = train @ train.T
    best = 0.0
    for strength in (1e2, 1e3, 1e4):
        weights = train.T @ torch.linalg.solve(gram + strength * torch.eye(len(gram)), targets)
        best = max(best, float(((test @ weights).argmax(1) == images.test_labels).double().mean()))
    assert 0.02 < best < 0.4


def test_a_network_learns_them() -> None:
    """Far above chance and above a linear classifier in seconds: 5 classes, 5 convolutions, no tuning."""
    images = render(DataSpec(glyph_classes=5, glyphs_per_class=100))
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        *(
            layer
            for a, b in ((3, 16), (16, 32), (32, 32))
            for layer in (torch.nn.Conv2d(a, b, 3, stride=2), torch.nn.ReLU())
        ),
        torch.nn.Flatten(),
        torch.nn.Linear(32 * 9, 5),
    )
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(12):
        for index in torch.randperm(len(images.train_labels)).split(50):
            loss = torch.nn.functional.cross_entropy(
                net(images.train_images[index] / 127.5 - 1), images.train_labels[index]
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        found = net(images.test_images / 127.5 - 1).argmax(1)
    assert (found == images.test_labels).float().mean() > 0.6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"glyph_classes": len(CHARACTERS) + 1}, f"there are {len(CHARACTERS)} characters in glyphs; choose 2"),
        ({"name": "glyph-places", "glyph_classes": 31}, "there are 30 characters in glyph-places; choose 2..30"),
        ({"name": "glyph-scenes", "glyph_classes": 4}, "glyph_classes 4 is for .* only; leave it 0 for glyph-scenes"),
        ({"name": "tiny-imagenet", "glyphs_seed": 3}, "glyphs_seed 3 is for .*glyph-fonts.*leave it 0 for tiny-imagen"),
        ({"glyph_classes": 1}, "glyph_classes 1 cannot be had"),
        ({"glyphs_per_class": -5}, "glyphs_per_class -5 is negative"),
        ({"image_size": 16}, "image_size 16 is outside 32..256"),
        ({"name": "glyph"}, "unknown data set 'glyph'.*Did you mean 'glyphs'"),
        ({"name": "folder:"}, "unknown data set 'folder:'; allowed: .*folder:PATH"),
        (
            {"name": "cifar10", "glyph_classes": 5},
            "glyph_classes 5 is for glyphs, glyph-others, .*; leave it 0 for cifar10",
        ),
    ],
)
def test_a_specification_that_cannot_be_met_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DataSpec(**options)


def test_load_gives_the_glyphs(small: ImageSet) -> None:
    assert load(SMALL).fingerprint == small.fingerprint
