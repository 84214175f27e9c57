"""Where the object of each test image is, for the sets that know it: what localisation is measured against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError
from .sources import data_root, load
from .spec import DataSpec

WITH_BOXES = ("glyph-places", "tiny-imagenet")


def test_boxes(spec: DataSpec, *, root: Path | str | None = None) -> Tensor:  # noqa: PT028 (boxes of the test images)
    """One box for each of ``load(spec, root=root).test_images``, in their order: float32 (N, 4).

    Left, top, right and bottom, as shares of the side from the top left corner, 0 <= left < right <= 1.
    ``glyph-places`` has the box of the glyph's own coverage, to the pixel; ``tiny-imagenet`` the one that its authors
    drew. Raises InputError for a set without boxes, for annotations without them and where images had to be left out.
    """
    if spec.name == "glyph-places":
        from .glyph_places import boxes

        return torch.from_numpy(boxes(spec).astype(np.float32))
    if spec.name == "tiny-imagenet":
        return _tiny_imagenet(spec, root)
    raise InputError(f"{spec.name} has no boxes; {' and '.join(WITH_BOXES)} have: choose one of them.")


def _tiny_imagenet(spec: DataSpec, root: Path | str | None) -> Tensor:
    from . import tiny_imagenet

    images = load(replace(spec, view=""), root=root)  # also makes sure that the files are there
    pixels = torch.tensor(tiny_imagenet.boxes(tiny_imagenet.find(data_root(root))), dtype=torch.float32)
    if len(pixels) != len(images.test_labels):
        raise InputError(
            f"only {len(images.test_labels)} of {len(pixels)} test images of {spec.name} could be read, so it is not"
            " known which box belongs to which; repair the files that were skipped."
        )
    pixels[:, 2:] += 1  # the last pixel is part of the box
    return pixels / tiny_imagenet.SIDE
