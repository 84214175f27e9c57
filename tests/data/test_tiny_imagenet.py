from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from made_pictures import picture

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data.tiny_imagenet import fetch
from fctransfer_utils.errors import InputError

WNIDS = ("n02", "n01", "n03")


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Three classes in the official layout, two training images and one validation image each."""
    root = tmp_path / "tiny-imagenet-200"
    (root / "val/images").mkdir(parents=True)
    (root / "wnids.txt").write_text("\n".join(WNIDS))
    (root / "words.txt").write_text("n01\tgoldfish, Carassius auratus\nn02\tox\nn09\tnot used\n")
    rows = []
    for number, wnid in enumerate(sorted(WNIDS)):
        images = root / "train" / wnid / "images"
        images.mkdir(parents=True)
        (images.parent / f"{wnid}_boxes.txt").write_text("0 0 1 1")
        for index in range(2):
            picture(40 * number + 10 * index, width=64, height=64).save(images / f"{wnid}_{index}.JPEG")
        picture(40 * number + 20, width=64, height=64).save(root / f"val/images/val_{7 - number}.JPEG")
        rows.append(f"val_{7 - number}.JPEG\t{wnid}\t0\t0\t62\t62\n")
    (root / "val/val_annotations.txt").write_text("".join(reversed(rows)))
    return root


def zipped(folder: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, Path(folder.name) / file.relative_to(folder))
    return path


def test_official_folder_is_read_with_classes_in_alphabetical_order(official: Path) -> None:
    images = load(DataSpec("tiny-imagenet"), root=official)
    assert images.class_ids == ("n01", "n02", "n03")
    assert images.class_names == ("goldfish", "ox", "n03")
    assert images.train_images.shape == (6, 3, 32, 32)
    assert images.train_labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert images.train_images.float().mean((1, 2, 3)).round().tolist() == [0, 10, 40, 50, 80, 90]
    assert images.test_labels.tolist() == [0, 1, 2]
    assert images.test_images.float().mean((1, 2, 3)).round().tolist() == [20, 60, 100]
    assert images.flip


def test_folder_around_it_and_the_zip_give_the_same_images(official: Path, tmp_path: Path) -> None:
    inside = load(DataSpec("tiny-imagenet"), root=official.parent)
    elsewhere = tmp_path / "zip"
    elsewhere.mkdir()
    archive = zipped(official, elsewhere / "tiny-imagenet-200.zip")
    for root in (elsewhere, archive):
        assert load(DataSpec("tiny-imagenet"), root=root).fingerprint == inside.fingerprint


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda root: (root / "words.txt").unlink(), "words.txt is missing"),
        (lambda root: (root / "val/val_annotations.txt").unlink(), "val_annotations.txt is missing"),
        (lambda root: (root / "val/images/val_7.JPEG").unlink(), "1 images of val.*val_7.JPEG"),
        (lambda root: (root / "train/n02/images").rename(root / "gone"), "class n02 has no images"),
        (
            lambda root: (root / "val/val_annotations.txt").write_text("val_7.JPEG\tn01\n"),
            "2 classes have no validation",
        ),
        (lambda root: (root / "wnids.txt").write_bytes(b"\xff\xfe\x00"), "not a text file"),
    ],
)
def test_wrong_layout_says_what_it_should_look_like(official: Path, damage, message: str) -> None:
    damage(official)
    with pytest.raises(InputError, match=f"(?s){message}.*expected wnids.txt.*folder:PATH"):
        load(DataSpec("tiny-imagenet"), root=official)


def test_missing_data_with_downloading_off_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not in .*downloading is off.*tiny-imagenet-200.zip"):
        load(DataSpec("tiny-imagenet"), root=tmp_path, download=False)


def test_fetch_never_asks_the_network_for_an_archive_that_is_there(tmp_path: Path) -> None:
    present = tmp_path / "tiny-imagenet-200.zip"
    present.write_bytes(b"here")
    assert fetch(tmp_path, download=True) == present


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tiny-imagenet-200.zip"
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match=r"not a readable zip archive.*download it again"):
        load(DataSpec("tiny-imagenet"), root=tmp_path)
