from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest
from made_pictures import picture

from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.errors import InputError


def spec(root: Path, **options) -> DataSpec:
    return DataSpec(f"folder:{root}", **options)


def test_classes_are_the_folder_names_in_alphabetical_order(image_folder: Path) -> None:
    images = load(spec(image_folder))
    assert images.class_ids == images.class_names == ("ant", "bee", "cow")
    assert images.train_labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert images.train_images[:, 0, 0, 0].tolist() == [0, 20, 60, 80, 120, 140]
    assert images.test_labels.tolist() == [0, 1, 2]
    assert images.flip


@pytest.mark.parametrize("size", [32, 64, 256])
def test_any_size_from_32_to_256(image_folder: Path, size: int) -> None:
    assert load(spec(image_folder, image_size=size)).test_images.shape == (3, 3, size, size)


def test_held_out_images_may_be_called_test_and_val_comes_first(image_folder: Path) -> None:
    first = load(spec(image_folder)).fingerprint
    (image_folder / "test").mkdir()  # ImageNet's unlabelled test images
    picture(9).save(image_folder / "test/0.png")
    assert load(spec(image_folder)).fingerprint == first
    shutil.rmtree(image_folder / "test")
    (image_folder / "val").rename(image_folder / "test")
    assert load(spec(image_folder)).fingerprint == first


def test_images_may_lie_in_a_folder_of_that_name(image_folder: Path) -> None:
    first = load(spec(image_folder)).fingerprint
    for folder in (image_folder / "train").iterdir():
        (folder / "images").mkdir()
        for file in folder.glob("*.png"):
            file.rename(folder / "images" / file.name)
        (folder / f"{folder.name}_boxes.txt").write_text("0 0 1 1")
    assert load(spec(image_folder)).fingerprint == first


def test_hidden_files_are_ignored(image_folder: Path) -> None:
    (image_folder / "train/ant/.DS_Store").write_bytes(b"\0")
    (image_folder / ".git").mkdir()
    assert len(load(spec(image_folder)).train_images) == 6


def test_a_zip_of_the_folder_gives_the_same_images(image_folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        for file in sorted(image_folder.rglob("*")):
            archive.write(file, file.relative_to(image_folder.parent))
    assert load(spec(tmp_path / "pictures.zip")).fingerprint == load(spec(image_folder)).fingerprint


def emptied(root: Path) -> None:
    for file in (root / "train/bee").iterdir():
        file.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "does not exist"),
        (lambda root: (root / "train").rename(root / "training"), "no folder train .found: training, val"),
        (lambda root: shutil.rmtree(root / "val"), "no folder val or test"),
        (emptied, "class 'bee' is empty"),
        (lambda root: shutil.rmtree(root / "val/cow"), "1 classes of train are not in val, such as 'cow'"),
        (lambda root: (root / "val/dog").mkdir(), "1 classes of val are not in train, such as 'dog'"),
        (lambda root: (root / "train/ant/small").mkdir(), "train/ant holds folders .small.*nested"),
        (
            lambda root: (shutil.rmtree(root / "val"), (root / "val").mkdir(), picture(1).save(root / "val/1.png")),
            "val holds image files and no class folders",
        ),
    ],
)
def test_wrong_layout_says_what_it_should_look_like(image_folder: Path, damage, message: str) -> None:
    damage(image_folder)
    with pytest.raises(InputError, match=f"{message}.*expected train/<class>/"):
        load(spec(image_folder))


def damaged(root: Path) -> None:
    whole = (root / "train/ant/0.png").read_bytes()
    (root / "train/ant/cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "train/bee/notes.txt").write_text("not a picture")


def test_bad_files_are_named_counted_and_refused(image_folder: Path) -> None:
    damaged(image_folder)
    for _ in range(2):  # the second time from the decoded copy
        with pytest.raises(
            InputError, match=r"2 files.*train/ant/cut\.png.*train/bee/notes\.txt \(not an image\).*skip"
        ):
            load(spec(image_folder))


def test_bad_files_are_left_out_where_that_is_asked(image_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = load(spec(image_folder)).fingerprint
    damaged(image_folder)
    skipped = load(spec(image_folder), bad_images="skip")
    assert skipped.fingerprint == clean
    monkeypatch.setenv("FCTRANSFER_BAD_IMAGES", "skip")
    assert load(spec(image_folder)).fingerprint == clean


def test_a_class_without_any_good_image_is_refused_even_then(image_folder: Path) -> None:
    (image_folder / "val/cow/0.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"class 'cow' .* no readable test image left \(val/cow/0\.png"):
        load(spec(image_folder), bad_images="skip")


def test_many_bad_files_are_counted_but_not_all_listed(image_folder: Path) -> None:
    for index in range(12):
        (image_folder / f"train/ant/bad{index:02}.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"^12 files.*bad04\.png \(not an image\) and 7 more\. Repair"):
        load(spec(image_folder))
