"""Made-up tables of trained networks whose true effects are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.published import paper_table

EFFECTS = {  # points over the base of the same target, at n = 1..7
    "BnB": (0.2, 0.0, -0.5, -2.0, -3.0, -1.0, 0.0),
    "AnB": (0.1, -0.1, -1.0, -3.0, -5.0, -6.0, -9.0),
    "BnB+": (1.0,) * 7,
    "AnB+": (2.0,) * 7,
}
BASES = {"A": 0.60, "B": 0.65}


def made_table(
    *, seeds: int = 3, splits: int = 1, targets: Sequence[str] = ("A", "B"), noise: float = 0.1, twice: float = 1.0
) -> pd.DataFrame:
    """A complete table with ``EFFECTS`` and noise of ``noise`` points; bases of both halves always."""
    rng = np.random.default_rng(7)
    rows = []
    for split in range(splits):
        for seed in range(seeds):
            for target, base in BASES.items():
                cells = [("base", 0, 0.0)]
                if target in targets:
                    cells += [(name, n + 1, e) for name, effects in EFFECTS.items() for n, e in enumerate(effects)]
                    cells += [("twice", 8, twice)]
                for name, n, effect in cells:
                    top1 = base + 0.01 * seed + (effect + rng.normal(0, noise)) / 100
                    source = {"A": "B", "B": "A"}[target] if name.startswith("A") else target
                    source = "" if name == "base" else source
                    rows.append((f"random{split}", seed, source, target, name, n, top1))
    table = pd.DataFrame(rows, columns=["split", "seed", "source", "target", "treatment", "n", "top1"])
    return table.assign(data="glyphs", image_size=32, net="alexnet_mini-24", images_per_class=0, epochs=10)


@pytest.fixture
def made():
    return made_table


@pytest.fixture(scope="session")
def paper() -> pd.DataFrame:
    return paper_table()
