from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from fctransfer_utils.data.image_files import decode


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def halves(width: int, height: int) -> Image.Image:
    """Left half red, right half blue."""
    array = np.zeros((height, width, 3), dtype=np.uint8)
    array[:, : width // 2, 0] = 200
    array[:, width // 2 :, 2] = 200
    return Image.fromarray(array)


def test_halving_averages_whole_pixels() -> None:
    checked = np.indices((64, 64)).sum(0) % 2 * 200
    image = Image.fromarray(np.repeat(checked[..., None], 3, 2).astype(np.uint8))
    assert (decode(encoded(image), 32) == 100).all()


@pytest.mark.parametrize(("width", "height"), [(100, 40), (40, 100), (33, 33), (32, 32), (500, 333)])
def test_any_shape_becomes_a_centred_square(width: int, height: int) -> None:
    pixels = decode(encoded(halves(width, height)), 32)
    assert pixels.shape == (3, 32, 32)
    assert pixels.dtype == np.uint8
    assert (pixels[0, :, :14] == 200).all()
    assert (pixels[2, :, 18:] == 200).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "LA"])
def test_every_colour_mode_becomes_rgb(mode: str) -> None:
    grey = Image.fromarray(np.full((40, 40, 3), 255, dtype=np.uint8)).convert(mode)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert decode(encoded(grey, kind), 32).min() >= 250


def test_sixteen_bit_grey_keeps_its_brightness() -> None:
    image = Image.fromarray(np.full((32, 32), 128 * 256 + 7, dtype=np.uint16))
    assert (decode(encoded(image), 32) == 128).all()


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    pixels = decode(encoded(halves(40, 40), exif=exif), 32)
    assert (pixels[0, :14] == 200).all()
    assert (pixels[2, 18:] == 200).all()


def test_large_jpegs_come_out_like_their_uncompressed_copies() -> None:
    image = halves(1600, 1200)
    assert np.abs(decode(encoded(image, "JPEG", quality=95), 32).astype(int) - decode(encoded(image), 32)).mean() < 3


@pytest.mark.parametrize(
    "data", [b"", b"no image", encoded(halves(64, 64), "JPEG")[:-200], encoded(halves(64, 64))[:60]]
)
def test_what_is_no_whole_image_raises(data: bytes) -> None:
    with pytest.raises((OSError, SyntaxError, ValueError)):
        decode(data, 32)
