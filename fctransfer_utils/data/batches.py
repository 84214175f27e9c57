"""Images painted in batches from the raw bits of one generator.

All randomness is raw bits of numpy's Philox generator, which are the same on every machine. They are drawn in order by
one thread; the painting of a batch is left to any number of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

BATCH = 64


class Draws:
    """Uniform draws for a batch of ``count`` images from a block of raw 64-bit words."""

    def __init__(self, words: np.ndarray) -> None:
        self._columns = iter(words.T)

    def uniform(self, low: float, high: float) -> np.ndarray:
        """Float64 ``(count,)`` in [low, high)."""
        return low + (high - low) * ((next(self._columns) >> np.uint64(11)).astype(np.float64) / 2.0**53)

    def below(self, limit: np.ndarray | int) -> np.ndarray:
        """Integers ``(count,)`` in [0, limit)."""
        return ((next(self._columns) >> np.uint64(32)).astype(np.int64) * limit) >> 32


def in_batches(
    paint: Callable[[slice, Draws], np.ndarray],
    count: int,
    size: int,
    *,
    stream: np.random.Philox,
    words: int,
    noise: int,
) -> np.ndarray:
    """``count`` images uint8 ``(N, 3, S, S)``, painted in batches by several threads, with pixel noise on top.

    ``paint(span, draws)`` gives the images of ``span`` as a new array int16 ``(count, 3, S, S)``; ``words`` is how many
    draws it may take for each image and 1 for the strength of the noise, whose largest amplitude is ``noise``.
    """
    images = np.empty((count, 3, size, size), dtype=np.uint8)

    def blocks() -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        for start in range(0, count, BATCH):
            span = slice(start, min(start + BATCH, count))
            here = span.stop - span.start
            raw = stream.random_raw(here * words).reshape(here, -1)
            grain = stream.random_raw(-(-here * 3 * size**2 // 8)).astype("<u8", copy=False).view(np.int8)
            yield span, raw, grain[: here * 3 * size**2].reshape(here, 3, size, size)

    def work(block: tuple[slice, np.ndarray, np.ndarray]) -> None:
        span, raw, grain = block
        draws = Draws(raw)
        canvas = paint(span, draws)
        strength = draws.below(noise + 1).astype(np.int16)[:, None, None, None]
        canvas += (grain.astype(np.int16) * strength) >> 7
        images[span] = np.clip(canvas, 0, 255)

    threads = max(1, min(4, os.cpu_count() or 1))
    with ThreadPoolExecutor(threads) as pool:
        pending = []
        for block in blocks():
            pending.append(pool.submit(work, block))
            if len(pending) > 4 * threads:
                pending.pop(0).result()
        for job in pending:
            job.result()
    return images
