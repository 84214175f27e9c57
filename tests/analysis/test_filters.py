import numpy as np
import pytest
import torch

from fctransfer_utils.analysis.filters import colour_share, filter_table, gabor_r2, principal_maps
from fctransfer_utils.errors import InputError


def gabors(count: int, size: int, seed: int = 0) -> np.ndarray:
    """Random Gabor filters of one random colour each, (count, 3, size, size), of unit energy."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    result = []
    for _ in range(count):
        angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
        frequency, width = rng.uniform(0.8 / size, 0.3), rng.uniform(0.2, 0.4) * size
        wave = np.cos(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        image = wave * np.exp(-(x**2 + y**2) / (2 * width**2)) * rng.normal(size=(3, 1, 1))
        result.append(image / np.linalg.norm(image))
    return np.stack(result)


@pytest.mark.parametrize("size", [5, 7, 11])
def test_a_gabor_is_found_and_noise_is_not(size):
    noise = np.random.default_rng(1).normal(size=(8, 3, size, size))
    noise /= np.linalg.norm(noise.reshape(8, -1), axis=1)[:, None, None, None]
    clean = gabors(8, size)
    assert gabor_r2(clean).min() > 0.99
    assert gabor_r2(noise).mean() < {5: 0.6, 7: 0.4, 11: 0.25}[size]
    assert gabor_r2(clean + 0.5 * noise).mean() > gabor_r2(noise).mean() + 0.2


def test_the_measure_knows_neither_scale_nor_sign_nor_colour():
    filters = gabors(4, 7) + 0.05 * np.random.default_rng(2).normal(size=(4, 3, 7, 7))
    expected = gabor_r2(filters)
    assert np.allclose(gabor_r2(-300 * filters), expected, atol=1e-6)
    assert np.allclose(gabor_r2(filters[:, [2, 0, 1]]), expected, atol=1e-3)
    assert np.allclose(gabor_r2(torch.tensor(filters)), expected, atol=1e-3)


def test_a_filter_of_zeros_explains_nothing():
    assert gabor_r2(np.zeros((1, 3, 5, 5)))[0] == 0
    assert colour_share(np.zeros((1, 3, 5, 5)))[0] == 0


def test_colour_is_the_energy_outside_luminance():
    plane = np.random.default_rng(3).normal(size=(5, 5))
    grey, contrast = np.stack([plane] * 3), np.stack([plane, -plane, 0 * plane])
    assert np.allclose(colour_share(np.stack([grey, contrast])), [0, 1])
    noise = np.random.default_rng(4).normal(size=(500, 3, 5, 5))
    assert colour_share(noise).mean() == pytest.approx(2 / 3, abs=0.01)


def test_the_principal_map_keeps_a_one_coloured_filter_whole():
    filters = gabors(3, 5)
    assert np.allclose((principal_maps(filters) ** 2).sum(axis=(1, 2)), 1)


def test_the_table_has_a_row_per_filter_of_each_net():
    table = filter_table({"base A": gabors(2, 5), "untrained": gabors(3, 5, 1)})
    assert list(table["net"]) == ["base A"] * 2 + ["untrained"] * 3
    assert list(table["filter"]) == [1, 2, 1, 2, 3]


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (np.ones((5, 5)), "not"),
        (np.ones((1, 3, 1, 1)), "1x1 pixels"),
        (np.full((1, 3, 5, 5), np.nan), "diverged"),
    ],
)
def test_bad_filters_are_named(filters, words):
    with pytest.raises(InputError, match=words):
        gabor_r2(filters)
