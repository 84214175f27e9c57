"""Independent streams of random numbers, each named by a seed and words."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def derive(seed: int, *words: object) -> int:
    """A seed in [0, 2**63) that depends on ``seed`` and every word, so that a new use of chance shifts no old one."""
    text = "/".join(map(str, (seed, *words)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *words: object, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator on ``device`` that starts at ``derive(seed, *words)``, or at ``seed`` itself without words."""
    import torch

    return torch.Generator(device).manual_seed(derive(seed, *words) if words else seed)
