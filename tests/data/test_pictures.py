"""One file becomes the right pixels, or one error that names it."""

import io
import os
import struct

import numpy as np
import pytest
from made_pictures import deep_png, noise, save
from PIL import Image
from torchvision.transforms import v2

from fctransfer_utils.data.pictures import BadPicture, in_bytes, printable, unscaled
from fctransfer_utils.errors import InputError

RAMP = np.linspace(0, 1, 32)[None].repeat(32, 0)  # black to white, from left to right


def read_picture(path, size):
    """The picture as it is in a set where no other has a larger value."""
    found = unscaled(path, size)
    return in_bytes(found, found.largest)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "ppm", "webp"])
def test_a_picture_of_the_size_keeps_every_bit(tmp_path, ending):
    options = {"lossless": True} if ending == "webp" else {}
    path = save(tmp_path / f"a.{ending}", noise(0), **options)
    assert (read_picture(path, 32) == noise(0)).all()
    assert read_picture(path, 32).shape == (32, 32, 3)


def test_the_shorter_side_is_fitted_and_the_centre_taken(tmp_path):
    wide = np.concatenate([noise(0), noise(1), noise(2)], 1)
    assert (read_picture(save(tmp_path / "wide.png", wide), 32) == noise(1)).all()
    assert (read_picture(save(tmp_path / "high.png", wide.transpose(1, 0, 2)), 32) == noise(1).transpose(1, 0, 2)).all()


@pytest.mark.parametrize("size", [20, 64, 150])
def test_pixels_are_those_of_torchvisions_resize(tmp_path, size):
    image = Image.fromarray(noise(0, side=100))
    image.save(tmp_path / "a.png")
    expected = np.asarray(v2.Resize(size)(image))
    assert (read_picture(tmp_path / "a.png", size) == expected).all()


@pytest.mark.parametrize(("mode", "ending"), [("RGBA", "png"), ("LA", "png"), ("RGBA", "webp"), ("RGBA", "tif")])
def test_what_is_transparent_is_white(tmp_path, mode, ending):
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:16] = (40, 40, 40, 255)
    options = {"lossless": True} if ending == "webp" else {}
    Image.fromarray(pixels).convert(mode).save(tmp_path / f"a.{ending}", **options)
    found = read_picture(tmp_path / f"a.{ending}", 32)
    assert (found[:16] == 40).all()
    assert (found[16:] == 255).all()


@pytest.mark.parametrize("ending", ["png", "gif"])
@pytest.mark.parametrize("mode", ["P", "L", "1"])
def test_a_transparent_colour_is_white(tmp_path, ending, mode):
    pixels = np.zeros((32, 32), np.uint8)
    pixels[16:] = 255
    image = Image.fromarray(pixels).convert(mode)
    image.save(tmp_path / f"a.{ending}", transparency=image.getpixel((0, 0)))
    assert (read_picture(tmp_path / f"a.{ending}", 32) == 255).all()


def test_a_tiff_whose_grey_is_multiplied_by_its_opacity(tmp_path):
    Image.new("LA", (32, 32), (0, 0)).save(tmp_path / "a.tif")
    entry = struct.pack("<HHIHH", 338, 3, 1, 2, 0)  # the tag that says how opacity is meant: not multiplied
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data.replace(entry, struct.pack("<HHIHH", 338, 3, 1, 1, 0)))
    assert Image.open(tmp_path / "a.tif").mode == "La"
    assert (read_picture(tmp_path / "a.tif", 32) == 255).all()


def test_half_transparent_is_half_of_its_colour_and_half_white(tmp_path):
    pixels = np.full((32, 32, 4), (0, 100, 200, 128), np.uint8)
    found = read_picture(save(tmp_path / "a.png", pixels), 16).astype(int)
    assert np.abs(found - np.array([127, 177, 227])).max() <= 1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("16.png", (RAMP * 65535).astype(np.uint16)),
        ("16.tif", (RAMP * 65535).astype(np.uint16)),
        ("12.tif", (RAMP * 4095).astype(np.uint16)),
        ("32.tif", (RAMP * 65535).astype(np.int32)),
        ("large.tif", (RAMP * 3_000_000).astype(np.int32)),
        ("mask.tif", (RAMP > 0.5).astype(np.int32)),
        ("unit.tif", RAMP.astype(np.float32)),
        ("255.tif", (RAMP * 255).astype(np.float32)),
        ("bright.tif", (RAMP * 1.5).astype(np.float32)),
    ],
)
def test_deep_greys_keep_their_course_from_black_to_white(tmp_path, name, values):
    found = read_picture(save(tmp_path / name, values), 32)
    expected = np.rint(values / values.max() * 255)
    assert np.abs(found - expected[..., None]).max() <= 1
    assert (found == found[..., :1]).all()


