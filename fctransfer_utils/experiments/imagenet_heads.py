"""The three heads of ``head_studies`` on the trunk of the bundled ImageNet network, carried over to photographs.

Trunk and head learn twenty classes of Tiny ImageNet (the *source*). Then the trunk stands still, and the head is taken
along, or drawn anew, for sets of photographs that lie as folders beside Tiny ImageNet, and for rendered pages.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from ..data.documents import documents
from ..data.folders import read_all
from ..data.images import Images
from ..data.public import read_public
from ..data.splits import TUNE, replicate_halves
from ..models.heads import head_layers
from ..models.pretrained import BUNDLED, bundled, preprocessing
from ..training.features import features
from ..training.loop import accuracy, train
from ..training.probes import fit_probe
from ..training.recipe import Recipe

if TYPE_CHECKING:
    import pandas as pd

HEADS = {"gap": "gap", "fc": "flat", "gap_fc": "gap_fc"}  # as ``models.heads`` calls them
SETS = ("flowers12", "dtd10", "intel-scenes", "rsscn7", "scenes15", "caltech101")
TRUNK, CHANNELS, SIDE, HIDDEN = 18, 1280, 2, 512  # blocks, and the map behind them at 64 pixels
RATES = (0.003, 0.01, 0.03)
CLOSE = 0.5  # points of validation accuracy: a length is not searched for more closely


@dataclass(frozen=True)
class Amounts:
    """Images a class: ``source`` are learnt, as many choose; of a target ``target`` are learnt, ``held_out`` choose."""

    source: int = 100
    target: int = 20
    held_out: int = 8
    epochs: int = 6
    steps: int = 300


def source_rates(root: str, amounts: Amounts) -> dict[str, float]:
    """The rate of each head that is best on validation images of the replicate ``TUNE``; of equals the lowest."""
    learn, validation, _ = _source(root, TUNE, amounts)
    found = {}
    for head, rate in product(HEADS, RATES):
        net, diverged = _learnt(head, rate, amounts.epochs, learn, seed=99)
        found[head, rate] = 0.0 if diverged else accuracy(net, validation)
    return {head: max(RATES, key=lambda rate: (found[head, rate], -rate)) for head in HEADS}


def moved(root: str, replicate: int, rates: Mapping[str, float], amounts: Amounts) -> pd.DataFrame:
    """What a replicate finds, its networks at equal source accuracy: a row for each source, head and probe.

    ``treatment``: "fc source", "fc frozen" (the hidden layers come along), "fc drawn" (all new), "fc probe 2x2"; the
    trunk before it learnt the source is "before". ``top1`` and ``train_top1`` are shares.
    """
    import pandas as pd

    learn, validation, test = _source(root, replicate, amounts)
    nets, rows = _equal(rates, amounts.epochs, learn, validation, seed=replicate)
    about = {"data": "imagenet-trunk", "split": "random", "replicate": replicate, "n": TRUNK, "labels": amounts.target}
    for row in rows:
        row |= {"target": "source", "kind": "source", "use": "source", "top1": accuracy(nets[row["head"]], test)}
    nets["before"] = bundled()[:TRUNK]
    for name in (*SETS, "pages"):
        images = _target(root, name, replicate, amounts)
        for head, net in nets.items():
            maps = _maps(net, images)
            found = _read_off(maps, seed=replicate)
            if head != "before":
                found |= _taken_along(net, head, maps, amounts.steps, seed=replicate)
            kind = "layout" if name == "pages" else "far"
            rows += [{"head": head, "target": name, "kind": kind, "use": use} | its for use, its in found.items()]
    return pd.DataFrame([about | row | {"treatment": f"{row['head']} {row['use']}"} for row in rows])


def _source(root: str, replicate: int, amounts: Amounts) -> tuple[Images, Images, Images]:
    learn, test = read_public("tiny-imagenet", str(Path(root) / "tiny-imagenet-200"), size=64)
    classes = replicate_halves(len(learn.classes), each=20, replicate=replicate)[0]
    learn, test = (_normalised(each.of_classes(classes)) for each in (learn, test))
    seed = 99 if replicate == TUNE else replicate
    return learn.draw(amounts.source, seed=seed, skip=100), learn.draw(100, seed=seed), test


def _target(root: str, name: str, seed: int, amounts: Amounts) -> tuple[Images, Images, Images]:
    if name == "pages":
        learn, test = documents(per_class=30, test_per_class=40, size=64, seed=seed)
    else:
        learn, test = (read_all(Path(root) / name / part, size=64)[0] for part in ("train", "test"))
    learn, held_out = _normalised(learn), amounts.held_out
    return learn.draw(amounts.target, seed=seed, skip=held_out), learn.draw(held_out, seed=seed), _normalised(test)


def _normalised(images: Images) -> Images:
    mean, std, _ = preprocessing(BUNDLED)
    return replace(images, mean=mean, std=std)


def _with_head(trunk: nn.Sequential, head: str, classes: int, *, seed: int) -> nn.Sequential:
    """The blocks of ``trunk`` and a head that is drawn; batch norm keeps what ImageNet left."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = head_layers(HEADS[head], channels=CHANNELS, side=SIDE, classes=classes, hidden=HIDDEN)
    for part in trunk.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.requires_grad_(False)
    return nn.Sequential(OrderedDict([*trunk.named_children(), *layers.items()]))


