"""Any tree of pictures becomes the images it holds, and whatever did not come in is told."""

import json
import os
import subprocess
import sys
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import numpy as np
import pytest
import torch
from made_pictures import class_folders, noise, save, two_parts
from PIL import Image

from fctransfer_utils.data import decoded
from fctransfer_utils.data.folders import files_of, read_all, read_folder
from fctransfer_utils.errors import InputError
from fctransfer_utils.files import build_folder


@pytest.fixture
def kept():
    """Where decoded images lie."""
    return build_folder() / "images"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "pictures"


def rows(images):
    return sorted(image.numpy().tobytes() for image in images.pixels)


PARTS = "train val", "Train TEST", "training validation", "seg_train seg_test", "train2017 valid"


@pytest.mark.parametrize(("train", "test"), [names.split() for names in PARTS], ids=PARTS)
def test_parts_are_found_by_their_names(root, train, test):
    found = read_folder(two_parts(root, train=train, test=test), size=32)
    assert found.train.classes == ("ant", "bee")
    assert found.train.labels.tolist() == [0] * 4 + [1] * 4
    assert found.test.labels.tolist() == [0] * 2 + [1] * 2
    assert (found.train.pixels[5].permute(1, 2, 0).numpy() == noise(1, 1)).all()  # train is written first: 0, 1
    learnt = found.train.measured()
    assert all((each.mean, each.std) == (learnt.mean, learnt.std) for each in found[:2])
    assert train in str(found.summary)
    assert test in str(found.summary)


