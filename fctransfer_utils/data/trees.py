"""Folders of files, on disk or in a zip archive, behind one small interface.

A zip is read in place and never unpacked, so no member can be written outside a folder.
"""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Protocol

from ..errors import InputError

IGNORED = ("Thumbs.db", "desktop.ini", "__MACOSX")
LARGEST_MEMBER = 256 * 2**20
"""Bytes of one file; no picture has more."""
MOST_MEMBERS = 2_000_000
MOST_EXPANSION = 200
"""Times that a member larger than SMALL may grow when it is unpacked; pictures hardly grow at all."""
SMALL = 2**20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Ways of packing; Python unpacks the others all at once, however large they become."""
DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, KeyError, ValueError, IndexError, RuntimeError,
)  # fmt: skip
"""What the zipfile module raises for archives that are damaged, encrypted or packed in unknown ways."""


class Tree(Protocol):
    """Paths are relative to the tree, with forward slashes."""

    where: Path

    def folders(self, path: str) -> list[str]:
        """The names of the folders in ``path``, sorted."""

    def files(self, path: str) -> dict[str, str]:
        """The names of the files in ``path``, sorted, each with a stamp that changes when the file does."""

    def read(self, path: str) -> bytes:
        """A file's bytes. Raises OSError."""


class FolderTree:
    """A folder on disk; a file's stamp is its size and time of change."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def folders(self, path: str) -> list[str]:
        return sorted(entry.name for entry in self._entries(path) if _is_folder(entry))

    def files(self, path: str) -> dict[str, str]:
        found = {}
        for entry in self._entries(path):
            if not _is_folder(entry):
                found[entry.name] = _stamp(entry)
        return dict(sorted(found.items()))

    def read(self, path: str) -> bytes:
        file = self.where / path
        status = file.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe or a device would never end
            raise OSError("not a regular file")
        if status.st_size > LARGEST_MEMBER:
            raise OSError(f"file of {status.st_size} bytes is larger than {LARGEST_MEMBER}")
        return file.read_bytes()

    def _entries(self, path: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.where / path) as entries:
                return [entry for entry in entries if not _ignored(entry.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise InputError(
                f"cannot list {self.where / path}: {error.strerror}; check the path and its rights."
            ) from None


class ZipTree:
    """A zip archive; a member's stamp is its size and CRC-32.

    If everything lies in one folder, that folder is the tree's root. Raises InputError for a file that is no zip.
    """

    def __init__(self, where: Path) -> None:
        self.where = where
        try:
            self._archive = zipfile.ZipFile(where)
        except (*DAMAGE, OSError) as error:
            raise InputError(f"{where} is not a readable zip archive ({error}); download it again.") from None
        if len(self._archive.infolist()) > MOST_MEMBERS:
            raise InputError(f"{where} has more than {MOST_MEMBERS} members; unpack it and name the folder.")
        self._folders: dict[str, set[str]] = {"": set()}
        self._files: dict[str, dict[str, str]] = {}
        members = [member for member in self._archive.infolist() if not member.is_dir()]
        tops = {member.filename.split("/")[0] for member in members if not _ignored(member.filename)}
        self._top = f"{tops.pop()}/" if len(tops) == 1 else ""
        for member in members:
            self._add(member)

    def folders(self, path: str) -> list[str]:
        return sorted(self._folders.get(path, ()))

    def files(self, path: str) -> dict[str, str]:
        return dict(sorted(self._files.get(path, {}).items()))

    def read(self, path: str) -> bytes:
        try:
            member = self._archive.getinfo(self._top + path)
            _refuse_bomb(member)
            return self._archive.read(member)
        except DAMAGE as error:
            raise OSError(str(error) or type(error).__name__) from None

    def _add(self, member: zipfile.ZipInfo) -> None:
        path = member.filename.removeprefix(self._top)
        *parents, name = path.split("/")
        if any(_ignored(part) for part in (*parents, name)):
            return
        for depth in range(len(parents)):
            self._folders.setdefault("/".join(parents[:depth]), set()).add(parents[depth])
        self._files.setdefault("/".join(parents), {})[name] = f"{member.file_size}#{member.CRC:08x}"


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads back to itself
        return False


def _stamp(entry: os.DirEntry[str]) -> str:
    try:
        status = entry.stat()
    except OSError:  # a link to nothing; reading it says so by name
        return "absent"
    return f"{status.st_size}@{status.st_mtime_ns}"


def _refuse_bomb(member: zipfile.ZipInfo) -> None:
    """Raises OSError for a member that could fill the memory."""
    if member.compress_type not in METHODS:
        raise OSError(f"packed by method {member.compress_type}, which is not read; pack it by deflation")
    if member.file_size > LARGEST_MEMBER:
        raise OSError(f"member of {member.file_size} bytes is larger than {LARGEST_MEMBER}")
    if member.file_size > SMALL and member.file_size > MOST_EXPANSION * member.compress_size:
        raise OSError(f"{member.compress_size} bytes grow to {member.file_size}, which no picture does")


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.split("/")[0] in IGNORED
