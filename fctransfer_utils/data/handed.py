"""A set of images handed from one process of this machine to others: a file that all of them map into memory.

So what was rendered once is not rendered again by every worker, and lies in memory once. The file is written and read
by one run of the engine; it is no place to keep images in.
"""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

from torch import Tensor

from .image_set import ImageSet

ENTRY = "fctransfer"
TENSORS = ("train_images", "train_labels", "test_images", "test_labels")


def hand(images: ImageSet, file: Path) -> None:
    """Write ``images``, which lie in memory, to ``file``. Raises OSError where that cannot be done."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {name: getattr(images, name).contiguous() for name in TENSORS}
    told = {each.name: getattr(images, each.name) for each in fields(images) if each.name not in TENSORS}
    try:
        save_file(tensors, file, {ENTRY: json.dumps({**told, "groups": dict(images.groups)})})
    except SafetensorError as error:
        raise OSError(str(error)) from error


def is_handed(images: ImageSet) -> bool:
    """Whether ``images`` can be handed on: those that are read from files batch by batch cannot, and need not be."""
    return all(isinstance(getattr(images, name), Tensor) for name in TENSORS)


def handed(file: Path) -> ImageSet:
    """The images in ``file``, mapped: pages are shared with every process that reads it."""
    from safetensors import safe_open

    with safe_open(file, framework="pt") as content:
        told = json.loads(content.metadata()[ENTRY])
        tensors = {name: content.get_tensor(name) for name in TENSORS}
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    groups = {name: tuple(members) for name, members in told["groups"].items()}
    return ImageSet(**{**plain, "groups": groups}, **tensors)
