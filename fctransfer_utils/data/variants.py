"""The same images in another size, in one channel, or harder to see."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import seeds
from ..errors import InputError, unknown
from .spec import VIEWS

CONTRAST, NOISE = 0.6, 24
AT_ONCE = 500


def resized(images: Tensor, size: int) -> Tensor:
    """uint8 (N, 3, H, W) to uint8 (N, 3, ``size``, ``size``), bilinear and smoothed where it shrinks."""
    if size < 1:
        raise InputError(f"size = {size}; images need at least 1 pixel.")
    if tuple(images.shape[-2:]) == (size, size):
        return images
    parts = [
        F.interpolate(batch.float(), size=(size, size), mode="bilinear", antialias=True, align_corners=False)
        for batch in images.split(AT_ONCE)
    ]
    return torch.cat([part.round().clamp(0, 255).to(torch.uint8) for part in parts])


def viewed(images: Tensor, view: str) -> Tensor:
    """uint8 (N, 3, H, W) as the view ``grey`` or ``inverted`` shows them: one channel, three times.

    ``grey`` is the luminance of ITU-R BT.601, (299 R + 587 G + 114 B) / 1000, rounded half up in whole numbers.
    ``inverted`` is 255 less that: an analogue of near-infrared images, which have one channel and other tones. The
    empty view gives the images back as they are. Raises InputError for another view.
    """
    if view not in VIEWS:
        raise unknown("view", view, [name for name in VIEWS if name])
    if not view:
        return images
    shown = torch.empty(images.shape, dtype=torch.uint8)
    for batch, out in zip(images.split(AT_ONCE), shown.split(AT_ONCE), strict=True):
        red, green, blue = batch.int().unbind(1)
        grey = (299 * red + 587 * green + 114 * blue + 500) // 1000
        out.copy_((255 - grey if view == "inverted" else grey)[:, None])
    return shown


def degraded(images: Tensor, *, seed: int, contrast: float = CONTRAST, noise: float = NOISE) -> Tensor:
    """uint8 (N, 3, H, W) with less contrast around mid-grey, and Gaussian noise of deviation ``noise`` (of 255).

    Stands for images from another camera: what a network meets after it was trained. Raises InputError for a contrast
    outside 0..1 or negative noise.
    """
    if not 0 < contrast <= 1 or noise < 0:
        raise InputError(f"contrast {contrast} and noise {noise}: give a contrast in 0..1 and noise from 0 on.")
    stream = seeds.generator(seed, "degraded")
    faded = (images.float() - 127.5) * contrast + 127.5
    faded += noise * torch.randn(images.shape, generator=stream)
    return faded.round().clamp(0, 255).to(torch.uint8)
