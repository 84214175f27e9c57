"""Glyph images with what is known of how they were made: for losses other than that of classes.

The images are those of ``data.glyphs`` with a wider range of turns and sizes, from the same renderer, so a network that
learnt the glyphs can be moved to them. Quantities are read off the map that placed each glyph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, unknown
from .glyph_classes import CHARACTERS
from .glyph_render import DEFAULT, Bank, Difficulty, render_images

QUANTITIES = {"rotation": "degrees", "size": "share of the image side"}
ATTRIBUTES = ("turned clockwise", "large", "left of the middle", "above the middle")
WIDE = replace(DEFAULT, turn=0.41, scale=(0.4, 0.85), shear=0.0, stretch=0.05)
"""Turns of up to 45 degrees; hardly any slant, which would be taken for a turn."""


@dataclass(frozen=True)
class GlyphTargets:
    """Images uint8 (N, 3, S, S), their characters' numbers int64 (N,), and float32 (N,) of what placed the glyph.

    ``rotation`` in degrees, clockwise above 0; ``size`` is the side of the glyph's box, ``right`` and ``down`` its
    centre from the middle, all three as shares of the image side.
    """

    images: Tensor
    labels: Tensor
    rotation: Tensor
    size: Tensor
    right: Tensor
    down: Tensor

    def quantity(self, name: str) -> Tensor:
        """The regression target ``name`` (one of QUANTITIES) as float32 (N, 1). Raises InputError for another name."""
        if name not in QUANTITIES:
            raise unknown("quantity", name, QUANTITIES)
        return getattr(self, name)[:, None]

    def attributes(self) -> Tensor:
        """The multi-label targets float32 (N, 4) of 0 and 1, one column for each of ATTRIBUTES; any may hold together.

        Large: larger than the middle of the range that the renderer draws from.
        """
        middle = sum(WIDE.scale) / 2
        held = (self.rotation > 0, self.size > middle, self.right < 0, self.down < 0)
        return torch.stack(held, dim=1).float()


def render_targets(
    characters: Sequence[str], *, count: int, image_size: int, seed: int, part: str, difficulty: Difficulty = WIDE
) -> GlyphTargets:
    """``count`` images, the ``characters`` (of the glyph classes) in turn; ``part`` "train" or "test" draws others.

    The same bytes and numbers on every machine. Raises InputError for no image or a character that is no glyph class.
    """
    strangers = [character for character in characters if character not in CHARACTERS]
    if strangers or not characters:
        raise InputError(
            f"{strangers[0]!r} is no class of the glyphs; take characters of data.glyph_classes.CHARACTERS."
            if strangers
            else "no character is given; name at least one class of the glyphs."
        )
    if count < 1:
        raise InputError(f"count = {count}; ask for at least 1 image.")
    if part not in ("train", "test"):
        raise unknown("part", part, ("train", "test"))
    labels = np.arange(count) % len(characters)
    places = np.empty((count, 6))
    images = render_images(
        labels, Bank(characters, image_size), seed=seed, part=f"targets {part}", difficulty=difficulty, places=places
    )
    columns = {name: torch.from_numpy(values.astype(np.float32)) for name, values in _read(places).items()}
    return GlyphTargets(torch.from_numpy(images), torch.from_numpy(labels), **columns)


def _read(places: np.ndarray) -> dict[str, np.ndarray]:
    """Turn, size and centre from the map (image to glyph) and the centre: its second row is (-sine, cosine) / side."""
    sine, cosine = -places[:, 2], places[:, 3]
    return {
        "rotation": np.degrees(np.arctan2(sine, cosine)),
        "size": 1 / np.hypot(sine, cosine),
        "right": places[:, 4],
        "down": places[:, 5],
    }
