"""An outline tells of a set what loading it would, without opening an image."""

from pathlib import Path

import pytest

from fctransfer_utils.data import DataSpec, load, make_split
from fctransfer_utils.data.outline import IMAGENET, outline
from fctransfer_utils.errors import InputError


@pytest.mark.parametrize(
    "spec",
    [
        DataSpec(glyph_classes=40, glyphs_per_class=3),
        DataSpec("glyph-textures", glyphs_per_class=2),
        DataSpec("glyph-others", glyph_classes=5, glyphs_per_class=2),
    ],
)
def test_rendered_sets_have_the_numbers_of_their_images(spec):
    told, images = outline(spec), load(spec)
    assert told.classes == images.classes
    assert list(told.train) == images.train_labels.bincount().tolist()
    assert list(told.test) == images.test_labels.bincount().tolist()
    assert told.flip == images.flip
    if spec.name == "glyphs":
        assert make_split("letters-symbols", told) == make_split("letters-symbols", images)


def test_a_folder_is_listed_and_not_opened(image_folder: Path):
    for file in image_folder.rglob("*.png"):
        file.write_bytes(b"no image")
    told = outline(DataSpec(f"folder:{image_folder}"))
    assert (told.class_ids, told.train, told.test, told.images) == (("ant", "bee", "cow"), (2, 2, 2), (1, 1, 1), 9)
    assert (told.count([0, 2]), told.count([0, 2], per_class=1), told.count([1], part="test")) == (4, 2, 1)


def test_public_sets_are_known_before_they_are_downloaded(tmp_path):
    told = outline(DataSpec("tiny-imagenet"), root=tmp_path)
    assert (told.classes, sum(told.train), sum(told.test)) == (200, 100_000, 10_000)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        outline(DataSpec(f"folder:{tmp_path}/nowhere"))


def test_imagenet_has_its_published_size():
    assert (IMAGENET.classes, sum(IMAGENET.train), sum(IMAGENET.test)) == (1000, 1_281_167, 50_000)
