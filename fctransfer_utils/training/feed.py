"""Batches on their way to a network: in which order images come, and from where."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from ..data.image_set import Labelled
from ..data.rows import Rows

SHARE = 0.25
"""Images stay on a GPU when they take at most this share of its free memory, so that a few networks fit beside them."""


class Place(NamedTuple):
    """Where ``Batches`` stand: the generator's state when the order was drawn, and how many images of it are taken."""

    drawn: Tensor
    taken: int


class Batches:
    """Batches of image numbers (``size``,) without end: one random order of all images after the other.

    The last batch of an order is smaller where ``images`` is no multiple of ``size``.
    """

    def __init__(self, images: int, size: int, order: torch.Generator) -> None:
        self._images = images
        self._size = size
        self._generator = order
        self._draw()

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        if self._taken >= self._images:
            self._draw()
        chosen = self._order[self._taken : self._taken + self._size]
        self._taken += len(chosen)
        return chosen

    @property
    def place(self) -> Place:
        """What ``go_to`` needs to continue from here."""
        return Place(self._drawn, self._taken)

    def go_to(self, place: Place) -> None:
        """Go on where other batches of as many images stood."""
        self._generator.set_state(place.drawn)
        self._draw()
        self._taken = place.taken

    def _draw(self) -> None:
        self._drawn = self._generator.get_state()
        self._order = torch.randperm(self._images, generator=self._generator)
        self._taken = 0


class Feed:
    """Labelled images for training on ``device``: resident there where they fit, otherwise read batch by batch.

    Images that stay behind (memory-mapped ones, or too many for a GPU) are read by a second thread, one batch ahead.
    """

    def __init__(self, part: Labelled, device: str) -> None:
        self.device = device
        self.labels = part.labels.to(device)
        self.resident = not isinstance(part.images, Rows) and _fits(part.images, device)
        self.images = part.images.to(device) if self.resident else part.images

    def batches(self, order: Iterator[Tensor], steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The next ``steps`` batches of ``order``: images uint8 (B, 3, H, W) and labels int64 (B,) on the device."""
        chosen = islice(order, steps)
        if self.resident:
            for numbers in (each.to(self.device) for each in chosen):
                yield self.images[numbers], self.labels[numbers]
            return
        with ThreadPoolExecutor(1) as reader:
            ahead = None
            for numbers in chosen:
                coming = numbers, reader.submit(self._read, numbers)
                if ahead is not None:
                    yield self._sent(*ahead)
                ahead = coming
            if ahead is not None:
                yield self._sent(*ahead)

    def _read(self, numbers: Tensor) -> Tensor:
        images = self.images[numbers]
        return images.pin_memory() if self.device.startswith("cuda") else images

    def _sent(self, numbers: Tensor, read) -> tuple[Tensor, Tensor]:
        images = read.result().to(self.device, non_blocking=True)
        return images, self.labels[numbers.to(self.device)]


def on_device(part: Labelled, device: str) -> Labelled:
    """``part`` on ``device`` where it fits there, else where it lies."""
    if isinstance(part.images, Rows) or not _fits(part.images, device):
        return part
    return Labelled(part.images.to(device), part.labels.to(device))


def _fits(images: Tensor, device: str) -> bool:
    if not device.startswith("cuda") or images.is_cuda:
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= SHARE * free
