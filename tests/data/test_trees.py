from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from made_pictures import picture

from fctransfer_utils.data import DataSpec, load, trees
from fctransfer_utils.data.trees import FolderTree, ZipTree
from fctransfer_utils.errors import InputError


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_a_zip_and_a_folder_look_the_same(tmp_path: Path) -> None:
    members = {"set/a/2": b"two", "set/a/1": b"one", "set/b/c/3": b"three", "set/top.txt": b"t"}
    tree = ZipTree(archive(tmp_path / "set.zip", members | {"__MACOSX/set/._a": b"x", "set/a/.DS_Store": b"x"}))
    for name, data in members.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "set/a/.DS_Store").touch()
    folder = FolderTree(tmp_path / "set")
    for path in ("", "a", "b", "b/c", "nowhere"):
        assert tree.folders(path) == folder.folders(path)
        assert list(tree.files(path)) == list(folder.files(path))
    assert tree.read("b/c/3") == folder.read("b/c/3") == b"three"


def test_reading_a_zip_writes_nothing_whatever_its_members_are_called(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    path = archive(inside / "evil.zip", {"../../evil": b"x", "/evil": b"x", "train/../../evil": b"x"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError, match="it has no folder train"):
        load(DataSpec(f"folder:{path}"))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_member_is_a_bad_image_and_not_the_end(image_folder: Path, tmp_path: Path) -> None:
    path = archive(
        tmp_path / "pictures.zip",
        {str(file.relative_to(image_folder)): file.read_bytes() for file in image_folder.rglob("*.png")},
    )
    data = bytearray(path.read_bytes())
    where = data.index((image_folder / "train/bee/1.png").read_bytes())
    data[where + 60] ^= 255
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"^1 file of .*train/bee/1\.png \(Bad CRC-32"):
        load(DataSpec(f"folder:{path}"))
    assert len(load(DataSpec(f"folder:{path}"), bad_images="skip").train_images) == 5


def test_a_zip_cut_short_is_refused(image_folder: Path, tmp_path: Path) -> None:
    path = archive(tmp_path / "cut.zip", {"train/a/1.png": b"1" * 1000})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"not a readable zip archive.*download it again"):
        load(DataSpec(f"folder:{path}"))


def test_a_member_beyond_all_measure_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "LARGEST_MEMBER", 100)
    tree = ZipTree(archive(tmp_path / "large.zip", {"a/1": b"1" * 101, "b/2": b"2"}))
    with pytest.raises(OSError, match="larger than 100"):
        tree.read("a/1")
    assert tree.read("b/2") == b"2"


def test_pictures_with_more_pixels_than_pillow_allows_are_bad_images(
    image_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    picture(9, width=80, height=80).save(image_folder / "train/ant/huge.png")
    with pytest.raises(InputError, match=r"^1 file of .*huge\.png \(Image size"):
        load(DataSpec(f"folder:{image_folder}"))
