"""Which layers of a network to keep for new images: every choice is judged on images that had no part in it."""

from __future__ import annotations

import copy
import math
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..data.images import Images
from ..models.layers import last_linear
from ..models.surgery import freeze, freeze_batch_norm, learning
from ..seeds import derive
from .device import Setting
from .features import pooled, prefix_tokens
from .loop import scores, train
from .probes import Probe, fit_heads, fit_probe, folds
from .recipe import Recipe, best_rate, tried_rates

INNER = 3  # folds of the images that are learnt, within which cuts, strengths and rates are chosen
RATES = (0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # of fine-tuning
FIRST_RATES = RATES[3:5]
# Pictures unlike those that were learnt give signals, and gradients, of any size: so these are clipped.
RECIPE = Recipe(epochs=8, batch_size=16, shift=0, clip=1.0)
TRIAL = 2  # epochs for which a rate is tried: on six sets those chosen so do as well as those of whole trainings
HEAD = Recipe(epochs=100, batch_size=16, shift=0)
KEPT = 2**28  # bytes of signals behind frozen layers that are kept in memory; above it these layers run every time


class Split(NamedTuple):
    """Rows to learn and rows to judge, and within the former (counted there from 0) the held-out rows of folds."""

    kept: Tensor
    held: Tensor
    inner: list[Tensor]


def splits(labels: Tensor, k: int, *, repeats: int = 1, seed: int = 0, groups: Tensor | None = None) -> list[Split]:
    """``k`` folds, ``repeats`` times drawn anew, and in each the folds of what is learnt; see ``probes.folds``."""
    found = []
    for number, held in enumerate(folds(labels, k, seed=seed, repeats=repeats, groups=groups)):
        kept = torch.ones(len(labels), dtype=torch.bool).index_fill(0, held, False).nonzero().flatten()
        within = None if groups is None else groups[kept]
        found.append(Split(kept, held, folds(labels[kept], INNER, seed=derive(seed, "inner", number), groups=within)))
    return found


class Result(NamedTuple):
    """What a choice came to in a split: ``top1`` (per cent) of the images that judge, ``inside`` of those that chose.

    ``cut``: how many layers stand still, or if none does, are kept; None for several cuts together. ``seconds``: to fit
    it once, chosen. ``learnt``: parameters.
    """

    top1: float
    inside: float
    seconds: float
    learnt: int
    cut: int | None = None
    rate: float | None = None


def probe_at(
    cuts: int | Sequence[int], found: Mapping[int, Tensor], labels: Tensor, split: Split, *, classes: int
) -> Result:
    """A ridge probe behind one of ``cuts``, or of all of them together; ``found``: the ``features`` of all images."""
    start = time.perf_counter()
    x = {n: found[n] for n in ([cuts] if isinstance(cuts, int) else cuts)}
    probe, inside = chosen_probe(x, labels, split.kept, split.inner, classes=classes)
    top1 = probe.accuracy({n: each[split.held] for n, each in x.items()}, labels[split.held])
    seconds, learnt = time.perf_counter() - start, probe.weight.numel() + probe.bias.numel()
    return Result(100 * top1, 100 * inside, seconds, learnt, cut=cuts if isinstance(cuts, int) else None)


def chosen_probe(
    x: Mapping[int, Tensor], labels: Tensor, rows: Tensor, inner: Sequence[Tensor], *, classes: int
) -> tuple[Probe, float]:
    """A probe of some ``rows``, its strength chosen on ``inner`` folds of these, and its accuracy there (0 to 1)."""
    kept = {n: each[rows] for n, each in x.items()}
    probe = fit_probe(kept, labels[rows], classes=classes, validation=inner)
    return probe, max(probe.tried.values())


def as_layer(probe: Probe) -> nn.Linear:
    """The linear layer that gives the scores of ``probe``."""
    weight = probe.weight * probe.scale[:, None]
    layer = nn.Linear(*weight.shape)
    with torch.no_grad():
        layer.weight.copy_(weight.T)
        layer.bias.copy_(probe.bias - probe.mean @ weight)
    return layer


class Pooled(nn.Module):
    """What ``features`` makes of the signal behind the last of ``layers``: (N, F), as a layer."""

    def __init__(self, layers: nn.Sequential, pool: int = 1) -> None:
        super().__init__()
        self.n, self.prefix, self.pool = len(layers), prefix_tokens(layers[-1]), pool

    def forward(self, x: Tensor) -> Tensor:
        return pooled(x, n=self.n, prefix=self.prefix, pool=self.pool)


def with_head(layers: nn.Sequential, head: nn.Linear, *, pool: int = 1) -> nn.Sequential:
    """``layers`` and behind them "head": pooling, as ``features`` does it, and a last layer."""
    end = nn.Sequential(Pooled(layers, pool), head)
    return nn.Sequential(OrderedDict([*layers.named_children(), ("head", end)]))


def without_scores(net: nn.Sequential) -> nn.Sequential:
    """``net`` up to the vector that its last linear layer reads; it shares all weights with ``net``."""
    name = last_linear(net)
    memo = {id(values): values for values in (*net.parameters(), *net.buffers())}
    shared = copy.deepcopy(net, memo)
    shared.set_submodule(name, nn.Identity())
    return shared


class Treatment(NamedTuple):
    """Layers 1..``cut`` are kept, a new last layer comes behind them, and layers 1..``frozen`` stand still."""

    cut: int
    frozen: int


def treatments(cut: int, layers: int) -> dict[str, Treatment]:
    """The ways to fine-tune a network of ``layers`` blocks from a cut, the cheapest first."""
    return {
        "fine-tuned above the cut": Treatment(layers, cut),
        "cut there, all fine-tuned": Treatment(cut, 0),
        "everything fine-tuned": Treatment(layers, 0),
    }


class Tuner:
    """Fine-tuning of ``net``, which itself stays as it is, on ``images``.

    ``found``: the features behind every cut and, at ``len(net)``, the vector that the last layer reads. The head comes
    first: it learns on these, and then all that is not frozen goes on from there. Batch norm keeps its statistics and
    its weights in all layers: in training mode it would need other rates (notebook 11).
    """

    def __init__(
        self, net: nn.Sequential, images: Images, found: Mapping[int, Tensor], *, device: str = "cpu", seed: int = 0
    ) -> None:
        self.net, self.images, self.found = net.to(device), images, found
        self.device, self.seed = device, seed
        self._signals: dict[int, list[Tensor]] = {}

    def judge(self, what: Treatment, split: Split) -> Result:
        """``what`` in a split, at the one of ``RATES`` that is best on the first inner fold.

        Of equally many right the lower loss decides. Neighbours are tried until the best has worse ones on both sides
        or ``RATES`` end, each for ``TRIAL`` epochs.
        """
        mask = torch.ones(len(split.kept), dtype=torch.bool).index_fill(0, split.inner[0], False)

        def trial(rate: float) -> tuple[float, float]:
            tuned, diverged = self.fit(what, split.kept[mask], rate, epochs=TRIAL)
            return (0.0, -math.inf) if diverged else self._scored(tuned, what, split.kept[~mask])

        tried = tried_rates(trial, FIRST_RATES, RATES)
        best, start = best_rate(tried), time.perf_counter()
        tuned, diverged = self.fit(what, split.kept, best)
        seconds, learnt = time.perf_counter() - start, sum(each.numel() for each in learning(tuned))
        top1 = 0.0 if diverged else self._scored(tuned, what, split.held)[0]
        return Result(100 * top1, 100 * tried[best][0], seconds, learnt, cut=what.frozen or what.cut, rate=best)

    def forecast(self, what: Treatment, split: Split) -> float:
        """About how many seconds ``judge`` will take, by a few steps on a few images."""
        few = split.kept[:: max(1, len(split.kept) // (2 * RECIPE.batch_size))]
        views = len(self._behind(what.frozen)[1])
        self.fit(what, few, FIRST_RATES[0], epochs=1)  # the first steps of a network are slower
        start = time.perf_counter()
        self.start(what, few)
        ready = time.perf_counter()
        self.fit(what, few, FIRST_RATES[0], epochs=1)  # starts once more, which does not take longer for more images
        of_one = max(0.0, time.perf_counter() - ready - (ready - start)) / (views * len(few))
        trials = len(FIRST_RATES) + 1  # more, if the best rate lies farther away
        return of_one * len(split.kept) * (RECIPE.epochs + TRIAL * trials * (1 - 1 / INNER))

    def _scored(self, tuned: nn.Sequential, what: Treatment, held: Tensor) -> tuple[float, float]:
        """The share (0 to 1) of the images ``held`` that are right, and less the mean cross-entropy."""
        below, (plain, *_) = self._behind(what.frozen)
        judged = replace(self.images, pixels=plain[held], labels=self.images.labels[held])
        found = scores(tuned[below:], judged, device=self.device)
        right = (found.argmax(1) == judged.labels).double().mean()
        return right.item(), -nn.functional.cross_entropy(found, judged.labels).item()

    def fit(
        self, what: Treatment, rows: Tensor, rate: float, *, epochs: int = RECIPE.epochs
    ) -> tuple[nn.Sequential, bool]:
        """``what`` fitted to the images ``rows``, and whether it diverged; frozen layers are those of ``net``."""
        tuned = self.start(what, rows)
        below, signals = self._behind(what.frozen)
        recipe = replace(RECIPE, learning_rate=rate, epochs=max(1, epochs // len(signals)))
        pixels, labels = torch.cat([each[rows] for each in signals]), self.images.labels[rows].repeat(len(signals))
        learn = replace(self.images, pixels=pixels, labels=labels, flip=self.images.flip and not below)
        history = train(tuned[below:], learn, recipe, seed=self.seed, setting=Setting(self.device))
        return tuned, history.diverged

    def start(self, what: Treatment, rows: Tensor) -> nn.Sequential:
        """The network before fine-tuning: its last layer is fitted to the images ``rows``, the others are ``net``'s."""
        head = self._head(self.found[what.cut][rows], self.images.labels[rows])
        named = list(self.net.named_children())
        layers = OrderedDict(named[: what.frozen])
        for name, layer in named[what.frozen : what.cut]:
            layers[name] = copy.deepcopy(layer)
        tuned = nn.Sequential(layers)
        if what.cut == len(self.net):
            tuned.set_submodule(last_linear(tuned), head)
        else:
            tuned = with_head(tuned, head)
        freeze(tuned, what.frozen)
        freeze_batch_norm(tuned)
        return tuned

    def _head(self, x: Tensor, labels: Tensor) -> nn.Linear:
        """A last layer that has learnt from features (N, F) as they are, from zero.

        A probe would not do: it divides features by their deviations, so that those which hardly vary get large
        weights, and through these the layers below large gradients.
        """
        head = nn.Sequential(nn.Linear(x.shape[1], len(self.images.classes)))
        nn.init.zeros_(head[0].weight)
        nn.init.zeros_(head[0].bias)
        rate = 1 / max(x.square().sum(1).mean().item(), 1e-12)  # for which steps are stable, whatever the features
        fit_heads([head], x, labels, replace(HEAD, learning_rate=rate), seed=self.seed)
        return head[0]

    def _behind(self, n: int) -> tuple[int, list[Tensor]]:
        """Up to which layer signals are kept, and these, of all images and, where they may be, of mirrored ones.

        Layers 1..n stand still, so they run once, if what they give finds room in memory; else that is layer 0.
        """
        if n and n not in self._signals:
            views = [self.images] + [replace(self.images, pixels=self.images.pixels.flip(3))] * self.images.flip
            parts = [self._run(n, view, room=KEPT // len(views)) for view in views]
            self._signals[n] = [] if any(part is None for part in parts) else parts
            while sum(part.nbytes for parts in self._signals.values() for part in parts) > KEPT:
                del self._signals[next(iter(self._signals))]
        return (n, self._signals[n]) if n and self._signals[n] else (0, [self.images.pixels])

    @torch.no_grad()
    def _run(self, n: int, images: Images, *, room: int) -> Tensor | None:
        layers, parts = self.net[:n].to(self.device).eval(), []
        for batch in images.pixels.split(images.at_once):
            parts.append(layers(images.normalise(batch.to(self.device))).cpu())
            if parts[0].nbytes / len(parts[0]) * len(images) > room:
                return None
        return torch.cat(parts)
