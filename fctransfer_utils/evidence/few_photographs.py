"""Four ways to use the bundled ImageNet network for few photographs, each at a rate of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from ..data.folders import read_all
from ..data.images import Images
from ..models.layers import new_last_layer
from ..models.pretrained import bundled
from ..models.surgery import freeze_batch_norm
from ..training.features import features, for_bundled
from ..training.loop import accuracy, train
from ..training.probes import fit_heads, fit_probe
from ..training.recipe import Recipe, tried_rates

SETS = ("flowers12", "scenes15")
STEPS = {1: 20, 5: 30, 20: 60}  # by images a class: what a laptop does in seconds
STRENGTHS = tuple(10.0**k for k in range(8))  # of the probe
HEAD_RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
RATES = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.09, 0.27)  # where everything learns
FIRST_RATES = RATES[2:5]
MEASURES = ["top1", "train_top1"]


def measured(root: str) -> pd.DataFrame:
    """Per cent right on each of ``SETS``, which are folders below ``root``, at 64 pixels.

    A row for each number of images a class, ``draw``, ``way`` and ``rate`` (of the probe its strength). They are chosen
    on the draw "tune" and ten validation images a class of its own; draws 1 to 3 are judged on the test images.
    """
    rows = []
    for name, (volume, steps) in product(SETS, STEPS.items()):
        given, test = (for_bundled(read_all(Path(root) / name / part, size=64)[0]) for part in ("train", "test"))
        best: dict[str, float] = {}
        for draw in ("tune", 1, 2, 3):
            seed = 0 if draw == "tune" else draw
            learn = given.draw(volume, seed=seed, skip=10)
            judge = given.draw(10, seed=0) if draw == "tune" else test.draw(20, seed=0)
            found = pd.DataFrame(_four_ways(learn, judge, steps, seed, best), columns=["way", "rate", *MEASURES])
            if draw == "tune":  # of equals, the first
                best = found.loc[found.groupby("way")["top1"].idxmax()].set_index("way")["rate"].to_dict()
            found[MEASURES] *= 100
            rows.append(found.assign(images=name, per_class=volume, draw=draw))
    return pd.concat(rows)[["images", "per_class", "draw", "way", "rate", *MEASURES]]


def _four_ways(
    learn: Images, judge: Images, steps: int, seed: int, best: Mapping[str, float]
) -> Iterator[tuple[str, float, float, float]]:
    """Way, rate, and the shares that are right of ``judge`` and of ``learn``; with no ``best`` rate all are tried.

    Where everything learns, batch norm keeps its statistics, and no gradient is longer than 1.
    """
    classes, recipe = len(learn.classes), Recipe(batch_size=16, steps=steps, shift=2)
    x, x_judge = (features(bundled(), images, cuts=[18])[18] for images in (learn, judge))

    def rates(way: str, grid: Sequence[float]) -> list[float]:
        return [best[way]] if way in best else [*grid]

    for strength in rates("probe", STRENGTHS):
        probe = fit_probe(x, learn.labels, classes=classes, strengths=[strength])
        yield "probe", strength, probe.accuracy(x_judge, judge.labels), probe.accuracy(x, learn.labels)
    tried = rates("frozen head", HEAD_RATES)
    torch.manual_seed(seed)
    heads = [nn.Sequential(nn.Linear(x.shape[1], classes)) for _ in tried]
    fit_heads(heads, x, learn.labels, recipe, rates=tried, seed=seed)
    right = [_right(head, x_judge, judge.labels) for head in heads]
    for head, rate, top1 in zip(heads, tried, right, strict=True):
        yield "frozen head", rate, top1, _right(head, x, learn.labels)
    first = heads[max(range(len(heads)), key=right.__getitem__)]

    def attempt(way: str, done: dict[float, tuple[float, float]], rate: float) -> float:
        net = new_last_layer(bundled(), classes, seed=seed)
        freeze_batch_norm(net)
        if way.startswith("head"):
            net[-1][-1].load_state_dict(first[0].state_dict())
        history = train(net, learn, replace(recipe, learning_rate=rate, clip=1.0), seed=seed)
        done[rate] = (0.0, 0.0) if history.diverged else (accuracy(net, judge), accuracy(net, learn))
        return done[rate][0]

    for way in ("head first, then all", "everything at once"):
        done: dict[float, tuple[float, float]] = {}
        score = partial(attempt, way, done)
        if way in best:
            score(best[way])
        else:
            tried_rates(score, FIRST_RATES, RATES)
        yield from ((way, rate, *result) for rate, result in done.items())


def _right(head: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> float:
    return (head(x).argmax(1) == labels).double().mean().item()
