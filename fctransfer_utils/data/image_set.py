"""Labelled images in memory: what every other room gets from ``data/``."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import InputError, unknown
from ..files import canonical_json
from ..seeds import generator
from .rows import Rows, selected

PARTS = ("train", "test")
BLOCK = 2048


class Labelled(NamedTuple):
    """Images uint8 ``(N, 3, H, W)`` and their labels int64 ``(N,)``, numbered 0..classes-1.

    Images of a set that is too large for memory are ``Rows``, which read a batch when it is asked for.
    """

    images: Tensor | Rows
    labels: Tensor


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A data set at one image size.

    ``train_images`` and ``test_images`` are uint8 ``(N, 3, S, S)``; sets that were decoded to disk are memory-mapped
    (a private mapping: nothing can be written back to the file). Labels are int64 ``(N,)`` and index ``class_ids``
    (wnids, characters or folder names) and ``class_names`` (for people). ``groups`` names groups of classes. ``flip``
    says whether mirrored images make sense. ``mean`` and ``std`` are per channel of the training images, in 0..1.
    ``fingerprint`` is a hash of names, labels and pixels.
    """

    name: str
    image_size: int
    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    class_names: tuple[str, ...]
    class_ids: tuple[str, ...]
    flip: bool
    fingerprint: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_ids)

    def select(self, classes: Sequence[int], *, part: str = "train", per_class: int = 0, seed: int = 0) -> Labelled:
        """The images of ``classes``, relabelled 0..k-1 in that order.

        ``per_class`` > 0 takes that many images of each class by a draw that depends on ``seed`` and the class only
        and is nested: the draw of 5 is part of the draw of 10. 0 takes all.

        Raises InputError for an empty, repeated or unknown class, for a class without images in ``part`` and for more
        images than there are.
        """
        if part not in PARTS:
            raise unknown("part", part, PARTS)
        if per_class < 0:
            raise InputError(f"per_class {per_class} is negative; give 0 for all images or a number.")
        chosen = self._checked(classes)
        images, labels = (
            (self.train_images, self.train_labels) if part == "train" else (self.test_images, self.test_labels)
        )
        picks = [self._draw(labels, index, part=part, per_class=per_class, seed=seed) for index in chosen]
        renumbered = torch.repeat_interleave(torch.arange(len(chosen)), torch.tensor([len(pick) for pick in picks]))
        return Labelled(selected(images, torch.cat(picks)), renumbered)

    def few(self, classes: Sequence[int], *, labels: int, validation: int, seed: int = 0) -> tuple[Labelled, Labelled]:
        """Training images of ``classes`` to learn from, ``labels`` of each, and ``validation`` others of each to judge.

        The draw depends on ``seed`` and the class only; the images that judge are the same for any number of labels,
        and those to learn from are nested in it. ``labels`` 0 takes all that do not judge. Raises InputError when a
        class has too few.
        """
        chosen = self._checked(classes)
        learn, judge = [], []
        for index in chosen:
            there = int((self.train_labels == index).sum())
            if there < max(labels, 1) + validation:
                raise InputError(
                    f"{labels or 'some'} labels per class and {validation} images to choose the learning rate by are"
                    f" asked, but class {index} ({self.class_names[index]}) of {self.name} has {there} training images;"
                    f" ask for at most {max(there - validation, 0)} labels, or leave the class out."
                )
            options = {"part": "train", "seed": seed}
            judging = self._draw(self.train_labels, index, per_class=validation, **options) if validation else []
            drawn = self._draw(self.train_labels, index, per_class=labels and labels + validation, **options)
            judge.append(torch.as_tensor(judging, dtype=torch.int64))
            learn.append(drawn[~torch.isin(drawn, judge[-1])])
        return self._relabelled(learn), self._relabelled(judge)

    def _relabelled(self, picks: Sequence[Tensor]) -> Labelled:
        """The training images of ``picks``, one tensor of image numbers per class, labelled 0..k-1 in that order."""
        labels = torch.repeat_interleave(torch.arange(len(picks)), torch.tensor([len(pick) for pick in picks]))
        return Labelled(selected(self.train_images, torch.cat(list(picks))), labels)

    def _checked(self, classes: Sequence[int]) -> list[int]:
        chosen = [int(index) for index in classes]
        if not chosen:
            raise InputError(f"no class selected; name some of the {self.classes} classes of {self.name}.")
        outside = [index for index in chosen if not 0 <= index < self.classes]
        if outside:
            raise InputError(
                f"class {outside[0]} does not exist ({len(outside)} such): {self.name} has {self.classes} classes,"
                f" numbered 0..{self.classes - 1}; ask for fewer or use a larger set."
            )
        if len(set(chosen)) < len(chosen):
            repeated = next(index for index in chosen if chosen.count(index) > 1)
            raise InputError(f"class {repeated} is selected twice; name every class once.")
        return chosen

    def _draw(self, labels: Tensor, index: int, *, part: str, per_class: int, seed: int) -> Tensor:
        found = torch.nonzero(labels == index).flatten()
        title = f"class {index} ({self.class_names[index]}) of {self.name}"
        if not len(found):
            raise InputError(f"{title} has no {part} images; leave the class out or add images.")
        if per_class > len(found):
            raise InputError(
                f"{per_class} {part} images per class asked, but {title} has {len(found)}; ask for at most that many."
            )
        if not per_class:
            return found
        order = torch.randperm(len(found), generator=generator(seed, "images per class", part, self.class_ids[index]))
        return found[order[:per_class]].sort().values


