from __future__ import annotations

from pathlib import Path

import pytest
from made_pictures import picture


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Three classes with two training images and one validation image each, in grey levels that tell them apart."""
    root = tmp_path / "pictures"
    for label, name in enumerate(("ant", "bee", "cow")):
        for part, count in (("train", 2), ("val", 1)):
            folder = root / part / name
            folder.mkdir(parents=True)
            for index in range(count):
                picture(60 * label + 20 * index).save(folder / f"{index}.png")
    return root


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes caches, options or data outside its own folder."""
    for name in ("FCTRANSFER_CACHE", "FCTRANSFER_DATA", "FCTRANSFER_BAD_IMAGES", "FCTRANSFER_DOWNLOAD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
