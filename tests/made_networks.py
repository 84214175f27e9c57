"""Tables of networks as studies give them, with made-up accuracies."""

from __future__ import annotations

import pandas as pd


def row(treatment, top1, *, n=0, replicate=0, target="B", data="glyphs", split="random", diverged=False, **more):
    """One network."""
    return {
        "data": data, "split": split, "replicate": replicate, "target": target, "treatment": treatment, "n": n,
        "top1": top1, "diverged": diverged, **more,
    }  # fmt: skip


def study(accuracies, *, replicates=5, spread=0.001, cuts=range(1, 8), **labels):
    """A whole study: ``accuracies`` {treatment: share, or function of n}; replicates differ by steps of ``spread``."""
    rows = []
    for place, (treatment, value) in enumerate(accuracies.items()):
        for n in [0] if treatment in ("base", "long") else [8] if treatment == "twice" else cuts:
            for replicate in range(replicates):
                step = spread * (replicate - (replicates - 1) / 2) * (place + 1) / 2
                for target in "AB":
                    top1 = (value(n) if callable(value) else value) + step
                    rows.append(row(treatment, top1, n=n, replicate=replicate, target=target, **labels))
    return pd.DataFrame(rows)
