"""Temporary folders of processes that were killed are removed by the next one, and no others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from fctransfer_utils.scratch import LOCK, scratch_folder

HOLDS = """from fctransfer_utils.scratch import scratch_folder
with scratch_folder() as folder:
    print(folder, flush=True)
    input()"""


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """The system's folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def holder():
    """Another process, in its folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLDS], stdin=-1, stdout=-1, text=True)
    process.folder = process.stdout.readline().strip()
    yield process
    process.kill()
    process.communicate()


def test_it_goes_with_the_context_and_with_an_error(temporary):
    def fails():
        with scratch_folder() as folder:
            (folder / "deep").mkdir()
            assert folder.parent == temporary
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not(temporary, holder):
    with scratch_folder() as folder:
        assert {str(path) for path in temporary.iterdir()} == {holder.folder, str(folder)}
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with scratch_folder() as folder:
        assert list(temporary.iterdir()) == [folder]


def test_folders_of_other_users_and_those_without_a_lock_stay(temporary, monkeypatch):
    unlocked, theirs = temporary / "fctransfer-unlocked", temporary / "fctransfer-theirs"
    for folder in (unlocked, theirs):
        folder.mkdir()
    (theirs / LOCK).touch()
    with monkeypatch.context() as another:
        another.setattr(os, "getuid", lambda: theirs.stat().st_uid + 1)
        with scratch_folder():
            pass
    assert set(temporary.iterdir()) == {unlocked, theirs}
    with scratch_folder():
        pass
    assert set(temporary.iterdir()) == {unlocked}


def test_a_disk_without_locks_keeps_what_is_on_it(temporary, monkeypatch):
    def refused(*_):
        raise NotImplementedError("no locks here")

    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    with scratch_folder() as first, scratch_folder() as second:
        assert first.exists()
        assert second.exists()
    assert list(temporary.iterdir()) == []