def build(
    name: str,
    *,
    train: Labelled,
    test: Labelled,
    class_ids: Sequence[str],
    class_names: Sequence[str],
    flip: bool,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> ImageSet:
    """An ImageSet of arrays that lie in memory; the fingerprint and the channel statistics are computed here."""
    mean, std = channel_statistics(train.images.numpy())
    return ImageSet(
        name=name,
        image_size=int(train.images.shape[-1]),
        train_images=train.images,
        train_labels=train.labels,
        test_images=test.images,
        test_labels=test.labels,
        class_names=tuple(class_names),
        class_ids=tuple(class_ids),
        flip=flip,
        fingerprint=fingerprint(
            class_ids, train.labels.numpy(), test.labels.numpy(), train.images.numpy(), test.images.numpy()
        ),
        mean=mean,
        std=std,
        groups={key: tuple(members) for key, members in (groups or {}).items()},
    )


def fingerprint(class_ids: Sequence[str], *arrays: np.ndarray) -> str:
    """16 hexadecimal digits of SHA-256 over the class ids and every array's shape and values."""
    digest = hashlib.sha256(canonical_json(list(class_ids)).encode())
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        for start in range(0, len(array), BLOCK):
            digest.update(np.ascontiguousarray(array[start : start + BLOCK]).data)
    return digest.hexdigest()[:16]


def channel_statistics(images: np.ndarray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and standard deviation per channel in 0..1 of uint8 images ``(N, 3, H, W)``, from exact integer sums."""
    total, squares, count = [0] * 3, [0] * 3, max(1, images.shape[0] * images.shape[2] * images.shape[3])
    for start in range(0, len(images), BLOCK):
        block = np.asarray(images[start : start + BLOCK])
        squared = np.square(block.astype(np.uint16))  # 255 squared still fits
        for channel in range(3):
            total[channel] += int(block[:, channel].sum(dtype=np.uint64))
            squares[channel] += int(squared[:, channel].sum(dtype=np.uint64))
    mean = tuple(value / count / 255 for value in total)
    variance = (square / count - (value / count) ** 2 for square, value in zip(squares, total, strict=True))
    return mean, tuple(math.sqrt(max(0.0, value)) / 255 for value in variance)
