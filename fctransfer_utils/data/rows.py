"""Some images of a set that are too many to copy: they stay where they are and are read when they are needed."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

MOST_COPIED = 2**31
"""Selections of more bytes than this are not copied into memory but read from the set, batch by batch."""


class Rows:
    """The images ``source[index]``, in the ways in which training uses a tensor of images.

    ``source`` is uint8 (N, 3, H, W), mostly memory-mapped; ``index`` int64 (M,). Indexing with image numbers and
    ``split`` read images into memory; a slice or a mask gives fewer rows and reads nothing.
    """

    def __init__(self, source: Tensor, index: Tensor) -> None:
        self.source = source
        self.index = index

    def __len__(self) -> int:
        return len(self.index)

    @property
    def shape(self) -> torch.Size:
        """(M, 3, H, W)."""
        return torch.Size((len(self.index), *self.source.shape[1:]))

    @property
    def dtype(self) -> torch.dtype:
        """That of the source."""
        return self.source.dtype

    @property
    def nbytes(self) -> int:
        """What a copy would take."""
        return len(self.index) * self.source[:1].nbytes

    def __getitem__(self, chosen: Tensor | slice | int) -> Tensor | Rows:
        if isinstance(chosen, slice) or (isinstance(chosen, Tensor) and chosen.dtype == torch.bool):
            return Rows(self.source, self.index[chosen])
        return self.source[self.index[chosen]]

    def split(self, size: int) -> Iterator[Tensor]:
        """Batches of ``size`` images in order, each read when its turn comes."""
        return (self.source[part] for part in self.index.split(size))

    def to(self, device: torch.device | str) -> Tensor:
        """All images as one tensor on ``device``."""
        return self.source[self.index].to(device)


def selected(images: Tensor, index: Tensor) -> Tensor | Rows:
    """The images of ``index``: a copy, or ``Rows`` where a copy would take more than MOST_COPIED bytes."""
    rows = Rows(images, index)
    return rows if rows.nbytes > MOST_COPIED else images[index]