@pytest.mark.parametrize("most", [65535, 4095])
def test_deep_colours_are_not_black(tmp_path, most):
    path = deep_png(tmp_path / "a.png", (RAMP[..., None] * [most, most / 2, 0]).astype(np.uint16))
    found = read_picture(path, 32)
    assert found[0, -1].tolist() == pytest.approx([255, 127, 0], abs=17 if most == 4095 else 1)
    assert not found[0, 0].any()


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_every_mode_becomes_the_colours_seen(tmp_path, mode):
    pixels = np.zeros((32, 32, 3), np.uint8)
    pixels[:, 16:] = 255
    name = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.fromarray(pixels).convert(mode).save(name)
    assert (read_picture(name, 32) == pixels).all()


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_of_an_animation_the_first_frame_is_read(tmp_path, ending):
    red, blue = (Image.new("RGB", (32, 32), colour) for colour in ("red", "blue"))
    red.save(tmp_path / f"a.{ending}", save_all=True, append_images=[blue])
    assert read_picture(tmp_path / f"a.{ending}", 32)[5, 5].tolist() == pytest.approx([255, 0, 0], abs=3)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif"])
@pytest.mark.parametrize(("orientation", "turn"), [(2, 0), (3, 2), (6, 3), (8, 1)])
def test_pictures_stand_upright(tmp_path, ending, orientation, turn):
    stored = np.zeros((64, 64, 3), np.uint8)
    stored[:32, :32] = 200
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(tmp_path / f"a.{ending}", stored, exif=exif)
    upright = stored[:, ::-1] if orientation == 2 else np.rot90(stored, turn)
    expected = upright.reshape(2, 32, 2, 32, 3)[:, 16, :, 16]
    assert np.abs(read_picture(path, 64)[16::32, 16::32].astype(int) - expected).max() < 8


def test_a_large_jpeg_has_the_pixels_of_its_copy_without_loss(tmp_path):
    image = Image.fromarray(noise(0, side=24)).resize((1600, 1200), Image.Resampling.BICUBIC)
    image.save(tmp_path / "a.jpg", quality=95)
    image.save(tmp_path / "a.png")
    difference = read_picture(tmp_path / "a.jpg", 32).astype(int) - read_picture(tmp_path / "a.png", 32)
    assert np.abs(difference).mean() < 1.5


def test_a_photo_of_108_megapixels_is_read_and_as_large_a_png_is_refused(tmp_path):
    image = Image.new("L", (12000, 9000), 77)
    image.save(tmp_path / "phone.jpg")
    assert (read_picture(tmp_path / "phone.jpg", 64) == 77).all()
    Image.new("1", image.size).save(tmp_path / "bomb.png")
    with pytest.warns(Image.DecompressionBombWarning), pytest.raises(BadPicture, match=r"bomb.png .*pixels"):
        read_picture(tmp_path / "bomb.png", 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
@pytest.mark.parametrize("share", [0, 0.02, 0.5])
def test_a_file_cut_short_is_one_error_that_names_it(tmp_path, kind, share):
    buffer = io.BytesIO()
    Image.fromarray(noise(0, side=100)).save(buffer, kind)
    content = buffer.getvalue()
    path = tmp_path / "a picture.png"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=r"a picture\.png") as caught:
        read_picture(path, 32)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"<html>404</html>", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(BadPicture, match="not an image"):
        read_picture(tmp_path / "a.png", 32)


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_values_without_brightness_are_refused(tmp_path, bad):
    values = RAMP.astype(np.float32)
    values[3, 3] = bad
    with pytest.raises(BadPicture, match="negative or not finite"):
        read_picture(save(tmp_path / "a.tif", values), 32)


def test_folders_pipes_and_absent_files_are_refused_and_none_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for name in ("", "pipe.png", "absent.png"):
        with pytest.raises(BadPicture):
            read_picture(tmp_path / name, 32)


def test_a_size_without_pixels_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 pixels"):
        read_picture(save(tmp_path / "a.png", noise(0)), 0)


def test_names_print_on_one_line_in_any_script():
    assert printable("猫 👨‍👩‍👧 $5 café") == "猫 👨‍👩‍👧 $5 café"
    assert printable(os.fsdecode("狗".encode("gbk"))) == r"\xb9\xb7"
    assert printable("a\nb") == r"a\nb"
