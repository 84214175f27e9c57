"""The three heads of ``head_studies`` on the trunk of the bundled ImageNet network, carried over to photographs.

Trunk and head learn twenty classes of Tiny ImageNet (the *source*). Then the head is taken along, or drawn anew, for
sets of photographs that lie as folders beside Tiny ImageNet, and for rendered pages. The trunk stands still; on some
sets it is fine-tuned as well.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from ..data.documents import documents
from ..data.folders import read_all
from ..data.images import Images
from ..data.public import read_public
from ..data.splits import TUNE, replicate_halves
from ..errors import InputError
from ..experiments.studies import RATES
from ..models.heads import head_layers
from ..models.pretrained import bundled
from ..models.surgery import freeze_batch_norm
from ..training.features import features, for_bundled
from ..training.loop import accuracy, train
from ..training.probes import fit_probe
from ..training.recipe import Recipe, best_rate, tried_rates

HEADS = {"gap": "gap", "fc": "flat", "gap_fc": "gap_fc"}  # as ``models.heads`` calls them
SETS = ("flowers12", "dtd10", "intel-scenes", "rsscn7", "scenes15", "caltech101")
TUNED = ("flowers12", "dtd10", "intel-scenes", "rsscn7", "pages")  # where everything learns, too: sets of few classes
TRUNK, CHANNELS, SIDE, HIDDEN = 18, 1280, 2, 512  # blocks, and the map behind them at 64 pixels
FIRST_RATES = RATES[4:7]
CLOSE = 0.5  # points of validation accuracy: a length is not searched for more closely


@dataclass(frozen=True)
class Amounts:
    """Images a class: ``source`` are learnt, as many choose; of a target ``target`` are learnt, ``held_out`` choose.

    ``epochs`` of the source, at most; ``steps`` of a head on a frozen trunk; ``tuned_epochs`` where everything learns.
    """

    source: int = 100
    target: int = 20
    held_out: int = 8
    epochs: int = 6
    steps: int = 300
    tuned_epochs: int = 8


def source_rates(root: str, amounts: Amounts) -> dict[str, float]:
    """The rate of each head that is best on validation images of the replicate ``TUNE``; of equals the lowest."""
    learn, validation, _ = _source(root, TUNE, amounts)

    def score(head: str, rate: float) -> float:
        net, diverged = _learnt(head, rate, amounts.epochs, learn, seed=99)
        return 0.0 if diverged else accuracy(net, validation)

    return {head: _best_rate(partial(score, head)) for head in HEADS}


def moved(root: str, replicate: int, rates: Mapping[str, float], amounts: Amounts) -> pd.DataFrame:
    """What a replicate finds: a row for each source, head and probe.

    ``match``: whether the networks are at equal source "accuracy" or of equal "length", which is ``amounts.epochs``.
    ``treatment``: "fc source", "fc frozen" (the hidden layers come along), "fc drawn" (all new), "fc probe 2x2", and at
    equal accuracy "fc fine-tuned"; the trunk before it learnt the source is "before". ``top1`` and ``train_top1`` are
    shares.
    """
    learn, validation, test = _source(root, replicate, amounts)
    nets, sources = _sources(rates, amounts.epochs, learn, validation, seed=replicate)
    targets = {name: _target(root, name, replicate, amounts) for name in (*SETS, "pages")}
    about = {"data": "imagenet-trunk", "split": "random", "replicate": replicate, "n": TRUNK, "labels": amounts.target}
    found = {key: _carried(net, key[0], targets, amounts, seed=replicate) for key, net in nets.items()}
    for key, net in nets.items():
        found[key].append({"target": "source", "kind": "source", "use": "source", "top1": accuracy(net, test)})
    before = _carried(bundled()[:TRUNK], "", targets, amounts, seed=replicate)
    rows = []
    for source in sources:
        net = nets[source["head"], source["epochs"]]
        rows += [source | row for row in found[source["head"], source["epochs"]]]
        if source["match"] == "accuracy":
            rows += [source | row for row in tuned(net, source["head"], targets, amounts, seed=replicate)]
    rows += [{"match": match, "head": "before"} | row for match in ("accuracy", "length") for row in before]
    return pd.DataFrame([about | row | {"treatment": f"{row['head']} {row['use']}"} for row in rows])


def _carried(
    net: nn.Sequential, head: str, targets: Mapping[str, Sequence[Images]], amounts: Amounts, *, seed: int
) -> list[dict[str, Any]]:
    """The trunk of ``net`` on every target: read off by probes, and, if it has a ``head``, with that on top."""
    recipe = Recipe(batch_size=32, shift=0, steps=amounts.steps)
    rows = []
    for name, images in targets.items():
        maps = _maps(net, images)
        found = _read_off(maps, seed=seed)
        if head:
            found["frozen"] = _taken_along(net, head, maps, recipe, seed=seed)
        if head in ("fc", "gap_fc"):
            found["drawn"] = _taken_along(None, head, maps, recipe, seed=seed)
        rows += [_about(name) | {"use": use} | its for use, its in found.items()]
    return rows


def tuned(
    net: nn.Sequential, head: str, targets: Mapping[str, Sequence[Images]], amounts: Amounts, *, seed: int
) -> list[dict[str, Any]]:
    """``net`` with a new last layer, all of which learns each of the targets ``TUNED``."""
    recipe = Recipe(batch_size=16, shift=4, epochs=amounts.tuned_epochs, clip=1.0)
    return [
        _about(name) | {"use": "fine-tuned"} | _taken_along(net, head, targets[name], recipe, trunk=TRUNK, seed=seed)
        for name in TUNED
    ]


def _about(target: str) -> dict[str, Any]:
    return {"target": target, "kind": "layout" if target == "pages" else "far"}


def _best_rate(score: Callable[[float], float]) -> float:
    """The rate of the highest score, of equals the lowest; neighbours are tried until it has worse ones beside it."""
    return best_rate(tried_rates(score, FIRST_RATES, RATES))


def _source(root: str, replicate: int, amounts: Amounts) -> tuple[Images, Images, Images]:
    learn, test = read_public("tiny-imagenet", str(Path(root) / "tiny-imagenet-200"), size=64)
    classes = replicate_halves(len(learn.classes), each=20, replicate=replicate)[0]
    learn, test = (for_bundled(each.of_classes(classes)) for each in (learn, test))
    seed = 99 if replicate == TUNE else replicate
    return learn.draw(amounts.source, seed=seed, skip=100), learn.draw(100, seed=seed), test


def _target(root: str, name: str, seed: int, amounts: Amounts) -> tuple[Images, Images, Images]:
    if name == "pages":
        learn, test = documents(per_class=30, test_per_class=40, size=64, seed=seed)
    else:
        learn, test = (read_all(Path(root) / name / part, size=64)[0] for part in ("train", "test"))
    learn, held_out = for_bundled(learn), amounts.held_out
    return learn.draw(amounts.target, seed=seed, skip=held_out), learn.draw(held_out, seed=seed), for_bundled(test)


def _with_head(trunk: nn.Sequential, head: str, classes: int, *, seed: int) -> nn.Sequential:
    """The blocks of ``trunk`` and a head that is drawn; batch norm keeps what ImageNet left."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = head_layers(HEADS[head], channels=CHANNELS, side=SIDE, classes=classes, hidden=HIDDEN)
    freeze_batch_norm(trunk)
    return nn.Sequential(OrderedDict([*trunk.named_children(), *layers.items()]))


