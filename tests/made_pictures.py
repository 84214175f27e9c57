"""Small pictures for tests that need image files."""

from __future__ import annotations

import numpy as np
from PIL import Image


def picture(value: int, *, width: int = 40, height: int = 40) -> Image.Image:
    """An RGB picture of one grey level."""
    return Image.fromarray(np.full((height, width, 3), value, dtype=np.uint8))
