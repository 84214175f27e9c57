"""Tables of random halves, distant halves and untrained filters whose true effects are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

BASES = {"A": 0.60, "B": 0.65}
CHANCE = 0.02
EFFECTS = {  # points over the base of the same target at n = 1..7, by kind and treatment
    ("random0", "AnB"): (0, 0, -1, -3, -5, -5, -9),
    ("letters-symbols", "AnB"): (0, -1, -3, -7, -13, -17, -25),
    ("letters-symbols", "BnB"): (0, 0, -0.5, -2, -3, -1, -1),
    ("random0", "random-gaussian"): (-8, -17, -58, -58, -58, -58, -58),
    ("random0", "random"): (-2, -6, -12, -20, -30, -36, -40),
}


def made_studies(*, seeds: int = 3, noise: float = 0.1, uneven: float = 0.0):
    """Tables of random halves, distant halves and untrained filters with ``EFFECTS`` and noise of ``noise`` points.

    ``uneven`` points are added for target A and taken off for target B of the distant halves.
    """
    rng = np.random.default_rng(7)
    rows = []
    for seed in range(seeds):
        for target, base in BASES.items():
            for split in ("random0", "letters-symbols"):
                rows.append((split, seed, "", target, "base", 0, base, 0.0))
            for (split, name), effects in EFFECTS.items():
                source = {"AnB": {"A": "B", "B": "A"}[target], "BnB": target}.get(name, "")
                tilt = {"A": uneven, "B": -uneven}[target] if (split, name) == ("letters-symbols", "AnB") else 0.0
                rows += [(split, seed, source, target, name, n, base, e + tilt) for n, e in enumerate(effects, start=1)]
    columns = ["split", "seed", "source", "target", "treatment", "n", "base", "effect"]
    table = pd.DataFrame(rows, columns=columns)
    table["top1"] = (table["base"] + (table["effect"] + rng.normal(0, noise, len(table))) / 100).clip(lower=0)
    table = table.drop(columns=["base", "effect"]).assign(
        data="glyphs", image_size=32, net="alexnet_mini-24", images_per_class=0, epochs=10
    )
    near = table["split"] == "random0"
    untrained = table["treatment"].str.startswith("random")
    filters = table[near & (untrained | (table["treatment"] == "base"))]
    control = filters[filters["treatment"] == "base"].assign(net="alexnet_mini-24-gaussian", top1=CHANCE)
    return table[near & ~untrained], table[~near], pd.concat([filters, control], ignore_index=True)
