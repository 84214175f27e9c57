"""A made study of the dip whose true effects are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

NET = "alexnet_mini-12"
USUAL, LONG = 8, 24
DIP = {  # points over base, and nats over base, by (batch norm, epochs, treatment)
    (False, USUAL, "BnB"): (-3.0, 0.4),
    (False, USUAL, "warm"): (-0.5, 0.1),
    (False, USUAL, "stitch"): (-1.0, 0.1),
    (False, LONG, "BnB"): (-1.0, 0.1),
    (True, USUAL, "BnB"): (0.2, 0.0),
    (True, USUAL, "warm"): (0.3, 0.0),
    (True, USUAL, "stitch"): (0.1, 0.0),
    (True, LONG, "BnB"): (0.2, 0.0),
}


def dip_table(
    *,
    effects: Mapping[tuple[bool, int, str], tuple[float, float]] = DIP,
    seeds: int = 4,
    targets: str = "A",
    cuts: tuple[int, ...] = (4, 5),
    noise: float = 0.1,
    gain_of_time: float = 2.0,
) -> pd.DataFrame:
    """Base, BnB, warm and stitch with ``effects``; a longer base does better by ``gain_of_time`` points."""
    rng = np.random.default_rng(5)
    rows = []
    for norm, epochs in dict.fromkeys(key[:2] for key in effects):
        net = NET + "-bn" * norm
        for seed in range(seeds):
            for target in targets:
                base = 0.6 + 0.01 * seed + 0.03 * (target == "B") + (gain_of_time / 100) * (epochs == LONG)
                loss = 0.5 - 0.2 * (epochs == LONG)
                rows.append((net, epochs, seed, "", target, "base", 0, base, loss))
                for (other, length, name), (points, nats) in effects.items():
                    if (other, length) != (norm, epochs):
                        continue
                    for n in cuts:
                        top1 = base + (points + rng.normal(0, noise)) / 100
                        rows.append((net, epochs, seed, target, target, name, n, top1, loss + nats))
    names = ["net", "epochs", "seed", "source", "target", "treatment", "n", "top1", "train_loss"]
    return pd.DataFrame(rows, columns=names).assign(
        data="glyphs[50x60]", image_size=32, split="random0", images_per_class=0
    )
