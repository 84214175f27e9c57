"""A made-up table of the study ``volume`` whose true curves are straight lines in log2 of the images per class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

KS = (1, 4, 16, 0)
ALL = 64
LINES = {  # (treatment, n): top-1 in points at one image per class, and per doubling of the images
    ("base", 0): (20.0, 10.0),
    ("AnB", 3): (46.0, 5.0),
    ("AnB", 5): (51.0, 4.0),
    ("AnB+", 3): (42.0, 6.5),
    ("AnB+", 5): (44.0, 6.5),
}


def volume_table(
    *, seeds: int = 3, targets: Sequence[str] = ("B",), noise: float = 0.1, images: Sequence[int] = KS
) -> pd.DataFrame:
    """Complete, with ``noise`` points of noise on every network; 0 images per class stands for ``ALL``.

    As in the study, with all images there are more cuts and the base of the other half, the donor.
    """
    rng = np.random.default_rng(11)
    rows = []
    for seed in range(seeds):
        for target in targets:
            for k in images:
                doublings = np.log2(k or ALL)
                for (name, n), (start, slope) in LINES.items():
                    points = start + slope * doublings + seed + rng.normal(0, noise)
                    rows.append((seed, "" if name == "base" else _other(target), target, name, n, k, points / 100))
        if 0 in images:
            for target in targets:
                rows.append((seed, _other(target), target, "AnB", 7, 0, 0.99))
            for donor in {_other(target) for target in targets} - set(targets):
                rows.append((seed, "", donor, "base", 0, 0, 0.5))
    columns = ["seed", "source", "target", "treatment", "n", "images_per_class", "top1"]
    return pd.DataFrame(rows, columns=columns).assign(
        data="glyphs[50x64]", image_size=32, net="alexnet_mini-12", split="random0", epochs=8
    )


def _other(half: str) -> str:
    return {"A": "B", "B": "A"}[half]
