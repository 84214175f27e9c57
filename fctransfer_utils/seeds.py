"""Independent random streams, each named by a seed and words.

``derive(3, "init", "base")`` is the same number on every machine and never shares a stream with
``derive(3, "batches", "base")``, so adding a new use of randomness does not shift an old one.
"""

from __future__ import annotations

import hashlib

import torch


def derive(seed: int, *words: object) -> int:
    """A seed in [0, 2**63) that depends on ``seed`` and on every word."""
    text = "/".join(str(part) for part in (seed, *words))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *words: object, device: str | torch.device = "cpu") -> torch.Generator:
    """A torch generator on ``device`` that starts at ``derive(seed, *words)``."""
    stream = torch.Generator(device=device)
    stream.manual_seed(derive(seed, *words))
    return stream
