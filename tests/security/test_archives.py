"""Archives are read in place, by names of ours, and no more of them than a picture can need."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from made_damage import attempt
from made_pictures import picture

from fctransfer_utils.data import DataSpec, load, tiny_imagenet, trees
from fctransfer_utils.data import cifar as cifar_module
from fctransfer_utils.data.trees import FolderTree, ZipTree

EVIL = ("../../evil", "/tmp/evil", "..\\evil", "train/../../../evil", "C:/evil", "train/ant/../../../evil.png")


def png():
    buffer = io.BytesIO()
    picture(9).save(buffer, "PNG")
    return buffer.getvalue()


def archive(path, members, *, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def good_set():
    return {f"{part}/{name}/0.png": png() for part in ("train", "val") for name in ("ant", "bee")}


def test_names_that_lead_out_of_an_archive_write_nothing_and_stop_nothing(tmp_path):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    path = archive(inside / "set.zip", good_set() | dict.fromkeys(EVIL, b"x"))
    load(DataSpec(f"folder:{path}"), bad_images="skip")
    made = {file.relative_to(tmp_path).parts[:3] for file in tmp_path.rglob("*")}
    assert {parts[2] for parts in made if len(parts) == 3} <= {"set.zip", ".fctransfer-cache"}
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_in_an_archive_is_a_file_of_bytes_and_is_never_followed(tmp_path):
    link = zipfile.ZipInfo("train/ant/link.png")
    link.external_attr = 0o120777 << 16
    (tmp_path / "secret.png").write_bytes(png())
    path = archive(tmp_path / "set.zip", good_set())
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(link, str(tmp_path / "secret.png"))
    assert "link.png (not an image)" in attempt(load, DataSpec(f"folder:{path}"))[1]


def test_a_member_that_would_fill_the_memory_is_named_and_not_unpacked(tmp_path):
    bomb = bytes(64 * 2**20)
    path = archive(tmp_path / "set.zip", good_set() | {"train/ant/bomb.png": bomb})
    del bomb
    tracemalloc.start()
    _, message = attempt(load, DataSpec(f"folder:{path}"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "bomb.png" in message
    assert "no picture does" in message
    assert peak < 32 * 2**20
    assert len(load(DataSpec(f"folder:{path}"), bad_images="skip").train_images) == 2


def test_an_archive_that_lies_about_the_size_of_a_member_gains_nothing(tmp_path):
    path = archive(tmp_path / "set.zip", {"train/ant/1.png": bytes(8 * 2**20)})
    content = path.read_bytes()
    claimed = (1000).to_bytes(4, "little")
    path.write_bytes(content.replace((8 * 2**20).to_bytes(4, "little"), claimed))
    with pytest.raises(OSError, match="CRC"):
        ZipTree(path).read("ant/1.png")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_unpack_at_once_are_refused(tmp_path, method):
    path = archive(tmp_path / "set.zip", good_set(), method=method)
    assert "pack it by deflation" in attempt(load, DataSpec(f"folder:{path}"))[1]


def test_an_archive_of_more_members_than_any_set_has_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "MOST_MEMBERS", 3)
    assert "more than 3 members" in attempt(ZipTree, archive(tmp_path / "set.zip", good_set()))[1]


def test_an_encrypted_member_is_named(tmp_path):
    path = archive(tmp_path / "set.zip", good_set())
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    content[6] |= 1
    path.write_bytes(content)
    assert "encrypted" in attempt(load, DataSpec(f"folder:{path}"))[1]


def test_a_file_beyond_all_measure_in_a_folder_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "LARGEST_MEMBER", 100)
    (tmp_path / "large").write_bytes(bytes(101))
    with pytest.raises(OSError, match="larger than 100"):
        FolderTree(tmp_path).read("large")


def test_pictures_of_too_many_pixels_are_named_before_they_are_unpacked(tmp_path):
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    side = (60_000).to_bytes(4, "big")
    header = chunk(b"IHDR", side + (2000).to_bytes(4, "big") + bytes([8, 2, 0, 0, 0]))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")
    path = archive(tmp_path / "set.zip", good_set() | {"train/ant/1.png": bomb})
    assert "1.png (60000 x 2000 pixels" in attempt(load, DataSpec(f"folder:{path}"))[1]


def test_formats_that_start_other_programs_are_not_opened(tmp_path):
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 40\n%%EndComments\n(x) run\n%%EOF\n"
    path = archive(tmp_path / "set.zip", good_set() | {"train/ant/1.eps": eps})
    assert "1.eps (not an image)" in attempt(load, DataSpec(f"folder:{path}"))[1]


def test_class_names_of_tiny_imagenet_that_are_paths_are_refused(tmp_path):
    home = tmp_path / "tiny-imagenet-200"
    (home / "train").mkdir(parents=True)
    (home / "wnids.txt").write_text("n00000001\n../../../etc")
    (home / "words.txt").write_text("n00000001\tant")
    assert "'../../../etc', which is no wnid" in attempt(tiny_imagenet.listing, home)[1]


def packed(path, members, *, links=()):
    """A tar.gz of ``members``, and of symbolic ``links`` (name, target)."""
    with tarfile.open(path, "w:gz") as file:
        for name, target in links:
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            file.addfile(link)
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """``cifar(extra, links)``: CIFAR-10's archive, small, with other members beside its own; where it is downloaded."""
    datasets = pytest.importorskip("torchvision.datasets")
    batch = pickle.dumps({"data": np.zeros((3, 3072), dtype=np.uint8), "labels": [0, 1, 2]})
    meta = pickle.dumps({"label_names": ["plane", "car", "bird"]})
    md5 = {content: hashlib.md5(content).hexdigest() for content in (batch, meta)}
    kind = datasets.CIFAR10
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", md5[batch]]])
    monkeypatch.setattr(kind, "test_list", [["test_batch", md5[batch]]])
    monkeypatch.setattr(kind, "meta", {"filename": "batches.meta", "key": "label_names", "md5": md5[meta]})

    def make(extra=None, links=()):
        own = {"data_batch_1": batch, "test_batch": batch, "batches.meta": meta}
        members = {f"{kind.base_folder}/{name}": content for name, content in own.items()} | (extra or {})
        served = packed(tmp_path / "served.tar.gz", members, links=links).read_bytes()
        monkeypatch.setattr(kind, "url", (tmp_path / "served.tar.gz").as_uri())
        monkeypatch.setattr(kind, "tgz_md5", hashlib.md5(served).hexdigest())
        monkeypatch.setitem(cifar_module.SHA256, "cifar10", hashlib.sha256(served).hexdigest())
        return tmp_path / "deep" / "data"

    return make


