"""Boxes: where the object of a test image is."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_pictures import picture

from fctransfer_utils.data import DataSpec, boxes, glyph_places, load
from fctransfer_utils.data.batches import BATCH
from fctransfer_utils.data.glyph_classes import OTHERS
from fctransfer_utils.data.glyph_render import Bank, box_of, render_images
from fctransfer_utils.errors import InputError

PLACES = DataSpec("glyph-places", glyph_classes=6, glyphs_per_class=1)
TINY = DataSpec("tiny-imagenet")
ROWS = {
    "val_0.JPEG": ("n02", "0\t32\t44\t62"),
    "val_1.JPEG": ("n01", "52\t0\t63\t63"),
    "val_2.JPEG": ("n02", "9\t9\t9\t9"),
}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """Two classes; their validation images lie in another order than their classes."""
    root = tmp_path / "tiny-imagenet-200"
    (root / "val/images").mkdir(parents=True)
    (root / "wnids.txt").write_text("n02\nn01\n")
    (root / "words.txt").write_text("n01\tfish\nn02\tox\n")
    for wnid in ("n01", "n02"):
        (root / "train" / wnid / "images").mkdir(parents=True)
        picture(9, width=64, height=64).save(root / "train" / wnid / "images" / f"{wnid}_0.JPEG")
    for name in ROWS:
        picture(50, width=64, height=64).save(root / "val/images" / name)
    annotate(root, ROWS)
    return root


def annotate(root: Path, rows: dict[str, tuple[str, str]]) -> None:
    text = "".join(f"{name}\t{wnid}\t{box}\n" for name, (wnid, box) in rows.items())
    (root / "val/val_annotations.txt").write_text(text)


def test_a_box_holds_what_is_covered_and_thin_glyphs_have_one() -> None:
    coverage = np.zeros((2, 8, 8), dtype=np.int16)
    coverage[0, 2:5, 1:7] = 256
    coverage[0, 5] = 63
    coverage[0, 2, 7] = 64
    coverage[1, 3, 3] = 12
    assert box_of(coverage).tolist() == [[1 / 8, 2 / 8, 8 / 8, 5 / 8], [3 / 8, 3 / 8, 4 / 8, 4 / 8]]


def test_the_box_is_where_the_glyph_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a plain ground: the extent of what differs from the corner, to a pixel on each side."""
    plain = replace(glyph_places.SMALL, texture=0, noise=0, fragments=0, contrast=(150, 190))
    monkeypatch.setattr(glyph_places, "SMALL", plain)
    images, found = load(PLACES).test_images.int(), boxes.test_boxes(PLACES)
    assert found.dtype == torch.float32
    away = (images - images[:, :, :1, :1]).abs().sum(1)
    seen = (away > 0.25 * away.amax((1, 2), keepdim=True)).numpy()
    expected = box_of(seen.astype(np.int16))
    assert len(found) == len(images) == 300
    assert np.abs(found.numpy() - expected).max() <= 1.01 / 32


def test_small_glyphs_lie_wholly_inside_and_all_over_the_picture() -> None:
    places = np.empty((400, 6))
    bank = Bank(OTHERS, 32, detail=16)
    render_images(np.arange(400) % 30, bank, seed=0, part="test", difficulty=glyph_places.SMALL, places=places)
    outline = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) / 2
    corners = np.linalg.inv(places[:, :4].reshape(-1, 2, 2)) @ outline.T + places[:, 4:, None]
    assert np.abs(corners).max() <= 0.5 + 1e-9
    assert places[:, 4:].std(0).min() > 0.1
    found = boxes.test_boxes(PLACES)
    assert (found[:, :2] < found[:, 2:]).all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert 0.2 < (found[:, 2:] - found[:, :2]).mean() < 0.5


def test_boxes_are_the_same_in_every_view_and_at_every_size() -> None:
    """Within a pixel; the first batch, after which a larger image takes more of the random stream."""
    found = boxes.test_boxes(PLACES)
    assert torch.equal(found, boxes.test_boxes(replace(PLACES, view="inverted")))
    large = boxes.test_boxes(replace(PLACES, image_size=64))
    assert (large - found)[:BATCH].abs().mean() < 0.5 / 32


@pytest.mark.parametrize("packed", [False, True])
def test_tiny_imagenet_boxes_follow_the_order_of_the_images(tiny: Path, packed: bool, tmp_path: Path) -> None:
    root = tiny
    if packed:
        root = tmp_path / "tiny.zip"
        with zipfile.ZipFile(root, "w") as archive:
            for file in sorted(tiny.rglob("*")):
                archive.write(file, Path(tiny.name) / file.relative_to(tiny))
    found = boxes.test_boxes(TINY, root=root) * 64
    assert load(TINY, root=root).test_labels.tolist() == [0, 1, 1]
    assert found.tolist() == [[52, 0, 64, 64], [0, 32, 45, 63], [9, 9, 10, 10]]


@pytest.mark.parametrize(
    ("box", "wanted"),
    [
        ("", "4 whole numbers"),
        ("1\t2\t3", "4 whole numbers"),
        ("1\t2\t3\tx", "4 whole numbers"),
        ("1\t2\t3\t-4", "4 whole numbers"),
        ("9\t2\t8\t4", "x0 <= x1 and y0 <= y1, all in 0..63"),
        ("1\t2\t3\t64", "x0 <= x1 and y0 <= y1, all in 0..63"),
    ],
)
def test_a_line_without_a_box_is_named(tiny: Path, box: str, wanted: str) -> None:
    annotate(tiny, ROWS | {"val_1.JPEG": ("n01", box)})
    with pytest.raises(InputError, match=f"line 2 of val/val_annotations.txt .*'val_1.JPEG.*{wanted}"):
        boxes.test_boxes(TINY, root=tiny)


def test_skipped_images_do_not_shift_the_boxes(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tiny / "val/images/val_2.JPEG").write_bytes(b"no image")
    monkeypatch.setenv("FCTRANSFER_BAD_IMAGES", "skip")
    with pytest.raises(InputError, match="only 2 of 3 test images of tiny-imagenet could be read"):
        boxes.test_boxes(TINY, root=tiny)


@pytest.mark.parametrize("name", ["glyphs", "cifar10", "folder:somewhere"])
def test_other_sets_say_which_have_boxes(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} has no boxes; glyph-places and tiny-imagenet have"):
        boxes.test_boxes(DataSpec(name))
