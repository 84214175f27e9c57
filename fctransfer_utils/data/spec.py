"""Which images a network sees, as pure data (imports no torch)."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown

RENDERED = ("glyphs", "textures", "documents")
PUBLIC = ("tiny-imagenet", "cifar10", "cifar100")
SOURCES = (*RENDERED, *PUBLIC, "folder")


@dataclass(frozen=True)
class DataSpec:
    """Images by ``name`` at ``size`` pixels; ``per_class`` and ``test_per_class`` of each class if rendered.

    Where the files of the others lie is not part of what they are: their fingerprint is. ``folder``: of several folders
    of yours below one root, which one.
    """

    name: str = "glyphs"
    size: int = 32
    classes: int = 0
    per_class: int = 0
    test_per_class: int = 0
    folder: str = ""

    def __post_init__(self) -> None:
        if self.name not in SOURCES:
            raise unknown("set of images", self.name, SOURCES)
        if self.size < 16:
            raise InputError(f"images of {self.size} pixels are too small for the networks here; give 16 or more.")
        if self.name not in RENDERED and (self.per_class or self.test_per_class):
            raise InputError(f"{self.name!r} has the images that it has; take fewer by Network.per_class instead.")
        if self.folder and self.name != "folder":
            raise InputError(f"the images of {self.name!r} lie in no folder {self.folder!r}; leave it empty.")

    @property
    def needs_files(self) -> bool:
        """Whether a folder with the images has to be named."""
        return self.name not in RENDERED