@pytest.mark.parametrize("inside", ["", "train"])
def test_one_folder_of_classes_is_split_by_the_seed(root, inside):
    class_folders(root / inside, {"ant": 8, "bee": 12})
    before = torch.get_rng_state()
    first, again, other = (read_folder(root, size=32, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())  # the random numbers of others are left alone
    assert first.test.labels.bincount().tolist() == [2, 3]
    assert first.train.labels.bincount().tolist() == [6, 9]
    assert not set(rows(first.train)) & set(rows(first.test))
    assert first.test.fingerprint() == again.test.fingerprint() != other.test.fingerprint()
    assert "seed 0" in str(first.summary)


def test_the_split_puts_no_copy_into_the_other_part(root):
    class_folders(root, {"ant": 6, "bee": 6})
    for index in range(6):
        save(root / "ant" / f"copy of {index}.png", noise(0, index))
    for seed in range(5):
        summary = read_folder(root, size=32, seed=seed).summary
        assert summary.leaked == 0
        assert sum(summary.copies.values()) == 6


@pytest.mark.parametrize("names", [("bus", "test", "train"), ("blood test/deeper", "litmus test/deeper")])
def test_classes_called_train_and_test_are_classes(root, names):
    class_folders(root, dict.fromkeys(names, 3))
    assert files_of(root).classes == tuple(name.removesuffix("/deeper") for name in names)


@pytest.mark.parametrize("flat", ["images", "."])
def test_of_test_and_val_the_one_with_class_folders_is_taken_and_the_other_told(root, flat):
    two_parts(root)
    class_folders(root / "test", {flat: 2})
    summary = read_folder(root, size=32).summary
    assert summary.counts == {"train": (4, 4), "test": (2, 2)}
    assert [each.path[0] for each in summary.left_out] == ["test", "test"]


def test_pictures_in_deeper_folders_are_read_with_those_beside_them(root):
    two_parts(root)
    save(root / "train" / "ant" / "images" / "more" / "4.JPG", noise(7), format="PNG")
    found = read_folder(root, size=32)
    assert found.summary.counts["train"] == (5, 4)
    assert not found.summary.left_out


def test_links_to_folders_are_followed_and_not_in_a_circle(root):
    two_parts(root)
    (root / "train" / "bee").rename(root.parent / "elsewhere")
    (root / "train" / "bee").symlink_to(root.parent / "elsewhere")
    (root / "train" / "ant" / "up").symlink_to(root)
    for name, other in (("ant", "bee"), ("bee", "ant")):
        save(root / "val" / name / "more" / "9.png", noise(9, ord(name[0])))
        (root / "val" / name / "more" / "round").symlink_to(root / "val" / other / "more")
    summary = read_folder(root, size=32).summary
    assert summary.counts == {"train": (4, 4), "test": (4, 4)}  # what a link leads to counts in both places
    assert {each.reason for each in summary.left_out} == {"link in a circle"}


def test_what_is_no_picture_is_counted_and_not_read(root):
    two_parts(root)
    for name in ("train/ant/README.txt", "train/ant/thumbs.db", "val/.DS_Store", "train/ant/._0.png"):
        (root / name).write_bytes(b"")
    (root / "train" / "@eaDir").mkdir()
    save(root / "train" / "ant" / "@eaDir" / "0.png", noise(5))
    save(root / "train" / "stray.png", noise(6))
    found = read_folder(root, size=32)
    assert found.summary.counts == {"train": (4, 4), "test": (2, 2)}
    assert len(found.summary.left_out) == 7
    assert found.summary.table().loc["ant"].to_dict() == {
        "train": 4, "test": 2, "unreadable": 0, "no_pictures": 4, "constant": 0,
    }  # fmt: skip


def test_names_in_any_script_and_of_any_bytes(root):
    names = [b"\xc3\xa9t\xc3\xa9", "猫".encode(), "狗".encode("gbk"), b"$5 to $10", "👨‍👩‍👧".encode()]
    two_parts(root, classes=tuple(map(os.fsdecode, names)))
    found = read_folder(root, size=32)
    assert set(found.train.classes) == {"été", "猫", r"\xb9\xb7", "$5 to $10", "👨‍👩‍👧"}
    (str(found.summary) + json.dumps(asdict(found.summary))).encode("utf-8")
    assert (read_all(root, size=32)[1][0]).is_file()


def test_an_accent_is_one_name_in_both_of_its_forms(root):
    one, two = (unicodedata.normalize(form, "été") for form in ("NFC", "NFD"))
    class_folders(root, {f"train/{one}": 2, "train/hiver": 2, f"val/{two}": 1, "val/hiver": 1})
    assert read_folder(root, size=32).test.labels.tolist() == [0, 1]


def test_pictures_that_cannot_be_read_stop_or_are_left_out_and_told(root, kept):
    two_parts(root)
    for index in range(3):
        (root / "train" / "bee" / f"{index}.png").write_text("<html>404</html>")
    with pytest.raises(InputError, match=r"3 of 12 .*train/bee/0\.png.*on_bad=\"skip\""):
        read_folder(root, size=32)
    found = read_folder(root, size=32, on_bad="skip")
    assert found.train.labels.tolist() == [0, 0, 0, 0, 1]
    assert (found.train.pixels[4].permute(1, 2, 0).numpy() == noise(1, 3)).all()
    assert "3 of 4 pictures of 'bee'" in str(found.summary)
    assert found.summary.table().loc["bee", "unreadable"] == 3
    (root / "train" / "bee" / "3.png").write_text("")
    with pytest.raises(InputError, match="bee"):
        read_folder(root, size=32, on_bad="skip")
    with pytest.raises(InputError, match="'ignore'.*skip"):
        read_folder(root, size=32, on_bad="ignore")


def test_leaks_copies_and_contradictions_are_counted(root):
    class_folders(root, {f"{part}/{name}": 4 for part in ("train", "val") for name in ("ant", "bee")})
    save(root / "val" / "ant" / "other name.bmp", noise(0, 0))  # train/ant/0.png
    save(root / "train" / "ant" / "again.png", noise(0, 0))
    save(root / "train" / "bee" / "is an ant.png", noise(0, 1))
    summary = read_folder(root, size=32).summary
    assert summary.leaked == 1
    assert summary.copies == {"train": 2, "test": 0}
    assert summary.contradicting == 1
    assert "LEAK: 1 of 9" in str(summary).splitlines()[1]
    together = read_all(root, size=32)[2]
    assert together.copies == {"all": 3}
    assert together.leaked == 0


def test_pictures_of_one_colour_are_counted_and_a_set_of_one_picture_is_refused(root):
    two_parts(root)
    save(root / "train" / "ant" / "blank.png", np.full((40, 50, 3), 255, np.uint8))
    summary = read_folder(root, size=32).summary
    assert summary.constant == {"train": (1, 0), "test": (0, 0)}
    for path in root.rglob("*.png"):
        save(path, np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="alike"):
        read_folder(root, size=32)


def test_all_images_with_their_files(root):
    images, paths, summary = read_all(two_parts(root), size=32)
    assert len(images) == len(paths) == sum(summary.counts["all"]) == 12
    for image, path, label in zip(images.pixels, paths, images.labels, strict=True):
        assert (image.permute(1, 2, 0).numpy() == np.asarray(Image.open(path))).all()
        assert path.parent.name == images.classes[label]


@pytest.mark.parametrize(
    ("counts", "named"),
    [
        ({}, "no class folders"),
        ({".": 3}, "no class folders"),
        ({"ant": 3}, "ant"),
        ({"train/ant": 3, "val/ant": 3}, "ant"),
        ({"train/ant": 3, "train/bee": 3, "train/cat": 3, "val/ant": 1, "val/bee": 1}, "cat"),
        ({"train/ant": 3, "train/bee": 3, "val/ant": 1, "val/bee": 1, "val/dog": 1}, "dog"),
        ({"train/ant": 3, "train/bee": 3, "val": 2}, "val"),
        ({"ant": 3, "bee": 1}, "bee"),
        ({"ant": 3, "bee": 3, "empty": 0}, "empty"),
        ({"test/ant": 2, "test/bee": 2, "val/ant": 2, "val/bee": 2}, "no train"),
    ],
)
def test_what_cannot_be_learnt_from_is_one_error_that_names_it(root, counts, named):
    root.mkdir()
    class_folders(root, counts)
    for name in counts:
        (root / name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(InputError, match=named) as caught:
        read_folder(root, size=32)
    assert "\n" not in str(caught.value)


def test_what_is_no_folder_is_refused(tmp_path):
    (tmp_path / "set.zip").write_bytes(b"PK")
    for root, said in ((tmp_path / "absent", "absent"), (tmp_path / "set.zip", "set.zip"), ("", "name .* is empty")):
        with pytest.raises(InputError, match=said):
            read_folder(root, size=32)


def test_deep_pictures_are_scaled_by_the_largest_of_the_set(root):
    class_folders(root, {"train/ant": 2, "train/bee": 2, "val/ant": 2, "val/bee": 2}, side=40)
    save(root / "train" / "ant" / "deep.tif", np.full((32, 32), 1000, np.uint16))
    save(root / "val" / "bee" / "deep.tif", np.full((32, 32), 2000, np.uint16))
    save(root / "val" / "bee" / "float.tif", np.full((32, 32), 0.5, np.float32))
    save(root / "val" / "bee" / "float2.tif", np.eye(32, dtype=np.float32))
    images, paths, summary = read_all(root, size=32)
    shown = {f"{path.parent.name}/{path.name}": image for path, image in zip(paths, images.pixels, strict=True)}
    assert shown["ant/deep.tif"].unique().tolist() == [128]
    assert shown["bee/deep.tif"].unique().tolist() == [255]
    assert shown["bee/float.tif"].unique().tolist() == [128]
    assert shown["bee/float2.tif"].unique().tolist() == [0, 255]
    assert summary.constant["all"] == (1, 2)


def test_decoded_once_and_again_where_a_picture_changes(root, kept, monkeypatch):
    two_parts(root)
    now = time.time_ns
    monkeypatch.setattr(decoded.time, "time_ns", lambda: now() + 60 * 10**9)  # no file is young
    reads = []
    decode = decoded.unscaled
    monkeypatch.setattr(decoded, "unscaled", lambda *args: reads.append(args) or decode(*args))
    first = read_folder(root, size=32)
    assert len(reads) == 12
    before, true = sorted(root.rglob("*")), first.train.fingerprint()
    first.train.pixels.zero_()  # changes no file
    assert read_folder(root, size=32).train.fingerprint() == true
    assert len(reads) == 12
    assert sorted(root.rglob("*")) == before
    save(root / "train" / "ant" / "0.png", noise(77))
    assert (read_folder(root, size=32).train.pixels[0].permute(1, 2, 0).numpy() == noise(77)).all()


def test_a_change_that_keeps_name_size_and_time_is_seen(root):
    two_parts(root)
    path = save(root / "train" / "ant" / "0.bmp", noise(50))
    before, status = read_folder(root, size=32).train, path.stat()
    save(path, noise(51))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    after = read_folder(root, size=32).train
    assert after.fingerprint() != before.fingerprint()
    assert noise(51).transpose(2, 0, 1).tobytes() in rows(after)


def test_a_picture_that_changes_while_it_is_read_is_not_believed(root, kept, monkeypatch):
    two_parts(root)
    decode = decoded.unscaled

    def meddle(path, size):
        found = decode(path, size)
        if path.endswith("train/bee/2.png"):
            save(root / "train" / "bee" / "2.png", noise(88))
        return found

    monkeypatch.setattr(decoded, "unscaled", meddle)
    with pytest.raises(InputError, match=r"bee/2\.png changes"):
        read_folder(root, size=32)
    assert not [path for path in kept.iterdir() if path.suffix != ".lock"]


def test_a_damaged_copy_is_made_anew(root, kept):
    two_parts(root)
    first = read_folder(root, size=32).train.fingerprint()
    (array,) = kept.glob("*.npy")
    content = bytearray(array.read_bytes())
    for damaged in (content[:-5000], content[:-1] + bytes([content[-1] ^ 1]), b""):
        array.write_bytes(damaged)
        assert read_folder(root, size=32).train.fingerprint() == first


def test_a_killed_decoding_leaves_nothing_that_is_believed_or_stays(root, kept):
    two_parts(root)
    code = (
        "import os, sys\n"
        "from fctransfer_utils.data import decoded, folders\n"
        "decode = decoded.unscaled\n"
        "decoded.unscaled = lambda path, size: os._exit(9) if path.endswith('val/bee/1.png') else decode(path, size)\n"
        "folders.read_folder(sys.argv[1], size=32)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(root)], check=False).returncode == 9
    assert not list(kept.glob("*.npy"))
    assert len(rows(read_folder(root, size=32).train)) == 8


def test_decodings_at_one_time_end_in_one_whole_copy(root, kept):
    two_parts(root)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: read_folder(root, size=48).train.fingerprint(), range(4)))
    assert len(set(found)) == 1
    assert sorted(path.suffix for path in kept.glob("[!.]*")) == [".json", ".npy"]
    assert not list(kept.glob("*.tmp"))


def test_a_build_folder_that_cannot_be_written_is_one_error(root, tmp_path, monkeypatch):
    (tmp_path / "full").write_text("a file where a folder should be")
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "full"))
    with pytest.raises(InputError, match="FCTRANSFER_BUILD"):
        read_folder(two_parts(root), size=32)
