"""What ImageNet's files are like: 1000 wnids, odd encodings, and damage that is named."""

import shutil

import numpy as np
import pytest
from PIL import Image

from fctransfer_utils.course.made_imagenet import ODD, made_imagenet, picture
from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data.image_files import decode
from fctransfer_utils.data.wnids import IMAGENET_WNIDS
from fctransfer_utils.errors import InputError

SIDE = 72


def test_the_classes_are_imagenets_in_their_order(images):
    assert images.class_ids == IMAGENET_WNIDS
    counts = images.train_labels.bincount()
    assert (counts[1:] == 2).all()
    assert counts[0] == 2 + len(ODD) - 1
    assert (images.test_labels.bincount() == 1).all()


def test_decoded_images_lie_on_the_disk_and_are_mapped(images, tree):
    (entry,) = (tree.root / ".fctransfer-cache").glob("folder-*")
    array = np.load(entry / "train_images.npy", mmap_mode="r")
    assert array.shape == (2004, 3, SIDE, SIDE)
    assert (array[7] == images.train_images[7].numpy()).all()


@pytest.mark.parametrize(("kind", "mode", "encoding"), [
    ("cmyk", "CMYK", "JPEG"), ("grey", "L", "JPEG"), ("png", "RGB", "PNG"), ("turned", "RGB", "JPEG"),
])  # fmt: skip
def test_odd_files_are_what_they_are_called_and_are_read_like_the_others(tree, kind, mode, encoding):
    file = tree.odd[kind]
    assert file.suffix == ".JPEG"
    with Image.open(file) as image:
        assert (image.mode, image.format) == (mode, encoding)
    plain = decode(_jpeg(picture(0, seed=7, side=SIDE)), SIDE).astype(int)
    if kind == "grey":
        plain = np.broadcast_to(plain.mean(0), plain.shape)
    assert np.abs(decode(file.read_bytes(), SIDE) - plain).mean() < 15
    assert np.abs(decode(file.read_bytes(), SIDE) - plain[:, ::-1, ::-1]).mean() > 20 or kind == "grey"


def test_an_image_that_exif_turns_is_upright(tree):
    with Image.open(tree.odd["turned"]) as image:
        assert image.size == (SIDE, SIDE + 4)  # as it lies in the file
    pixels = decode(tree.odd["turned"].read_bytes(), SIDE)
    left, right = pixels[:, :, : SIDE // 2].mean(), pixels[:, :, SIDE // 2 :].mean()
    top, bottom = pixels[:, : SIDE // 2].mean(), pixels[:, SIDE // 2 :].mean()
    assert left - right > 20 > abs(top - bottom)


def test_a_file_that_is_cut_short_is_named_and_left_out_on_request(damaged):
    spec = DataSpec(damaged.data, image_size=SIDE)
    with pytest.raises(InputError, match=rf"1 file of .*{damaged.odd['cut'].name}.*FCTRANSFER_BAD_IMAGES=skip"):
        load(spec)
    assert len(load(spec, bad_images="skip").train_images) == 10 * 2 + len(ODD) - 1


def test_a_class_that_is_missing_is_named(tmp_path):
    made_imagenet(tmp_path, classes=4, side=40, train=1)
    gone = sorted((tmp_path / "val").iterdir())[2]
    shutil.rmtree(gone)
    with pytest.raises(InputError, match=f"1 classes of train are not in val, such as '{gone.name}'"):
        load(DataSpec(f"folder:{tmp_path}"))


@pytest.mark.parametrize(("options", "named"), [({"classes": 1}, "classes = 1"), ({"odd": ("gif",)}, "'gif'")])
def test_a_made_tree_refuses_what_it_cannot_make(tmp_path, options, named):
    with pytest.raises(InputError, match=named):
        made_imagenet(tmp_path, **options)


def _jpeg(image):
    import io

    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
