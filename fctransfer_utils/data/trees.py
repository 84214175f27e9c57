"""Folders of files, on disk or in a zip archive, behind one small interface.

A zip is read in place and never unpacked, so no member can be written outside a folder.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Protocol

from ..errors import InputError

IGNORED = ("Thumbs.db", "desktop.ini", "__MACOSX")
LARGEST_MEMBER = 256 * 2**20


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
        return sorted(entry.name for entry in self._entries(path) if entry.is_dir())

    def files(self, path: str) -> dict[str, str]:
        found = {}
        for entry in self._entries(path):
            if not entry.is_dir():
                status = entry.stat()
                found[entry.name] = f"{status.st_size}@{status.st_mtime_ns}"
        return dict(sorted(found.items()))

    def read(self, path: str) -> bytes:
        return (self.where / path).read_bytes()

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
        except (zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{where} is not a readable zip archive ({error}); download it again.") from None
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
        member = self._archive.getinfo(self._top + path)
        if member.file_size > LARGEST_MEMBER:
            raise OSError(f"member of {member.file_size} bytes is larger than {LARGEST_MEMBER}")
        try:
            return self._archive.read(member)
        except (zipfile.BadZipFile, EOFError, ValueError) as error:
            raise OSError(str(error)) from None

    def _add(self, member: zipfile.ZipInfo) -> None:
        path = member.filename.removeprefix(self._top)
        *parents, name = path.split("/")
        if any(_ignored(part) for part in (*parents, name)):
            return
        for depth in range(len(parents)):
            self._folders.setdefault("/".join(parents[:depth]), set()).add(parents[depth])
        self._files.setdefault("/".join(parents), {})[name] = f"{member.file_size}#{member.CRC:08x}"


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.split("/")[0] in IGNORED
