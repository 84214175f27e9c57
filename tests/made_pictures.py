"""Small pictures for tests that need image files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def picture(value: int, *, width: int = 40, height: int = 40) -> Image.Image:
    """An RGB picture of one grey level."""
    return Image.fromarray(np.full((height, width, 3), value, dtype=np.uint8))


def two_classes_in(folder: Path) -> Path:
    """An image folder in the layout of ``folder:PATH``: ant and bee, one picture each to learn and to test."""
    for part in ("train", "val"):
        for label, name in enumerate(("ant", "bee")):
            home = folder / part / name
            home.mkdir(parents=True)
            picture(90 * label).save(home / "0.png")
    return folder
