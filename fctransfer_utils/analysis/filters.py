"""How Gabor-like first-layer filters are, and how much colour they carry: numbers beside the look.

A Gabor filter is a plane wave under a Gaussian window. The fit has 8 free numbers and a 5x5 filter only 25 weights, so
even noise is fitted in part: compare with untrained filters of the same size, never with 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ..errors import InputError

STARTS = 3
SMALLEST, LARGEST = 3, 31


def gabor_r2(filters: Any) -> np.ndarray:
    """The share of each filter's energy that its best-fitting Gabor explains.

    ``filters`` (K, C, h, w) floats (array or tensor) -> (K,) in 0..1; 0 for a filter of zeros. Each filter is first
    projected on its first principal colour, the fit is by least squares from several starts.
    """
    maps = principal_maps(filters)
    fitted = fitted_gabors(maps)
    energy = (maps**2).sum(axis=(1, 2))
    rest = ((maps - fitted) ** 2).sum(axis=(1, 2))
    return np.where(energy > 0, 1 - rest / np.where(energy > 0, energy, 1), 0.0)


def colour_share(filters: Any) -> np.ndarray:
    """The share of each filter's energy outside the luminance axis (equal red, green and blue).

    ``filters`` (K, 3, h, w) -> (K,): 0 grey, 1 pure colour contrast; independent channels give 2/3 on average.
    """
    weights = _array(filters)
    if weights.shape[1] != 3:
        raise InputError(f"filters of {weights.shape[1]} channels have no luminance axis; give filters of 3 channels.")
    energy = (weights**2).sum(axis=(1, 2, 3))
    luminance = (weights.sum(axis=1) ** 2).sum(axis=(1, 2)) / 3
    return np.where(energy > 0, 1 - luminance / np.where(energy > 0, energy, 1), 0.0)


def filter_table(nets: Mapping[str, Any]) -> pd.DataFrame:
    """``{"base A": filters, ...}`` as rows ``net, filter, gabor_r2, colour_share``, one per filter (counted from 1)."""
    parts = [
        pd.DataFrame(
            {
                "net": name,
                "filter": np.arange(1, len(_array(filters)) + 1),
                "gabor_r2": gabor_r2(filters),
                "colour_share": colour_share(filters),
            }
        )
        for name, filters in nets.items()
    ]
    if not parts:
        raise InputError("no filters given; name at least one net.")
    return pd.concat(parts, ignore_index=True)


def principal_maps(filters: Any) -> np.ndarray:
    """Filters (K, C, h, w) projected on the colour that carries most of their energy: (K, h, w)."""
    weights = _array(filters)
    count, channels, height, width = weights.shape
    flat = weights.reshape(count, channels, height * width)
    colours = np.linalg.svd(flat, full_matrices=False)[0][:, :, 0]
    return np.einsum("kc,kcp->kp", colours, flat).reshape(count, height, width)


def fitted_gabors(maps: np.ndarray) -> np.ndarray:
    """The best-fitting Gabor of each map (K, h, w) -> (K, h, w).

    The window's place and widths, the wave's direction and frequency are searched: a coarse dictionary gives the
    starts, least squares refines them. Amplitude and phase follow from the rest by a linear solution.
    """
    from scipy.optimize import least_squares

    _, height, width = maps.shape
    low, high = _bounds(height, width)
    grid = _grid(height, width)
    parameters, waves = _dictionary(height, width)
    flat = maps.reshape(len(maps), -1)
    fitted = np.zeros_like(flat)
    for index, values in enumerate(flat):
        scale = np.linalg.norm(values)
        if scale == 0:
            continue
        target = values / scale
        best = np.inf
        for start in _starts(parameters, waves, target):
            found = least_squares(
                lambda p, target=target: target - _project(_pair(p, *grid), target),
                np.clip(start, low + 1e-6, high - 1e-6),
                bounds=(low, high),
                x_scale=high - low,
                max_nfev=30,
                ftol=1e-6,
                xtol=1e-6,
                gtol=1e-8,
            )
            if found.cost < best:
                best = found.cost
                fitted[index] = scale * _project(_pair(found.x, *grid), target)
    return fitted.reshape(maps.shape)


def _array(filters: Any) -> np.ndarray:
    """Filters as float64 (K, C, h, w); accepts tensors. Raises InputError for another shape or values not finite."""
    weights = filters.detach().cpu().float().numpy() if hasattr(filters, "detach") else filters
    weights = np.asarray(weights, dtype=np.float64)
    if weights.ndim != 4 or not len(weights):
        raise InputError(f"filters of shape {weights.shape} are not (K, C, h, w) with K at least 1.")
    if not all(SMALLEST <= side <= LARGEST for side in weights.shape[2:]):
        raise InputError(
            f"filters of {weights.shape[2]}x{weights.shape[3]} pixels cannot be fitted; allowed: {SMALLEST}..{LARGEST}."
        )
    if not np.isfinite(weights).all():
        raise InputError("filters hold values that are not finite; the network has diverged.")
    return weights


@lru_cache
def _grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel coordinates (h*w,) with the origin in the centre."""
    y, x = np.mgrid[:height, :width].astype(float)
    return (x - (width - 1) / 2).ravel(), (y - (height - 1) / 2).ravel()