def _learnt(head: str, rate: float, epochs: int, learn: Images, *, seed: int) -> tuple[nn.Sequential, bool]:
    net = _with_head(bundled()[:TRUNK], head, len(learn.classes), seed=seed)
    recipe = Recipe(batch_size=32, shift=4, learning_rate=rate, epochs=epochs)
    return net, train(net, learn, recipe, seed=seed, clip=1.0).diverged


def _equal(
    rates: Mapping[str, float], most: int, learn: Images, validation: Images, *, seed: int
) -> tuple[dict[str, nn.Sequential], list[dict[str, Any]]]:
    """A network of each head: the weakest after ``most`` epochs, the others after as many as come nearest to it."""
    tried: dict[str, dict[int, tuple[float, nn.Sequential]]] = {head: {} for head in HEADS}

    def attempt(head: str, epochs: int) -> float:
        net, _ = _learnt(head, rates[head], epochs, learn, seed=seed)
        tried[head][epochs] = 100 * accuracy(net, validation), net
        return tried[head][epochs][0]

    ends = {head: attempt(head, most) for head in HEADS}
    aim = min(ends.values())
    for head, value in ends.items():
        low, high, epochs = 0, most, most
        while abs(value - aim) > CLOSE:
            low, high = (low, epochs) if value > aim else (epochs, high)
            if high - low <= 1:
                break
            epochs = (low + high) // 2
            value = attempt(head, epochs)
    best = {head: min(its, key=lambda epochs: (abs(its[epochs][0] - aim), epochs)) for head, its in tried.items()}
    rows = [{"head": head, "epochs": best[head], "validation": tried[head][best[head]][0]} for head in HEADS]
    return {head: tried[head][epochs][1] for head, epochs in best.items()}, rows


def _maps(net: nn.Sequential, parts: Sequence[Images]) -> list[Images]:
    """The maps of the trunk (N, 1280, 2, 2) in place of the pixels."""
    found = [features(net, images, cuts=[TRUNK], pool=SIDE)[TRUNK] for images in parts]
    return [
        replace(images, pixels=x.unflatten(1, (CHANNELS, SIDE, SIDE))) for images, x in zip(parts, found, strict=True)
    ]


def _read_off(maps: Sequence[Images], *, seed: int) -> dict[str, dict[str, float]]:
    """Ridge probes on the map averaged to one and to 2 x 2 places."""
    (learn, _, test), found = maps, {}
    for pool in (1, SIDE):
        x, y = (F.adaptive_avg_pool2d(each.pixels, pool).flatten(1) for each in (learn, test))
        probe = fit_probe(x, learn.labels, classes=len(learn.classes), seed=seed)
        found[f"probe {pool}x{pool}"] = {
            "top1": probe.accuracy(y, test.labels), "train_top1": probe.accuracy(x, learn.labels)
        }  # fmt: skip
    return found


def _taken_along(
    net: nn.Sequential, head: str, maps: Sequence[Images], steps: int, *, seed: int
) -> dict[str, dict[str, float]]:
    """The head of ``net`` with a new last layer, and the same drawn anew, learnt on the maps of its trunk."""
    learn, validation, test = maps
    hidden = {name: values for name, values in net.state_dict().items() if name.startswith(("fc6", "fc7"))}
    found = {}
    for use in ("frozen", "drawn") if hidden else ("frozen",):
        tried = {}
        for rate in (*RATES, 0.1):
            above = _with_head(nn.Sequential(), head, len(learn.classes), seed=seed)
            if use == "frozen":
                above.load_state_dict(hidden, strict=False)
            recipe = Recipe(batch_size=32, shift=0, learning_rate=rate, steps=steps)
            diverged = train(above, learn, recipe, seed=seed).diverged
            tried[rate] = 0.0 if diverged else accuracy(above, validation), above
        rate = max(tried, key=lambda rate: (tried[rate][0], -rate))
        above = tried[rate][1]
        found[use] = {"rate": rate, "top1": accuracy(above, test), "train_top1": accuracy(above, learn)}
    return found
