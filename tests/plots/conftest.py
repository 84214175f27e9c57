"""Made-up tables, and figures closed to pyplot."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("agg")


@pytest.fixture
def made():
    """A maker of complete tables of one split: every treatment at every n, for ``seeds`` and ``targets``."""

    def table(*, seeds: int = 3, targets: str = "AB") -> pd.DataFrame:
        rng = np.random.default_rng(3)
        rows = []
        for seed in range(seeds):
            for target in "AB":
                cells = [("base", 0)]
                if target in targets:
                    cells += [(name, n) for name in ("BnB", "BnB+", "AnB", "AnB+") for n in range(1, 8)]
                    cells += [("twice", 8)]
                for name, n in cells:
                    drop = {"BnB": 0.5, "AnB": 1.0}.get(name, 0) * n
                    top1 = 0.6 + 0.05 * (target == "B") - drop / 100 + rng.normal(0, 0.003)
                    source = {"base": "", "AnB": "BA"["AB".index(target)]}.get(name.rstrip("+"), target)
                    rows.append((f"random{0}", seed, source, target, name, n, top1))
        columns = ["split", "seed", "source", "target", "treatment", "n", "top1"]
        return pd.DataFrame(rows, columns=columns).assign(
            data="glyphs", image_size=32, net="alexnet_mini-24", images_per_class=0, epochs=10
        )

    return table


@pytest.fixture
def texts():
    """Every word that a figure shows."""

    def read(figure) -> str:
        figure.draw_without_rendering()
        return "\n".join(item.get_text() for item in figure.findobj(mpl.text.Text) if item.get_visible())

    return read


@pytest.fixture
def intervals():
    """How many error bars a figure has."""

    def count(figure) -> int:
        return sum(isinstance(c, mpl.container.ErrorbarContainer) for axes in figure.axes for c in axes.containers)

    return count
