"""A process that forks runs of the small study, what an undisturbed run gives, and file systems of any size."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from made_runs import launcher, small_study

from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.progress import silent
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.experiments.table import tidy


@pytest.fixture(autouse=True)
def own_settings(monkeypatch, tmp_path):
    """No test reads options or writes caches outside its own folder; none probes for the fastest execution."""
    for name in ("FCTRANSFER_CACHE", "FCTRANSFER_DATA", "FCTRANSFER_BAD_IMAGES", "FCTRANSFER_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def forks():
    """The process that forks runs."""
    with launcher() as there:
        yield there


@pytest.fixture
def run():
    """``run(store, **options)``: the small study, silently, in this process."""
    return lambda store, study=None, **options: engine.run(
        study or small_study(), store, **{"progress": silent, **options}
    )


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def everything(store):
    """All that must be the same however a study was run: the table without times, the records, the bytes of weights."""
    rows = [{**row, "seconds": 0} for row in tidy(store.records(), study="transfer")]
    weights = {file.name: file.read_bytes() for file in sorted((store.path / "weights").glob("*"))}
    return rows, {record.key: record.outcome() for record in store.records()}, weights


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """``everything`` of a store in which the small study was trained in one go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
        whole = Store(tmp_path_factory.mktemp("undisturbed"))
        engine.run(small_study(), whole, progress=silent)
    found = everything(whole)
    assert len(found[0]) == 7
    return found


@pytest.fixture
def compare(undisturbed):
    """``compare(store)``: the store holds what an undisturbed run gives, nothing less, nothing twice, no leftovers."""

    def same(store):
        assert everything(store) == undisturbed
        assert store.damaged() == {}
        assert not [file for file in store.path.rglob("*") if file.suffix == ".tmp"]

    return same


class Disk:
    """A file system of its own in memory, ``size`` bytes large."""

    def __init__(self, folder, size):
        self.folder = folder
        folder.mkdir()
        self._mount(f"size={size}")

    def change(self, options):
        """Mount again with other options, such as ``ro`` or another size."""
        self._mount(f"remount,{options}")

    def fill(self):
        """Leave no room in a file; the file."""
        file = self.folder / "filler"
        with file.open("wb", buffering=0) as handle:
            try:
                while True:
                    handle.write(bytes(4096))
            except OSError:
                return file

    def _mount(self, options):
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"this user may not mount a small file system ({done.stderr.strip()})")


@pytest.fixture
def disk(tmp_path):
    """``disk(bytes)``: an empty Disk; skips the test where none can be mounted."""
    if os.name != "posix" or shutil.which("mount") is None:
        pytest.skip("there is no mount command here")
    made = []

    def mount(size):
        made.append(Disk(tmp_path / f"disk{len(made)}", size))
        return made[-1]

    yield mount
    for each in made:
        subprocess.run(["umount", "--lazy", str(each.folder)], capture_output=True, check=False)
