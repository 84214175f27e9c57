"""Labelled images that stay on one device, and draws from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from ..errors import InputError
from ..seeds import generator


@dataclass(frozen=True)
class Images:
    """``pixels`` uint8 (N, 3, H, W), or floats that go into a network as they are; ``labels`` int64 (N,) from 0.

    ``mean`` and ``std``, of each channel in 0..1, are those of the images that a network learns (``measured``);
    ``flip`` says whether a mirrored image is still one of its class.
    """

    pixels: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.25, 0.25, 0.25)
    flip: bool = True

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> int:
        """Height of the images in pixels."""
        return self.pixels.shape[-2]

    @property
    def at_once(self) -> int:
        """How many of them a network is shown at once, so that large images need no more memory than small ones."""
        return max(8, min(200, 2**20 // max(1, self.pixels[:1].numel())))

    def measured(self) -> Images:
        """The same images (uint8), to be normalised by their own mean and deviation."""
        counts = torch.zeros(3, 256, dtype=torch.int64)  # how often each channel has each value: exact and fast
        for part in self.pixels.split(2000):  # a set may be larger than memory: it is read in parts
            for channel in range(3):
                counts[channel] += torch.bincount(part[:, channel].flatten(), minlength=256).cpu()
        share, value = counts.double() / counts.sum(1, keepdim=True), torch.arange(256).double() / 255
        mean = share @ value
        std = (share * (value - mean[:, None]) ** 2).sum(1).sqrt()
        return replace(self, mean=tuple(mean.tolist()), std=tuple(std.tolist()))

    def normalised_like(self, other: Images) -> Images:
        """The same images, normalised by the mean and deviation of those that ``other`` was measured on."""
        return replace(self, mean=other.mean, std=other.std)

    def normalise(self, batch: Tensor) -> Tensor:
        """Pixels (n, 3, H, W) as float32 in channels-last layout, less the mean, over the deviation.

        A channel that is the same in every image says nothing and becomes 0. Floats pass as they are.
        """
        if batch.is_floating_point():
            return batch
        less, scale = _constants(self.mean, self.std, str(batch.device))
        return torch.addcmul(less, batch.to(torch.float32, memory_format=torch.channels_last), scale)

    def to(self, device: str | torch.device) -> Images:
        """The same images, resident on ``device``."""
        return replace(self, pixels=self.pixels.to(device), labels=self.labels.to(device))

    def at(self, chosen: Tensor | slice) -> Images:
        """The images at the positions ``chosen``; of a slice they stay where they are, as on disk."""
        return replace(self, pixels=self.pixels[chosen], labels=self.labels[chosen])

    def of_classes(self, members: Sequence[int]) -> Images:
        """The images of some classes, relabelled 0, 1, ... in the order of ``members``, which are sorted by label."""
        wrong = [each for each in members if not 0 <= each < len(self.classes)]
        if wrong or len(set(members)) < len(members) or not members:
            raise InputError(
                f"classes {list(members)} cannot be taken from {len(self.classes)} classes; "
                f"give different numbers from 0 to {len(self.classes) - 1}."
            )
        where = [torch.nonzero(self.labels == each).flatten() for each in members]
        labels = torch.cat([torch.full_like(found, label) for label, found in enumerate(where)])
        names = tuple(self.classes[each] for each in members)
        return replace(self, pixels=self.pixels[torch.cat(where)], labels=labels, classes=names)

    def draw(self, per_class: int, *, seed: int, skip: int = 0) -> Images:
        """``per_class`` random images of each class, behind the first ``skip`` in an order that ``seed`` alone sets.

        So a draw of 5 is part of the draw of 10, and draws with another ``skip`` share no image. 0 takes all the rest.
        Raises InputError for more images than a class has.
        """
        counts = torch.bincount(self.labels, minlength=len(self.classes))
        least = int(counts.min())
        if skip + max(per_class, 1) > least:
            name = self.classes[int(counts.argmin())]
            wanted = f"{per_class} images a class" + (f" behind {skip} others" if skip else "")
            raise InputError(f"{wanted} cannot be drawn: class {name!r} has {least}; ask for fewer.")
        chance = generator(seed, "draw")
        taken = []
        for label in range(len(self.classes)):
            where = torch.nonzero(self.labels == label).flatten()
            order = torch.randperm(len(where), generator=chance).to(where.device)
            taken.append(where[order[skip : skip + per_class if per_class else None]])
        return self.at(torch.cat(taken))

    def fingerprint(self) -> str:
        """16 hexadecimal digits of all pixels and labels, in their order: other images have another one."""
        digest = hashlib.sha256(
            repr((tuple(self.pixels.shape), str(self.pixels.dtype), self.classes)).encode("utf-8", "surrogateescape")
        )
        for part in (*self.pixels.split(2000), self.labels):
            digest.update(part.detach().contiguous().cpu().numpy().data)
        return digest.hexdigest()[:16]


@lru_cache(maxsize=64)  # a GPU would be waited for at every step
def _constants(mean: tuple[float, ...], std: tuple[float, ...], device: str) -> tuple[Tensor, Tensor]:
    """What is added to a pixel and what it is multiplied by, (3, 1, 1) each."""
    middle, spread = (torch.tensor(each, device=device)[:, None, None] for each in (mean, std))
    scale = torch.where(spread > 1e-4, 1 / (255 * spread), torch.zeros_like(spread))
    return -255 * middle * scale, scale
