"""A disk that fills up or that may only be read ends what writes in one clear error, and harms nothing."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from made_pictures import picture
from made_runs import small_study

from fctransfer_utils.cli import main
from fctransfer_utils.data import DataSpec, load
from fctransfer_utils.data.download import fetch
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.store import Store, StoreError
from fctransfer_utils.experiments.table import tidy, write_table
from fctransfer_utils.files import sha256_of, write_text

MEGABYTE = 2**20


@pytest.fixture
def image_folder(tmp_path):
    """Two classes of noise, 20 pictures of 3 kB each."""
    random = np.random.default_rng(0)
    for part, count in (("train", 8), ("val", 2)):
        for name in ("ant", "bee"):
            folder = tmp_path / "pictures" / part / name
            folder.mkdir(parents=True)
            for index in range(count):
                picture(int(random.integers(256))).save(folder / f"{index}.png")
    return tmp_path / "pictures"


def test_a_disk_that_fills_while_a_study_runs_keeps_what_was_finished(disk, run, compare, undisturbed):
    one = max(len(content) for content in undisturbed[2].values())
    small = disk(one + one // 2)  # room for the weights of one base, not of two
    store = Store(small.folder / "store")
    with pytest.raises(StoreError, match=r"cannot write to the store .*No space left.*start again"):
        run(store)
    assert [record.spec.treatment for record in store.records()] == ["base"]
    assert store.damaged() == {}
    small.change(f"size={4 * one}")
    assert run(store).done == 6
    compare(store)


def test_a_disk_without_a_byte_left_refuses_at_once_and_leaves_the_store_as_it_was(disk, run, compare):
    full = disk(16 * MEGABYTE)
    store = Store(full.folder / "store")
    run(store)
    filler = full.fill()
    (store.path / "records" / f"{small_study().keys[-1]}.json").unlink()
    full.fill()
    with pytest.raises(StoreError, match="No space left"):
        run(store)
    with pytest.raises(StoreError, match="No space left"):
        Store(full.folder / "another")
    assert len(store.records()) == 6
    filler.unlink()
    assert run(store).done == 1
    compare(store)


def test_a_table_on_a_full_disk_stays_what_it_was(disk, run, store, tmp_path):
    run(store)
    rows = tidy(store.records(), study="transfer")
    full = disk(MEGABYTE)
    table = full.folder / "transfer.csv"
    write_table(rows[:3], table)
    before = table.read_bytes()
    full.fill()
    with pytest.raises(InputError, match=r"cannot write the table .*No space left"):
        write_table(rows * 100, table)
    assert table.read_bytes() == before
    assert sorted(file.name for file in full.folder.iterdir()) == ["filler", "transfer.csv"]


def test_decoded_images_that_fill_the_disk_leave_nothing_behind(disk, image_folder, monkeypatch):
    small = disk(MEGABYTE)
    monkeypatch.setenv("FCTRANSFER_CACHE", str(small.folder))
    spec = DataSpec(f"folder:{image_folder}", image_size=256)  # 4 MB
    with pytest.raises(InputError, match=r"no space in .*nothing was left behind"):
        load(spec)
    usage = shutil.disk_usage(small.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**40))  # another program is faster
    with pytest.raises(InputError, match=r"no space in .*nothing was left behind"):
        load(spec)
    assert [file for file in small.folder.iterdir() if file.suffix != ".lock"] == []
    small.change(f"size={8 * MEGABYTE}")
    assert len(load(spec).train_images) == 16


def test_a_download_that_fills_the_disk_leaves_nothing_behind(disk, tmp_path, monkeypatch):
    source = tmp_path / "set.zip"
    source.write_bytes(bytes(2 * MEGABYTE))
    small = disk(MEGABYTE)
    usage = shutil.disk_usage(small.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**40))
    with pytest.raises(InputError, match=r"download of .* failed: .*No space left"):
        fetch(source.as_uri(), small.folder / "set.zip", sha256=sha256_of(source))
    assert not (small.folder / "set.zip").exists()
    assert [file for file in small.folder.iterdir() if file.suffix == ".tmp"] == []


def test_a_store_that_may_only_be_read_is_read_and_not_written(disk, run, undisturbed, capsys, tmp_path):
    medium = disk(64 * MEGABYTE)
    store = Store(medium.folder / "store")
    run(store, small_study(treatments=("base",)))
    medium.change("ro")
    there = Store(store.path)
    assert len(there.records()) == 2
    assert there.weights(there.keys()[0])
    with pytest.raises(StoreError, match="Read-only file system"):
        run(there)
    with pytest.raises(StoreError, match="Read-only file system"):
        Store(medium.folder / "new")
    capsys.readouterr()
    assert main(["status", "--store", str(store.path)]) == 0
    assert "2 networks" in capsys.readouterr().out
    assert main(["table", "--store", str(store.path), "--out", str(tmp_path / "table.csv")]) == 0
    capsys.readouterr()
    assert main(["table", "--store", str(store.path), "--out", str(medium.folder / "table.csv")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_text_is_replaced_whole_or_not_at_all(disk):
    full = disk(MEGABYTE)
    file = full.folder / "text"
    write_text(file, "old")
    full.fill()
    with pytest.raises(OSError, match="No space left"):
        write_text(file, "new" * 10**6)
    assert file.read_text() == "old"