def test_of_a_downloaded_archive_the_known_files_are_unpacked_and_nothing_else(cifar, tmp_path):
    evil = dict.fromkeys([*EVIL, "cifar-10-batches-py/../../evil", "cifar-10-batches-py/more"], b"x")
    root = cifar(evil)
    assert len(load(DataSpec("cifar10"), root=root).train_images) == 3
    assert sorted(file.name for file in (root / "cifar-10-batches-py").iterdir()) == [
        "batches.meta", "data_batch_1", "test_batch",
    ]  # fmt: skip
    assert not list(tmp_path.rglob("evil*"))
    assert load(DataSpec("cifar10"), root=root, download=False).class_ids == ("plane", "car", "bird")


def test_links_and_giants_in_the_place_of_a_known_file_are_left_out(cifar, tmp_path, monkeypatch):
    name = "cifar-10-batches-py/data_batch_1"
    target = tmp_path / "target"
    root = cifar(links=[(name, str(target)), ("cifar-10-batches-py", "/")])
    load(DataSpec("cifar10"), root=root)
    assert not target.exists()
    assert not (root / "cifar-10-batches-py").is_symlink()
    monkeypatch.setattr(cifar_module, "LARGEST", 10)
    root = cifar()
    message = attempt(load, DataSpec("cifar10"), root=tmp_path / "elsewhere")[1]
    assert "wrong checksums" in message


def test_an_archive_with_another_checksum_is_not_opened(cifar, tmp_path, monkeypatch):
    root = cifar()
    monkeypatch.setitem(cifar_module.SHA256, "cifar10", "0" * 64)
    assert "expected 0000" in attempt(load, DataSpec("cifar10"), root=root)[1]
    assert [file.name for file in root.iterdir() if file.suffix != ".lock"] == []
