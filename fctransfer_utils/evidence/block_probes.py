"""A linear probe behind every block of the bundled network, on sets of photographs that lie as folders side by side."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from ..data.folders import read_all
from ..data.images import Images
from ..models.pretrained import bundled, estimate_statistics
from ..training.features import features, for_bundled
from ..training.probes import fit_probe, folds, widened

SETS = ("caltech101", "flowers12", "dtd10", "intel-scenes", "scenes15", "rsscn7")
MOST = 1500  # images of a set
STATISTICS = 600  # of these, for those of batch norm
NETWORKS = ((64, "ImageNet"), (128, "ImageNet"), (64, "random"), (64, "random, own statistics"))  # pixels, weights


def curves(root: str) -> pd.DataFrame:
    """Accuracy (%) on each of ``SETS`` in thirds that are held out, a row for each split and ``cut``.

    ``cut``: a block, "all" of them together, or "last, widened" by random features to the number of all. ``inside``:
    accuracy on images held out of those that are learnt, by which a cut may be chosen. Random weights are drawn three
    times; their batch norm is as drawn, or has statistics taken anew.
    """
    tables = []
    for name, (size, weights) in product(SETS, NETWORKS):
        images = read_all(Path(root) / name, size=size)[0]
        counts = torch.bincount(images.labels)
        images = for_bundled(images.draw(min(MOST // len(counts), int(counts.min())), seed=0))
        for seed in range(1 if weights == "ImageNet" else 3):
            net = bundled(random=weights != "ImageNet", seed=seed)
            if weights == "random, own statistics":
                few = images.draw(STATISTICS // len(images.classes), seed=1)
                estimate_statistics(net, [images.normalise(few.pixels)])
            rows = pd.DataFrame(_curve(net, images, repeats=3 if weights == "ImageNet" else 1))
            tables.append(rows.assign(images=name, size=size, weights=weights, seed=seed))
    return pd.concat(tables).round(3)


def _curve(net: nn.Sequential, images: Images, *, repeats: int) -> list[dict[str, object]]:
    found = features(net, images, cuts=range(1, len(net)))
    everything, rows = sum(x.shape[1] for x in found.values()), []
    for split, held in enumerate(folds(images.labels, 3, repeats=repeats)):
        kept = torch.ones(len(images), dtype=torch.bool).index_fill(0, held, False)
        last = found[len(found)]
        given = {f"{n}": (x[kept], x[held]) for n, x in found.items()} | {
            "all": ({n: x[kept] for n, x in found.items()}, {n: x[held] for n, x in found.items()}),
            "last, widened": widened(last[kept], last[held], width=everything, seed=split),
        }
        for cut, (x, x_held) in given.items():
            probe = fit_probe(x, images.labels[kept], classes=len(images.classes), seed=split)
            top1, inside = probe.accuracy(x_held, images.labels[held]), max(probe.tried.values())
            rows.append({"split": split, "cut": cut, "top1": 100 * top1, "inside": 100 * inside})
    return rows
