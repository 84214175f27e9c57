"""One image file as RGB pixels: the only place where a picture becomes numbers."""

from __future__ import annotations

import contextlib
import re
import stat
import unicodedata
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from ..errors import InputError, one_line

ENDINGS = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm", ".pnm")
)
# Pillow reads many more formats, some (EPS) by starting other programs: a folder of pictures may not choose those.
FORMATS = ("PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")

# The one filter: a triangle, widened as far as a picture is reduced, so that every pixel of it counts. It never
# overshoots as bicubic and Lanczos do, and torchvision's Resize has it by default, so other networks expect it.
FILTER = Image.Resampling.BILINEAR
# A JPEG is decoded at 1/2, 1/4 or 1/8 as long as that is this many times the size asked for. At 4 the filter still does
# the work: the pixels are within 0.6 of 255 of those without it, on average; at 2 it was 2.3.
DRAFT = 4
MOST_PIXELS = 2**26 * 4 // 3  # in memory; Pillow's own limit for what may be a decompression bomb
MOST_DRAFTED = 2**28  # of a JPEG before it is drafted: telephones reach 200 million


class BadPicture(InputError):
    """A file that cannot be read as a picture; ``reason`` says why in a few words."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"picture {printable(path)} cannot be read: {reason}; repair or remove it.")
        self.reason = reason


class Unscaled(NamedTuple):
    """Pixels (size, size, 3): uint8 of ``kind`` "bytes", or float32 of "integers" or "floats" up to ``largest``."""

    values: np.ndarray
    kind: str = "bytes"
    largest: float = 255.0


def unscaled(path: Path | str, size: int) -> Unscaled:
    """The picture in ``path`` as RGB (size, size, 3), upright as its EXIF says, of an animation the first frame.

    The shorter side is brought to ``size`` and the centre taken, as the papers do. A picture that has the size already
    keeps its values bit for bit. What is transparent becomes white. Pictures of more than 8 bits a channel keep their
    values, for whoever looks for the largest of a set, which means white there: see ``in_bytes``. Of colours of 16 bits
    Pillow reads the upper byte alone: small values in them, as of a camera of 12 bits, become few levels or black.
    Raises BadPicture, an InputError, for a file that is no picture, is cut short or has too many pixels.
    """
    if size < 1:
        raise InputError(f"pictures of {size} pixels hold nothing; give a size of 1 or more.")
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would never end
            raise BadPicture(path, "not a file")
        with path.open("rb") as file:
            return _decoded(file, size)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # Pillow and its plugins raise nearly anything for a damaged file
        raise BadPicture(path, _reason(error)) from None


def in_bytes(found: Unscaled, scale: float) -> np.ndarray:
    """Pixels (size, size, 3) as uint8, ``scale`` as white."""
    if found.kind == "bytes":
        return found.values
    return np.clip(np.rint(found.values * (255 / scale)), 0, 255).astype(np.uint8)


def resized(image: Image.Image, size: int) -> Image.Image:
    """The centre of ``image`` at ``size`` x ``size`` by the one filter."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return image.resize((size, size), FILTER, box=(left, top, left + side, top + side))


def printable(name: object) -> str:
    r"""A name of a file or class on one line: bytes that are not UTF-8 and control characters as escapes (``\xc3``)."""
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    odd = ("Cc", "Zl", "Zp")
    return "".join(
        each.encode("unicode_escape").decode() if unicodedata.category(each) in odd else each for each in text
    )


def _decoded(file: BinaryIO, size: int) -> Unscaled:
    start = file.read(3)
    file.seek(0)
    if not start:
        raise ValueError("an empty file")
    if start == b"\xff\xd8\xff":
        image = JpegImageFile(file)  # Image.open would look at the number of pixels before the draft
        _limit(image, MOST_DRAFTED)
        image.draft(None, (DRAFT * size, DRAFT * size))
    else:
        image = Image.open(file, formats=FORMATS)
    _limit(image, MOST_PIXELS)
    halved = ";16" in str(image.tile) and image.mode in ("RGB", "RGBA", "LA")  # Pillow keeps the upper byte of two
    image.load()
    with contextlib.suppress(Exception):  # EXIF that cannot be read: the picture can, as every viewer shows it
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith(("I", "F")):
        return _deep(image, size)
    colours = _on_white(image)
    values = np.array(resized(colours, size))
    if halved:
        return Unscaled(values.astype(np.float32) * 257, "integers", 257.0 * np.asarray(colours).max())
    return Unscaled(values)


def _limit(image: Image.Image, most: int) -> None:
    if image.width * image.height > most:
        raise ValueError(f"{image.width} x {image.height} pixels, more than the {most / 1e6:.0f} million that are read")


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _deep(image: Image.Image, size: int) -> Unscaled:
    """Greys of 16 or 32 bits, resized as floats."""
    values = np.asarray(image).astype(np.float32)
    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError("values that are negative or not finite, which have no brightness")
    clear = values == image.info.get("transparency", -1)
    largest = float(values.max(initial=0, where=~clear))
    values[clear] = largest
    grey = np.asarray(resized(Image.fromarray(values), size))
    return Unscaled(np.repeat(grey[..., None], 3, 2), "floats" if image.mode == "F" else "integers", largest)


def _reason(error: Exception) -> str:
    """Why a file cannot be read, without numbers that differ from file to file where many have one fault."""
    text = (isinstance(error, OSError) and error.strerror) or one_line(error) or type(error).__name__
    if "cannot identify" in text:
        return "not an image"
    if isinstance(error, Image.DecompressionBombError):
        return f"more pixels than the {MOST_PIXELS / 1e6:.0f} million that are read"
    if re.search("truncated|not enough|incomplete|EOF|decoder|broken|corrupt", text, re.IGNORECASE):
        return "cut short or damaged"
    return text[:100]
