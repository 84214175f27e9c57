"""Arrangements and patterns are what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from fctransfer_utils.data import glyph_scenes as scenes
from fctransfer_utils.data import glyph_textures as textures
from fctransfer_utils.data.batches import Draws
from fctransfer_utils.data.glyph_classes import SCENES, TEXTURES

COUNT = 60


def arranged(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Places (COUNT, 6, 2) of an arrangement, and how many of them count."""
    draws = Draws(np.random.Philox(5).random_raw(COUNT * 30).reshape(COUNT, 30))
    number = np.arange(COUNT) % 3 + 4
    return scenes.arranged(np.full(COUNT, SCENES.index(name)), number, draws), number


def each(name: str) -> list[np.ndarray]:
    """The places of every image, (number, 2), without those that do not count."""
    places, number = arranged(name)
    return [place[:count] for place, count in zip(places, number, strict=True)]


@pytest.mark.parametrize("name", SCENES)
def test_glyphs_stay_in_the_picture(name: str) -> None:
    assert max(np.abs(places).max() for places in each(name)) < 0.5


@pytest.mark.parametrize(
    ("name", "direction"), [("row", (1, 0)), ("column", (0, 1)), ("falling line", (1, 1)), ("rising line", (1, -1))]
)
def test_lines_run_in_their_direction(name: str, direction: tuple[int, int]) -> None:
    for places in each(name):
        steps = np.diff(places, axis=0)
        assert np.allclose(steps, steps[0]), "equal distances"
        cosine = abs(steps[0] @ direction) / np.linalg.norm(steps[0]) / np.linalg.norm(direction)
        assert cosine > np.cos(np.radians(12))


def test_a_ring_has_one_radius_and_equal_angles() -> None:
    for places in each("ring"):
        middle = places.mean(0)
        radius = np.linalg.norm(places - middle, axis=1)
        assert np.allclose(radius, radius[0], atol=1e-4)
        gaps = np.linalg.norm(places - np.roll(places, 1, axis=0), axis=1)
        assert np.allclose(gaps, gaps[0], atol=1e-4)


def test_corners_are_all_taken_and_a_cluster_is_small() -> None:
    for places in each("corners"):
        away = places - (places.max(0) + places.min(0)) / 2
        assert {tuple(sign) for sign in np.sign(away[:4]).astype(int)} == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
    spread = {name: np.mean([np.ptp(places, axis=0).max() for places in each(name)]) for name in SCENES}
    assert min(spread, key=spread.get) == "cluster"
    assert spread["cluster"] < 0.5 * spread["scattered"]


def test_scattered_glyphs_stand_apart() -> None:
    for places in each("scattered"):
        distance = np.linalg.norm(places[:, None] - places[None], axis=2) + np.eye(len(places))
        assert distance.min() > 0.2


def frame(size: int = 48, *, count: int = 40) -> textures.Frame:
    draws = Draws(np.random.Philox(2).random_raw(count * 80).reshape(count, 80))
    return textures._frame(draws, count, size)


@pytest.mark.parametrize("name", TEXTURES)
def test_every_pattern_has_ink_and_ground(name: str) -> None:
    share = (textures._PATTERNS[name](frame()) > 0).mean((1, 2))
    assert 0.1 < np.median(share) < 0.75
    assert (share > 0).all()
    assert (share < 1).all()


def shifted(name: str, right: float, down: float) -> float:
    """The share of pixels whose ink stays when the pattern is moved by these parts of its period."""
    here = frame()
    moved = textures.Frame(here.u + right, here.v + down, here.period, here.ink, here.bend, here.lattice)
    pattern = textures._PATTERNS[name]
    return float(((pattern(here) > 0) == (pattern(moved) > 0)).mean())


def test_stripes_and_lattices_repeat_as_they_should() -> None:
    assert shifted("stripes", 0.0, 0.3) == 1, "the same along a stripe"
    assert shifted("stripes", 1.0, 0.0) > 0.999
    assert shifted("checks", 0.5, 0.0) < 0.001, "half a period turns black to white"
    assert shifted("checks", 0.5, 0.5) > 0.999
    assert shifted("dots", 1.0, 0.0) > 0.999
    assert shifted("dots", 0.5, 0.5) < 0.8
    assert shifted("bricks", 1.0, 0.0) < 0.97, "the next course is set off by half a brick"
    assert shifted("bricks", 1.0, 1.0) > 0.999
    assert shifted("zigzags", 0.0, 2.0) > 0.999
    assert shifted("zigzags", 0.0, 1.0) < 0.9


def test_rings_are_round() -> None:
    here = frame()
    turned = textures.Frame(-here.v, here.u, here.period, here.ink, here.bend, here.lattice)
    assert np.allclose(textures._PATTERNS["rings"](here), textures._PATTERNS["rings"](turned))
