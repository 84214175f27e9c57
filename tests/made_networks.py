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


def figure_1(n, layers=("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")):
    """The networks of Figure 1 of Yosinski et al. at ``n``, as ``plots.schemes.scheme`` draws them."""
    kinds = [("base A", "", False, "A"), ("base B", "", False, "B")]
    kinds += [(f"{donor}{n}B{plus}", donor, not plus, "B") for donor in "BA" for plus in ("", "+")]
    return pd.DataFrame(
        {
            "network": network, "layer": layer, "source": donor if donor and number <= n else "random",
            "frozen": frozen and number <= n, "learns": learns,
        }
        for network, donor, frozen, learns in kinds for number, layer in enumerate(layers, start=1)
    )  # fmt: skip
