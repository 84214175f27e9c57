"""One image file to one uint8 array."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps

DECODER = 1
"""Raised whenever the same file would give other pixels, so that decoded copies are made again."""


FORMATS = ("JPEG", "PNG", "PPM", "BMP", "GIF", "TIFF", "WEBP")
"""Pillow reads many more, some of them (EPS) by starting other programs: a data set may not choose those."""
MOST_PIXELS = 2**26


def decode(data: bytes, image_size: int) -> np.ndarray:
    """The image in ``data`` as uint8 ``(3, S, S)``: turned as its EXIF says, RGB, shorter side to S, centre crop.

    Reducing is antialiased: averages of whole pixels where the ratio is an integer, else the triangle filter. Grey,
    palette and CMYK images become RGB, transparency is dropped. Raises OSError, SyntaxError or ValueError (whatever
    Pillow raises) for data that are not an image of FORMATS, are cut short or have more than MOST_PIXELS pixels.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels, of which at most {MOST_PIXELS} are read")
        image.draft(None, (2 * image_size, 2 * image_size))  # JPEG: decode at 1/2, 1/4 or 1/8 where that suffices
        image.load()
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        return _to_array(upright.convert("RGB"), image_size)


def _to_array(image: Image.Image, image_size: int) -> np.ndarray:
    width, height = image.size
    side = min(width, height)
    if (width, height) != (image_size, image_size):
        left, top = (width - side) / 2, (height - side) / 2
        whole = side % image_size == 0
        filtering = Image.Resampling.BOX if whole else Image.Resampling.BILINEAR
        box = (int(left), int(top), int(left) + side, int(top) + side)
        image = image.resize((image_size, image_size), filtering, box=box)
    return np.asarray(image).transpose(2, 0, 1)