def _bounds(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of x, y, angle, frequency (cycles per pixel), widths along and across the wave (pixels).

    Half a cycle per filter at least and the sampling limit at most; windows no narrower than a pixel's neighbourhood.
    """
    size = min(height, width)
    low = np.array([-width / 2, -height / 2, -np.pi, 0.5 / size, 0.6, 0.6])
    high = np.array([width / 2, height / 2, 2 * np.pi, 0.5, size, size])
    return low, high


def _pair(p: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The even and the odd Gabor of parameters ``p`` (..., 6): (..., 2, h*w)."""
    cx, cy, angle, frequency, along, across = (np.asarray(p)[..., i, None] for i in range(6))
    cos, sin = np.cos(angle), np.sin(angle)
    u = (x - cx) * cos + (y - cy) * sin
    v = (y - cy) * cos - (x - cx) * sin
    window = np.exp(-0.5 * ((u / along) ** 2 + (v / across) ** 2))
    phase = 2 * np.pi * frequency * u
    return np.stack([window * np.cos(phase), window * np.sin(phase)], axis=-2)


def _project(pair: np.ndarray, target: np.ndarray) -> np.ndarray:
    """``target`` (h*w,) projected on the plane of ``pair`` (2, h*w)."""
    (a, b), (_, d) = pair @ pair.T + np.eye(2) * 1e-9
    e, f = pair @ target
    return np.array([d * e - b * f, a * f - b * e]) / (a * d - b * b) @ pair


@lru_cache
def _dictionary(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Coarse parameters (D, 6) and their orthonormal even and odd Gabors (D, 2, h*w)."""
    size = min(height, width)
    places = np.linspace(-0.25, 0.25, 3)
    angles = np.arange(8) * np.pi / 8
    frequencies = np.geomspace(0.75 / size, 0.4, 4)
    widths = size * np.array([0.18, 0.35])
    axes = np.meshgrid(places * width, places * height, angles, frequencies, widths, widths, indexing="ij")
    parameters = np.stack([axis.ravel() for axis in axes], axis=-1)
    pairs = _pair(parameters, *_grid(height, width))
    even, odd = pairs[:, 0], pairs[:, 1]
    even = even / np.linalg.norm(even, axis=1, keepdims=True)
    odd = odd - (odd * even).sum(axis=1, keepdims=True) * even
    odd = odd / np.maximum(np.linalg.norm(odd, axis=1, keepdims=True), 1e-9)
    return parameters, np.stack([even, odd], axis=1)


def _starts(parameters: np.ndarray, waves: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The best dictionary entries for ``target``, no two of the same direction: (STARTS, 6)."""
    explained = ((waves @ target) ** 2).sum(axis=1)
    chosen: list[int] = []
    for index in np.argsort(-explained, kind="stable"):
        if all(abs(parameters[index, 2] - parameters[other, 2]) > 1e-9 for other in chosen):
            chosen.append(int(index))
        if len(chosen) == STARTS:
            break
    return parameters[chosen]
