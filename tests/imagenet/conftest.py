"""A made tree in the layout of ImageNet: 1000 real wnids, two small training images and one to test on each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from fctransfer_utils.course.made_imagenet import ODD, made_imagenet
from fctransfer_utils.data import DataSpec, load

SIDE = 72


class Tree(NamedTuple):
    """The folder, and its odd files by their kind."""

    root: Path
    odd: dict[str, Path]

    @property
    def data(self) -> str:
        """As the command line takes it."""
        return f"folder:{self.root}"


@pytest.fixture(scope="session")
def tree(tmp_path_factory) -> Tree:
    """Whole: every file can be read."""
    root = tmp_path_factory.mktemp("imagenet")
    return Tree(root, made_imagenet(root, side=SIDE))


@pytest.fixture(scope="session")
def images(tree):
    """Decoded at the side of the files."""
    return load(DataSpec(tree.data, image_size=SIDE))


@pytest.fixture(scope="session")
def damaged(tmp_path_factory) -> Tree:
    """Ten classes, with a file that is cut short among the odd ones."""
    root = tmp_path_factory.mktemp("damaged")
    return Tree(root, made_imagenet(root, classes=10, side=SIDE, odd=ODD))


@pytest.fixture(autouse=True)
def plain_execution(monkeypatch):
    """No probe, and no option from outside."""
    monkeypatch.setenv("FCTRANSFER_EXECUTION", "cpu/float32")
    for name in ("FCTRANSFER_CACHE", "FCTRANSFER_BAD_IMAGES"):
        monkeypatch.delenv(name, raising=False)
