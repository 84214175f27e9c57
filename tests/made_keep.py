"""A made study ``keep`` whose true effects are known, and the measured distances of its targets."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

NEAR, FAR = "glyphs[50x60] random0:B", "glyphs[50x60] letters-symbols:B"
KEPT = {"conv5": 5, "conv5+new fc6-fc7": 5, "fc6": 6, "fc6+new fc7": 6, "fc7": 7}
LABELS = (5, 20)
SCRATCH = {5: 0.20, 20: 0.50}
# points over scratch at 5 and at 20 labels, frozen
EFFECTS = {
    NEAR: {"conv5": (30, 25), "conv5+new fc6-fc7": (22, 26), "fc6": (34, 27), "fc6+new fc7": (33, 28), "fc7": (40, 29)},
    FAR: {"conv5": (25, 20), "conv5+new fc6-fc7": (15, 19), "fc6": (20, 16), "fc6+new fc7": (18, 17), "fc7": (10, 9)},
}
TUNED = (-4.0, 5.0)  # points of fine-tuning over frozen


def keep_table(*, seeds: int = 3, noise: float = 0.1, targets=(NEAR, FAR), labels=LABELS):
    """Complete, with ``noise`` points of noise on every network."""
    rng = np.random.default_rng(5)
    rows = []
    for seed, target, count in itertools.product(range(seeds), targets, labels):
        place, start = LABELS.index(count), SCRATCH[count]
        split = target.rpartition(" ")[2].partition(":")[0]
        cells = [("scratch", 0, "new", "scratch", 0.0)]
        for arm, effects in EFFECTS[target].items():
            hidden = "new" if "+" in arm else "none"
            cells.append((arm, KEPT[arm], hidden, "frozen", effects[place]))
            cells.append((arm, KEPT[arm], hidden, "fine-tuned", effects[place] + TUNED[place]))
        for arm, kept, hidden, protocol, points in cells:
            top1 = start + 0.005 * seed + (points + rng.normal(0, noise)) / 100
            rows.append((split, seed, target, arm, kept, hidden, protocol, count, top1))
    columns = ["split", "seed", "target_set", "arm", "kept", "hidden", "protocol", "labels_per_class", "top1"]
    table = pd.DataFrame(rows, columns=columns)
    table["key"] = [f"key{number:04d}" for number in range(len(table))]
    return table.assign(
        study="keep", data="glyphs[50x60]", image_size=32, net="alexnet_mini-12", source="A", epochs=8,
        train_loss=0.1, seconds=1.0, device="cpu", torch="2",
    )  # fmt: skip


def made_distances():
    """Proxy A-distances of both targets; random halves are near, symbols far from letters."""
    return pd.DataFrame(
        {
            "data": "glyphs[50x60]",
            "split": ["random0", "letters-symbols"],
            "target_set": [NEAR, FAR],
            "domain": [0.4, 1.4],
            "domain_low": [0.3, 1.3],
            "domain_high": [0.5, 1.5],
            "probe": [0.8, 0.6],
            "logme": [0.5, 0.3],
        }
    )
