"""Which images belong together, and a part of a set with the same share of every class."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

from ..errors import InputError
from ..seeds import generator
from .images import Images
from .pictures import printable

FEW = 10  # images of a class that are all taken, whatever its share


def groups_of(paths: Sequence[str], pattern: re.Pattern[str]) -> Tensor:
    """A number (N,) for each of ``paths``, the same where ``pattern`` finds the same.

    That is its first group that takes part, or if it has none the whole. Raises InputError for a path in which it
    finds nothing.
    """
    hits = [pattern.search(path) for path in paths]
    if None in hits:
        missed = printable(paths[hits.index(None)])
        raise InputError(
            f"groups {pattern.pattern!r} is not found in {hits.count(None)} of {len(paths)} paths, such as {missed}; "
            "give an expression that every path has."
        )
    return _numbers([next((part for part in hit.groups() if part is not None), hit[0]) for hit in hits])


def copies(images: Images) -> Tensor:
    """A number (N,) for each of ``images``, the same for those that are alike pixel for pixel."""
    return _numbers([hashlib.sha256(image.contiguous().numpy().data).hexdigest() for image in images.pixels])


def same_shares(labels: Tensor, most: int, *, seed: int) -> Tensor:
    """The places of about ``most`` random images, in order: the same share of every class, and all of small ones."""
    if len(labels) <= most:
        return torch.arange(len(labels))
    chance, found = generator(seed, "same shares"), []
    for label, count in enumerate(torch.bincount(labels).tolist()):
        where = (labels == label).nonzero().flatten()
        wanted = max(round(count * most / len(labels)), min(count, FEW))
        found.append(where[torch.randperm(count, generator=chance)[:wanted]])
    return torch.cat(found).sort().values


def _numbers(keys: list[str]) -> Tensor:
    return torch.from_numpy(pd.factorize(pd.Series(keys))[0])
