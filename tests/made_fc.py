"""A made study ``fc`` whose true effects are known, and the measured distances of its targets."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

LABELS = (5, 20)
RATES = (0.003, 0.01)  # the larger is the better one, by RATE points,
RATE = 4.0
TARGETS = {  # target set: measured distance
    "glyphs[50x110] random0:B": 0.3,
    "glyph-others[30x110]": 0.5,
    "glyphs[50x110] grey random0:B": 0.8,
    "glyph-scenes[8x110]": 1.5,
    "glyph-textures[8x110]": 1.8,
    "glyph-fonts[8x110]": 0.9,
}
SOURCE = "glyphs[50x110] random0:A"
GAIN = {"near": -1.0, "far": 3.0, "views": 1.0, "fine": 0.5}  # points of B over A in every protocol
SHARE = {"A": 0.0, "B": 1.0, "C": 0.9, "D": 0.3, "E": 0.5}  # of that gain
GROUP = dict(zip(TARGETS, ("near", "near", "views", "far", "far", "fine"), strict=True))
HEIGHT = {
    "P1": 40.0,
    "P2": 44.0,
    "P3": 50.0,
    "P4": 49.9,
    "P5": 46.0,
    "P6": 50.2,
    "P7": 20.0,
}  # top-1 of arm A, 5 labels
BY_LABELS = {5: 0.0, 20: 15.0, 100: 25.0}
HIDDEN = {"A": (), "B": ("fc6", "fc7"), "C": ("fc6", "fc7"), "D": (), "E": ("conv6", "conv7")}
LAYERS = ("conv1", "conv2", "conv3", "conv4")
ON_SOURCE = {"source": 80.0, "converted": 79.0, "continued": 81.0}
COLUMNS = [
    "seed", "target_set", "arm", "protocol", "layer", "labels_per_class", "learning_rate", "points", "validation",
]  # fmt: skip


def fc_table(
    *, seeds: int = 3, noise: float = 0.1, targets=tuple(TARGETS), labels=LABELS, arms="ABCDE", gain=None, flip=False
):
    """Complete, with ``noise`` points of noise on every network.

    ``gain`` replaces GAIN; ``flip`` makes the smaller rate the better one for arm B alone.
    """
    rng = np.random.default_rng(9)
    gains = GAIN | (gain or {})
    rows = []
    for seed, arm in itertools.product(range(seeds), arms):
        for protocol in ("source", *(("converted", "continued") if arm == "B" else ())):
            points = ON_SOURCE[protocol] + 2 * SHARE[arm] + rng.normal(0, noise)
            rows.append((seed, SOURCE, arm, protocol, "", 0, 0.02, points, np.nan))
        for target, count in itertools.product(targets, labels):
            own = gains[GROUP[target]]
            for protocol, layer, points in _cells(arm, own):
                if protocol == "P8" and count < max(labels):
                    continue
                points += BY_LABELS[count] + 0.5 * seed + rng.normal(0, noise)
                for rate in RATES:
                    best = RATES[0] if flip and arm == "B" else RATES[1]
                    value = points - (0 if rate == best else RATE)
                    rows.append((seed, target, arm, protocol, layer, count, rate, value, value / 100))
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["top1"] = table.pop("points") / 100
    table["validation_top1"] = table.pop("validation")
    table["key"] = [f"key{number:05d}" for number in range(len(table))]
    moved = {f"moved_conv{n}": 0.1 for n in range(1, 6)}
    return table.assign(
        study="fc", data="glyphs[50x110]", image_size=64, net="alexnet_map-12-drop0.2", split="random0", source="A",
        epochs=8, train_loss=0.1, moved=0.1, cka=0.9, seconds=1.0, device="cpu", torch="2", **moved,
    )  # fmt: skip


def _cells(arm: str, gain: float):
    """Protocol, layer and top-1 in points of every network of an arm on a target."""
    share = SHARE[arm] * gain
    for protocol, height in HEIGHT.items():
        if protocol in ("P4",) and not HIDDEN[arm]:
            continue
        if protocol == "P5":
            if arm == "A":
                yield "P5", "", height
            continue
        yield protocol, "conv5" if protocol == "P1" else "", height + share
    for place, layer in enumerate((*LAYERS, *HIDDEN[arm])):
        yield "P8", layer, 20.0 + 5 * place + share * place / 5


def made_distances():
    """Proxy A-distances of all targets, as ``course.fc.target_distances`` gives them."""
    table = pd.DataFrame(
        [
            (arm, target, value + {"A": -0.05, "B": 0.05, "mean": 0.0}[arm])
            for target, value in TARGETS.items()
            for arm in ("A", "B", "mean")
        ],
        columns=["arm", "target_set", "domain"],
    )
    return table.assign(
        data="glyphs[50x110]", split="random0", domain_low=table.domain - 0.1, domain_high=table.domain + 0.1,
        images=200, probe=0.6, logme=0.3, classes=25,
    )  # fmt: skip