def _learnt(head: str, rate: float, epochs: int, learn: Images, *, seed: int) -> tuple[nn.Sequential, bool]:
    net = _with_head(bundled()[:TRUNK], head, len(learn.classes), seed=seed)
    recipe = Recipe(batch_size=32, shift=4, learning_rate=rate, epochs=epochs, clip=1.0)
    return net, train(net, learn, recipe, seed=seed).diverged


def _sources(
    rates: Mapping[str, float], most: int, learn: Images, validation: Images, *, seed: int
) -> tuple[dict[tuple[str, int], nn.Sequential], list[dict[str, Any]]]:
    """Networks by head and epochs, and which they are: {match, head, epochs, validation}.

    At equal length all learn for ``most`` epochs. At equal accuracy the weakest of these stays as it is, and the others
    learn for as many epochs as come nearest to it.
    """
    tried: dict[str, dict[int, tuple[float, nn.Sequential]]] = {head: {} for head in HEADS}

    def attempt(head: str, epochs: int) -> float:
        net, diverged = _learnt(head, rates[head], epochs, learn, seed=seed)
        if diverged:
            raise InputError(f"head {head!r} diverged at its rate {rates[head]}; give a lower one.")
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
    equal = {head: min(its, key=lambda epochs: (abs(its[epochs][0] - aim), epochs)) for head, its in tried.items()}
    lengths = {"accuracy": equal, "length": dict.fromkeys(HEADS, most)}
    nets = {(head, epochs): tried[head][epochs][1] for its in lengths.values() for head, epochs in its.items()}
    rows = [
        {"match": match, "head": head, "epochs": epochs, "validation": tried[head][epochs][0]}
        for match, its in lengths.items()
        for head, epochs in its.items()
    ]
    return nets, rows


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
        top1, train_top1 = probe.accuracy(y, test.labels), probe.accuracy(x, learn.labels)
        found[f"probe {pool}x{pool}"] = {"top1": top1, "train_top1": train_top1}
    return found


def _taken_along(
    net: nn.Sequential | None, head: str, images: Sequence[Images], recipe: Recipe, *, trunk: int = 0, seed: int
) -> dict[str, float]:
    """What a head comes to at its best rate, with the hidden layers of ``net``, if that is given, and a new last layer.

    It learns together with the first ``trunk`` blocks of ``net``; with none of them ``images`` are the maps of these.
    """
    learn, validation, test = images
    learnt: dict[float, nn.Sequential] = {}

    def score(rate: float) -> float:
        below = copy.deepcopy(net[:trunk]) if trunk else nn.Sequential()
        whole = _with_head(below, head, len(learn.classes), seed=seed)
        if net is not None:
            weights = net.state_dict()
            whole.load_state_dict({name: weights[name] for name in weights if name[:3] in ("fc6", "fc7")}, strict=False)
        learnt[rate] = whole
        history = train(whole, learn, replace(recipe, learning_rate=rate), seed=seed)
        return 0.0 if history.diverged else accuracy(whole, validation)

    rate = _best_rate(score)
    return {"rate": rate, "top1": accuracy(learnt[rate], test), "train_top1": accuracy(learnt[rate], learn)}
