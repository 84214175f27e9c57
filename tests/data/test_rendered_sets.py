"""The rendered sets beside the glyphs: near, far and fine-grained targets that need no file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fctransfer_utils.data import DataSpec, batches, load
from fctransfer_utils.data.glyph_classes import CHARACTERS, FACE_LETTERS, FACES, OTHERS, SCENES, TEXTURES
from fctransfer_utils.data.glyph_fonts import FONTS, fonts_with, mask
from fctransfer_utils.data.glyphs import TEST_PER_CLASS
from fctransfer_utils.data.spec import RENDERED
from fctransfer_utils.errors import InputError

PINNED = {
    "glyph-others": "add4a5dd62500c40",
    "glyph-textures": "2fa738d4f29f0352",
    "glyph-scenes": "734131636b9c2d6a",
    "glyph-fonts": "04f5d946cb4379fb",
    "glyph-places": "7ce1e262904715e7",
}
FAR = ("glyph-textures", "glyph-scenes", "glyph-fonts")


@pytest.fixture(scope="module")
def small() -> dict:
    return {name: load(DataSpec(name, glyphs_per_class=2)) for name in PINNED}


def test_every_rendered_set_is_pinned_here_or_with_the_glyphs() -> None:
    assert set(PINNED) == set(RENDERED) - {"glyphs"}


@pytest.mark.parametrize("name", PINNED)
def test_the_sets_are_what_a_data_set_needs(small: dict, name: str) -> None:
    images, classes = small[name], RENDERED[name]
    assert images.name == name
    assert images.classes == len(images.class_names) == classes
    assert images.train_images.shape == (2 * classes, 3, 32, 32)
    assert images.train_labels.bincount().tolist() == [2] * classes
    assert images.test_labels.bincount().tolist() == [TEST_PER_CLASS] * classes
    assert not images.flip
    assert all(0.4 < value < 0.6 for value in images.mean)
    assert not (images.test_images[: 2 * classes] == images.train_images).all((1, 2, 3)).any()


@pytest.mark.parametrize("name", PINNED)
def test_the_bytes_are_the_pinned_ones(small: dict, name: str) -> None:
    """Breaks if a renderer, matplotlib's fonts or numpy's Philox change: every record of the set is then outdated."""
    assert small[name].fingerprint == PINNED[name]


@pytest.mark.parametrize("name", PINNED)
def test_the_bytes_depend_on_the_seed_but_not_on_the_number_of_threads(
    small: dict, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches.os, "cpu_count", lambda: 1)
    assert load(DataSpec(name, glyphs_per_class=2)).fingerprint == small[name].fingerprint
    other = load(DataSpec(name, glyphs_per_class=2, glyphs_seed=1))
    assert not (other.train_images == small[name].train_images).all((1, 2, 3)).any()


@pytest.mark.parametrize("name", PINNED)
def test_any_image_size(name: str) -> None:
    images = load(DataSpec(name, image_size=48, glyphs_per_class=1))
    assert images.train_images.shape == (RENDERED[name], 3, 48, 48)


def test_class_names_are_for_people(small: dict) -> None:
    assert small["glyph-textures"].class_names == TEXTURES
    assert small["glyph-scenes"].class_ids == SCENES
    assert small["glyph-fonts"].class_ids == FACES
    assert small["glyph-others"].class_names[5] == "digit eight"
    assert small["glyph-places"].class_ids == small["glyph-others"].class_ids == OTHERS


def test_the_other_characters_are_in_no_source_of_the_course() -> None:
    assert len(OTHERS) == 30
    assert not set(OTHERS) & set(CHARACTERS[:100])


def test_fewer_characters_are_the_first_ones_and_keep_their_groups() -> None:
    spec = DataSpec("glyph-others", glyph_classes=4, glyphs_per_class=1)
    images = load(spec)
    assert images.class_ids == OTHERS[:4]
    assert spec.rendered_classes == 4
    assert images.groups["letters"] == (0, 2)
    assert images.groups["symbols"] == (1, 3)


def test_the_number_of_classes_is_known_before_anything_is_rendered() -> None:
    assert DataSpec("glyph-scenes").rendered_classes == 8
    assert DataSpec("glyphs", glyph_classes=50).rendered_classes == 50
    assert DataSpec("tiny-imagenet").rendered_classes == 0


def test_views_hold_for_rendered_sets_too() -> None:
    spec = DataSpec("glyph-textures", glyphs_per_class=1)
    plain, inverted = load(spec), load(replace(spec, view="inverted"))
    assert not torch.equal(plain.train_images, inverted.train_images)
    assert torch.equal(inverted.train_images[:, 0], inverted.train_images[:, 2])


def test_every_font_has_the_letters_and_no_two_fonts_look_alike() -> None:
    """Two fonts differ in some letter by more than a tenth of its ink, wherever they are laid over each other."""
    numbers = [FONTS.index(name) for name in FACES]
    assert all(set(numbers) <= set(fonts_with(letter)) for letter in FACE_LETTERS)
    ink = np.stack([np.stack([mask(font, letter, 32) for letter in FACE_LETTERS]) for font in numbers]).astype(float)
    for first in range(len(ink)):
        for second in range(first):
            apart = np.abs(ink[first] - ink[second]).sum((1, 2)) / np.maximum(ink[first], ink[second]).sum((1, 2))
            assert apart.max() > 0.1, (FACES[first], FACES[second])


@pytest.mark.parametrize("name", FAR)
def test_a_linear_classifier_on_pixels_finds_hardly_anything(name: str) -> None:
    """Ridge regression to the one-hot labels, the best of three strengths, against a chance of 1 in 8."""
    images = load(DataSpec(name, glyphs_per_class=60))
    train, test = (x.flatten(1).float() / 127.5 - 1 for x in (images.train_images, images.test_images))
    targets = torch.nn.functional.one_hot(images.train_labels).float()
    gram = train @ train.T
    best = 0.0
    for strength in (1e2, 1e3, 1e4):
        weights = train.T @ torch.linalg.solve(gram + strength * torch.eye(len(gram)), targets)
        best = max(best, float(((test @ weights).argmax(1) == images.test_labels).double().mean()))
    assert best < 0.3


@pytest.mark.parametrize(("name", "reached"), [("glyph-textures", 0.35), ("glyph-scenes", 0.4)])
def test_a_small_network_learns_them_but_not_all(name: str, reached: float) -> None:
    """Chance is 1 in 8; three convolutions with batch norm, 100 labels a class, 100 steps."""
    images = load(DataSpec(name, glyphs_per_class=100))
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for a, b in ((3, 12), (12, 24), (24, 32)):
        layers += [torch.nn.Conv2d(a, b, 3, padding=1, bias=False), torch.nn.BatchNorm2d(b), torch.nn.ReLU()]
        layers += [torch.nn.MaxPool2d(2)]
    net = torch.nn.Sequential(*layers, torch.nn.AdaptiveMaxPool2d(2), torch.nn.Flatten(), torch.nn.Linear(128, 8))
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(100):
        index = torch.randint(0, 800, (64,))
        inputs = images.train_images[index] / 127.5 - 1
        loss = torch.nn.functional.cross_entropy(net(inputs), images.train_labels[index])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        found = net.eval()(images.test_images / 127.5 - 1).argmax(1)
    assert reached < (found == images.test_labels).float().mean() < 0.99


def test_a_misspelt_set_is_named() -> None:
    with pytest.raises(InputError, match="unknown data set 'glyph-texture'.*Did you mean 'glyph-textures'"):
        DataSpec("glyph-texture")
