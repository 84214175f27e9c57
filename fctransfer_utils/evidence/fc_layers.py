"""How wide and deep a head of fully connected layers has to be, and what those of a trained network hold.

Small networks learn half of some characters. Heads and probes behind their layers are asked for the other half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import nan

import pandas as pd
import torch
from torch import nn

from ..data.glyphs import glyphs
from ..data.images import Images
from ..data.splits import TUNE, replicate_halves
from ..errors import InputError
from ..models.alexnet import build, redraw
from ..models.spec import NetSpec
from ..training.features import features
from ..training.loop import accuracy, train
from ..training.probes import fit_probe
from ..training.recipe import Recipe

HEADS = [(widths, nn.ReLU) for widths in ((), (2,), (8,), (32,), (128,), (512,), (32, 32), (32, 32, 32), (512, 512))]
HEADS += [((128,), activation) for activation in (nn.GELU, nn.Tanh, nn.Sigmoid, nn.Identity)]
LABELS = (10, 40)  # pictures a class that heads learn
VIEWS = {"fc6": (6, 1), "fc7": (7, 1), "conv5, 1x1": (5, 1), "conv5, 2x2": (5, 2), "conv5, 4x4": (5, 4)}
KEPT = 40  # pictures a class that networks and heads learn at most; as many others choose
_glyphs = cache(glyphs)


@dataclass(frozen=True)
class Sizes:
    """``each`` of ``count`` characters in a half; how long networks and heads learn; the rates that heads try."""

    count: int = 30
    each: int = 10
    test_per_class: int = 40
    epochs: int = 30
    steps: int = 400
    rates: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3)


def searched(sizes: Sizes) -> pd.DataFrame:
    """The rate of every head with the best ``validation`` accuracy (%), mean of both halves of the replicate TUNE."""
    rows = []
    for labels, (widths, activation) in product(LABELS, HEADS):
        tried = {}
        for rate in sizes.rates:
            both = [_task(sizes, TUNE, half, labels)[:2] for half in "AB"]
            tried[rate] = sum(_learnt(sizes, widths, activation, *sets, rate)[1] for sets in both) / len(both)
        best = max(tried, key=lambda rate: tried[rate])
        rows.append((labels, _name(widths), activation.__name__, best, tried[best]))
    return pd.DataFrame(rows, columns=["labels", "head", "activation", "rate", "validation"]).round(2)


def judged(sizes: Sizes, replicates: Iterable[int], chosen: pd.DataFrame) -> pd.DataFrame:
    """Every head at its rate in ``chosen`` (see ``searched``) behind the network of half A: test top-1 (%) on half B.

    ``learnt``: that on the pictures it learnt. Raises InputError for a head that has no rate.
    """
    rates, rows = chosen.set_index(["labels", "head", "activation"])["rate"].to_dict(), []
    for replicate, labels, (widths, activation) in product(replicates, LABELS, HEADS):
        name = (labels, _name(widths), activation.__name__)
        if name not in rates:
            raise InputError(f"no rate is chosen for the head {name}; choose by searched first.")
        images, _, judges = _task(sizes, replicate, "A", labels)
        found = _learnt(sizes, widths, activation, images, judges, rates[name], seed=replicate)
        work = sum(weights.numel() for weights in head(widths).parameters() if weights.dim() == 2)
        rows.append((replicate, *name, rates[name], work, *found))
    columns = ["replicate", "labels", "head", "activation", "rate", "multiply_adds", "learnt", "top1"]
    return pd.DataFrame(rows, columns=columns).round(2)


def probed(sizes: Sizes, replicates: Iterable[int]) -> pd.DataFrame:
    """Test top-1 (%) of probes behind each of ``VIEWS``, fitted to 5 and 40 pictures a class that no network learns.

    ``weights``: of the network that learnt half A, or of one that learnt nothing. ``asked``: for its "own" classes or
    those of the "other" half.
    """
    rows = []
    for replicate in replicates:
        net, known = base(sizes, replicate, "A")
        trunks = {"trained": net, "untrained": build(NetSpec(), classes=sizes.each, size=32, seed=replicate)}
        for (weights, trunk), (asked, half) in product(trunks.items(), (("own", "A"), ("other", "B"))):
            given, unseen = (part.normalised_like(known) for part in _of_half(sizes, replicate, half))
            given = given.draw(0, seed=replicate, skip=KEPT)
            for labels, (layer, (n, side)) in product((5, KEPT), VIEWS.items()):
                some = given.at(torch.cat([(given.labels == k).nonzero()[:labels, 0] for k in range(sizes.each)]))
                x, x_test = (features(trunk, images, cuts=[n], pool=side)[n] for images in (some, unseen))
                probe = fit_probe(x, some.labels, classes=sizes.each, seed=replicate)
                rows.append((replicate, weights, asked, labels, layer, 100 * probe.accuracy(x_test, unseen.labels)))
    return pd.DataFrame(rows, columns=["replicate", "weights", "asked", "labels", "layer", "top1"]).round(2)


def head(
    widths: Sequence[int], activation: type[nn.Module] = nn.ReLU, *, classes: int = 10, seed: int = 0
) -> nn.Module:
    """FC layers from the 512 numbers of conv5 to scores, with hidden layers of ``widths``; variance 1 / inputs."""
    sizes = [512, *widths]
    hidden = [nn.Sequential(nn.Linear(a, b), activation()) for a, b in zip(sizes[:-1], widths, strict=True)]
    layers = nn.Sequential(*hidden, nn.Linear(sizes[-1], classes))
    return redraw(layers, range(1, len(layers) + 1), seed=seed)


def described(trunk: nn.Sequential, known: Images, *sets: Images) -> list[Images]:
    """What conv5 says of the pictures of each set, pixels (N, 512), centred and scaled by what it says of the first.

    ``known``: what ``trunk`` has learnt.
    """
    found = [features(trunk, images.normalised_like(known), cuts=[5], pool=4)[5] for images in sets]
    centre, scale = found[0].mean(0), found[0].std()
    return [Images((x - centre) / scale, images.labels, images.classes) for x, images in zip(found, sets, strict=True)]


def _name(widths: Sequence[int]) -> str:
    return " + ".join(map(str, widths)) or "none"


def _learnt(
    sizes: Sizes,
    widths: Sequence[int],
    activation: type[nn.Module],
    images: Images,
    judges: Images,
    rate: float,
    seed: int = 0,
) -> tuple[float, float]:
    """Top-1 (%) of a head on the pictures that it has learnt and on ``judges``; nan if it diverged."""
    new = head(widths, activation, classes=sizes.each, seed=seed)
    recipe = Recipe(steps=sizes.steps, batch_size=16, learning_rate=rate, shift=0)
    if train(new, images, recipe, seed=seed).diverged:
        return nan, nan
    return 100 * accuracy(new, images), 100 * accuracy(new, judges)


@cache
def _task(sizes: Sizes, replicate: int, half: str, labels: int) -> list[Images]:
    """The classes that the network of ``half`` has not learnt, as conv5 describes them: learnt, validation, test."""
    given, test = _of_half(sizes, replicate, "BA"["AB".index(half)])
    chosen = given.draw(labels, seed=replicate), given.draw(0, seed=replicate, skip=KEPT)
    return described(*base(sizes, replicate, half), *chosen, test)


@cache
def base(sizes: Sizes, replicate: int, half: str) -> tuple[nn.Sequential, Images]:
    """A network that has learnt a half, and the pictures that it learnt."""
    learn = _of_half(sizes, replicate, half)[0].draw(KEPT, seed=replicate).measured()
    net = build(NetSpec(), classes=sizes.each, size=32, seed=replicate)
    train(net, learn, Recipe(epochs=sizes.epochs, batch_size=16, learning_rate=0.005, shift=2), seed=replicate)
    return net, learn


def _of_half(sizes: Sizes, replicate: int, half: str) -> list[Images]:
    members = replicate_halves(sizes.count, each=sizes.each, replicate=replicate)["AB".index(half)]
    characters = _glyphs(classes=sizes.count, per_class=2 * KEPT, test_per_class=sizes.test_per_class)
    return [part.of_classes(members) for part in characters]
