"""``load``: from a specification to images, whatever the source."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

from ..errors import unknown
from ..files import expanded
from .cache import BAD_IMAGES, cached
from .image_set import ImageSet, Labelled, build
from .listing import Listing
from .spec import SETS, DataSpec
from .variants import viewed

CACHE = ".fctransfer-cache"
_RENDERERS = {
    "glyphs": "glyphs",
    "glyph-others": "glyphs",
    "glyph-textures": "glyph_textures",
    "glyph-scenes": "glyph_scenes",
    "glyph-fonts": "glyph_faces",
    "glyph-places": "glyph_places",
}
"""The module of this room whose ``render`` makes a set; imported when it is needed."""


def load(
    spec: DataSpec,
    *,
    root: Path | str | None = None,
    progress: bool = False,
    bad_images: str | None = None,
    download: bool | None = None,
) -> ImageSet:
    """The images of ``spec``, as its ``view`` shows them.

    ``root`` is where the public sets lie or are downloaded to (default: FCTRANSFER_DATA, else ``build/data``).
    ``bad_images`` is ``refuse`` or ``skip`` (default: FCTRANSFER_BAD_IMAGES, else refuse). ``download`` says whether
    a missing public set may be fetched (default: yes, unless FCTRANSFER_DOWNLOAD is 0). Raises InputError.
    """
    return _viewed(_load(spec, root, progress=progress, bad_images=bad_images, download=download), spec.view)


def _viewed(images: ImageSet, view: str) -> ImageSet:
    """The set with its statistics and fingerprint computed anew from the viewed images, which lie in memory."""
    if not view:
        return images
    return build(
        images.name,
        train=Labelled(viewed(images.train_images, view), images.train_labels),
        test=Labelled(viewed(images.test_images, view), images.test_labels),
        class_ids=images.class_ids,
        class_names=images.class_names,
        flip=images.flip,
        groups=images.groups,
    )


def _load(
    spec: DataSpec, root: Path | str | None, *, progress: bool, bad_images: str | None, download: bool | None
) -> ImageSet:
    if spec.name in _RENDERERS:
        return import_module(f".{_RENDERERS[spec.name]}", __package__).render(spec)
    bad_images = bad_images or os.environ.get("FCTRANSFER_BAD_IMAGES") or "refuse"
    if bad_images not in BAD_IMAGES:
        raise unknown("choice for bad_images", bad_images, BAD_IMAGES)
    if download is None:
        download = os.environ.get("FCTRANSFER_DOWNLOAD", "1") != "0"
    found, home = _listing(spec, data_root(root), download=download, progress=progress)
    return cached(
        found, image_size=spec.image_size, folders=_cache_folders(home), bad_images=bad_images, progress=progress
    )


def listed(spec: DataSpec, root: Path | str | None = None) -> Listing:
    """The files of a set that is read from files, none of them opened and nothing downloaded. Raises InputError."""
    return _listing(spec, data_root(root), download=False, progress=False)[0]


def is_decoded(spec: DataSpec, root: Path | str | None = None) -> bool:
    """Whether there is a decoded copy of the files at the size of ``spec``. Raises InputError where there are none."""
    found, home = _listing(spec, data_root(root), download=False, progress=False)
    return any((folder / found.key(spec.image_size)).exists() for folder in _cache_folders(home))


def data_root(root: Path | str | None) -> Path:
    """Where the public sets lie: ``root``, else FCTRANSFER_DATA, else ``build/data``."""
    return expanded(root or os.environ.get("FCTRANSFER_DATA") or "build/data")


def _listing(spec: DataSpec, root: Path, *, download: bool, progress: bool) -> tuple[Listing, Path]:
    """The files of the set and the folder that its decoded copies belong to."""
    if spec.name == "tiny-imagenet":
        from . import tiny_imagenet

        where = tiny_imagenet.find(root)
        if where is None:
            where = tiny_imagenet.fetch(root, download=download, progress=progress)
        return tiny_imagenet.listing(where), where.parent if where.is_file() else root
    if spec.name in ("cifar10", "cifar100"):
        from . import cifar

        return cifar.listing(spec.name, root, download=download, progress=progress), root
    kind, _, path = spec.name.partition(":")
    if kind == "folder":
        from . import folder

        where = expanded(path)
        return folder.listing(where), where.parent if where.is_file() else where
    raise unknown("data set", spec.name, SETS)


def _cache_folders(home: Path) -> list[Path]:
    """Where decoded copies are looked for and, in the first that can be written, made."""
    explicit = os.environ.get("FCTRANSFER_CACHE")
    folders = [expanded(explicit)] if explicit else []
    return [*folders, home / CACHE, Path("build/cache")]
