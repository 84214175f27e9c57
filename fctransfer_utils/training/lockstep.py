"""Many heads of one architecture trained side by side: one batched product per layer instead of one call per head.

Each head has its own features (or shares them), labels, learning rate, order of images and dropout, and becomes what it
would have become alone: ``train_head`` of ``training.heads`` is the reference, up to the rounding of sums.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .. import seeds
from ..errors import InputError
from .execution import Execution, one_thread
from .feed import Batches
from .heads import Features
from .learner import Epoch
from .loop import learning_rate
from .recipe import Recipe

AT_ONCE = 1000
SMALLEST = 1e-6


class Learner(NamedTuple):
    """One head to train: its layers (``models.heads`` or the end of an arm), what it learns and is judged by, and how.

    ``head`` is trained in place. ``seed`` fixes the order of images and dropout; ``rate`` is the peak learning rate.
    """

    head: nn.Sequential
    learn: Features
    judge: Features
    seed: int
    rate: float


@dataclass(frozen=True)
class Taught:
    """How one head ended: its curve (``test`` is its ``judge``), its share of the seconds, and whether it diverged."""

    curve: tuple[Epoch, ...]
    seconds: float
    diverged: bool


def train_together(learners: Sequence[Learner], *, recipe: Recipe) -> tuple[Taught, ...]:
    """Train every head of ``learners`` by ``recipe`` at its own rate, in float32 on one CPU thread.

    Heads are sequences of flattening, pooling of maps, linear layers, ReLU and dropout, the same in all of them;
    features are (N, F) or maps (N, C, h, w), as many images in each. A head whose loss is no longer finite stays behind
    alone. Raises InputError for no learner, other modules, and learners that do not have the same shapes.
    """
    with one_thread(Execution()), torch.no_grad():
        layers, learn, judge = _checked(learners)
        stack = _Stack(learners, layers, recipe)
        steps = recipe.steps or math.ceil(learn.labels.shape[1] / recipe.batch_size)
        batches = [
            Batches(learn.labels.shape[1], recipe.batch_size, seeds.generator(learner.seed, "order"))
            for learner in learners
        ]
        unit = replace(recipe, learning_rate=1.0)
        curves: list[list[Epoch]] = [[] for _ in learners]
        start = time.perf_counter()
        for epoch in range(recipe.epochs):
            total, seen = torch.zeros(len(learners)), 0
            for step in range(steps):
                chosen = torch.stack([next(each) for each in batches])
                relative = learning_rate(unit, epoch * steps + step, recipe.epochs * steps)
                values, labels = learn.batch(chosen)
                total += stack.step(values, labels, relative) * chosen.shape[1]
                seen += chosen.shape[1]
            losses, top1 = stack.judge(judge)
            seconds = (time.perf_counter() - start) / len(learners)
            for place, curve in enumerate(curves):
                numbers = (total[place].item() / seen, losses[place].item(), top1[place].item())
                curve.append(Epoch(epoch + 1, *numbers, learners[place].rate * relative, seconds))
        stack.write_back()
    return tuple(
        Taught(tuple(curve), seconds, not (math.isfinite(curve[-1].train_loss) and math.isfinite(curve[-1].test_loss)))
        for curve in curves
    )


def together_top1(heads: Sequence[nn.Sequential], parts: Sequence[Features]) -> list[float]:
    """The top-1 (fraction) of each trained head on its own features, in eval mode."""
    with one_thread(Execution()), torch.no_grad():
        found = []
        for head, part in zip(heads, parts, strict=True):
            logits = torch.cat([head.eval()(batch) for batch in part.values.split(AT_ONCE)])
            found.append((logits.argmax(1) == part.labels).float().mean().item())
    return found


def standardised(learn: Features, *others: Features) -> tuple[Features, ...]:
    """All parts with every feature shifted and scaled to mean 0 and deviation 1 on the training part ``learn``.

    Features (N, F); one that is the same for every training image is left at 0. So no layer or network has an
    advantage in a linear probe by the size of its signal.
    """
    mean, deviation = learn.values.mean(0), learn.values.std(0, correction=0)
    scale = torch.where(deviation > SMALLEST, 1 / deviation.clamp(min=SMALLEST), torch.zeros_like(deviation))
    return tuple(Features((part.values - mean) * scale, part.labels) for part in (learn, *others))


class _Shared(NamedTuple):
    """Features of all learners: ``values`` (U, N, F) without repetition, ``rows`` (K,) which of them, labels (K, N)."""

    values: Tensor
    rows: Tensor
    labels: Tensor

    @classmethod
    def of(cls, parts: Sequence[Features], pooled) -> _Shared:
        unique = {id(part.values): part.values for part in parts}
        places = {key: place for place, key in enumerate(unique)}
        values = torch.stack([pooled(value) for value in unique.values()])
        rows = torch.tensor([places[id(part.values)] for part in parts])
        return cls(values, rows, torch.stack([part.labels for part in parts]))

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Features (K, B, F) and labels (K, B) of the image numbers ``chosen`` (K, B)."""
        return self.values[self.rows[:, None], chosen], self.labels.gather(1, chosen)


class _Stack:
    """The weights of K heads as one tensor per layer, with momentum; gradients are written out, as they are few."""

    def __init__(self, learners: Sequence[Learner], layers: Sequence[nn.Module], recipe: Recipe) -> None:
        self.recipe = recipe
        self.layers = layers
        self.linears = [
            [part for part in learner.head.modules() if isinstance(part, nn.Linear)] for learner in learners
        ]
        count = len(self.linears[0])
        self.weights = [torch.stack([each[k].weight.detach().T for each in self.linears]) for k in range(count)]
        self.biases = [torch.stack([each[k].bias.detach()[None] for each in self.linears]) for k in range(count)]
        self.speeds = [torch.zeros_like(value) for value in (*self.weights, *self.biases)]
        self.rates = torch.tensor([learner.rate for learner in learners])[:, None, None]
        self.drops = [torch.Generator().manual_seed(seeds.derive(learner.seed, "dropout")) for learner in learners]

    def step(self, values: Tensor, labels: Tensor, relative: float) -> Tensor:
        """One step on features (K, B, F); the mean loss of each head before it (K,)."""
        inputs, masks = [], []
        signal = values
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                inputs.append(signal)
                place = len(inputs) - 1
                signal = torch.baddbmm(self.biases[place], signal, self.weights[place])
            else:
                mask = self._mask(layer, signal)
                masks.append((len(inputs), mask))
                signal = signal * mask
        logs = signal.log_softmax(2)
        loss = -logs.gather(2, labels[..., None]).squeeze(2).mean(1)
        error = logs.exp()
        error.scatter_add_(2, labels[..., None], torch.full_like(error[..., :1], -1.0))
        error /= labels.shape[1]
        gradients: list[Tensor] = [torch.empty(0)] * len(self.speeds)
        count = len(self.weights)
        for place in reversed(range(count)):
            gradients[place] = inputs[place].transpose(1, 2) @ error
            gradients[count + place] = error.sum(1, keepdim=True)
            if place:
                error = error @ self.weights[place].transpose(1, 2)
                for _, mask in (pair for pair in reversed(masks) if pair[0] == place):
                    error = error * mask
        self._move(gradients, relative)
        return loss

    def _mask(self, layer: nn.Module, signal: Tensor) -> Tensor:
        if isinstance(layer, nn.ReLU):
            return (signal > 0).float()
        kept = torch.empty_like(signal)
        for each, stream in zip(kept, self.drops, strict=True):
            each.bernoulli_(1 - layer.p, generator=stream)
        return kept / (1 - layer.p)

    def _move(self, gradients: Sequence[Tensor], relative: float) -> None:
        """Stochastic gradient descent with momentum; weight decay on weights alone."""
        rates = self.rates * relative
        for place, value in enumerate((*self.weights, *self.biases)):
            gradient, speed = gradients[place], self.speeds[place]
            if place < len(self.weights):
                gradient = gradient.add(value, alpha=self.recipe.weight_decay)
            speed.mul_(self.recipe.momentum).add_(gradient)
            value.sub_(rates * speed)

    def judge(self, part: _Shared) -> tuple[Tensor, Tensor]:
        """Mean loss (K,) and top-1 (K,) of all heads in eval mode."""
        loss, right = torch.zeros(len(self.rates)), torch.zeros(len(self.rates))
        count = part.labels.shape[1]
        for places in torch.arange(count).split(AT_ONCE):
            signal = part.values[:, places][part.rows]
            seen = 0
            for layer in self.layers:
                if isinstance(layer, nn.Linear):
                    signal = torch.baddbmm(self.biases[seen], signal, self.weights[seen])
                    seen += 1
                elif isinstance(layer, nn.ReLU):
                    signal = signal.relu()
            labels = part.labels[:, places]
            loss -= signal.log_softmax(2).gather(2, labels[..., None]).squeeze(2).sum(1)
            right += (signal.argmax(2) == labels).sum(1)
        return loss / count, right / count

    def write_back(self) -> None:
        """Into the modules that the learners gave."""
        for place, linears in enumerate(self.linears):
            for layer, weight, bias in zip(linears, self.weights, self.biases, strict=True):
                layer.weight.copy_(weight[place].T)
                layer.bias.copy_(bias[place, 0])


_BEFORE = (nn.Flatten, nn.AdaptiveAvgPool2d, nn.MaxPool2d, nn.Identity)


def _checked(learners: Sequence[Learner]) -> tuple[list[nn.Module], _Shared, _Shared]:
    """The layers that matter in each step, and the features of both parts with pooling and flattening done once."""
    if not learners:
        raise InputError("no head to train; give at least one.")
    plans = [[part for part in learner.head.modules() if not list(part.children())] for learner in learners]
    for plan in plans:
        for part in plan:
            if not isinstance(part, (*_BEFORE, nn.Linear, nn.ReLU, nn.Dropout)):
                raise InputError(
                    f"a head with {type(part).__name__} cannot be trained side by side; train it alone with train_head."
                )
    shapes = [[(type(part), *(tuple(p.shape) for p in part.parameters())) for part in plan] for plan in plans]
    sizes = [(tuple(each.learn.values.shape), tuple(each.judge.values.shape)) for each in learners]
    for name, values in (("layers", shapes), ("features", sizes)):
        odd = next((value for value in values if value != values[0]), None)
        if odd is not None:
            raise InputError(f"heads side by side need the same {name}; one has {values[0]}, another {odd}.")
    first = next(place for place, part in enumerate(plans[0]) if isinstance(part, nn.Linear))
    pooled = nn.Sequential(*plans[0][:first])
    layers = [part for part in plans[0][first:] if not isinstance(part, nn.Dropout) or part.p > 0]
    return layers, *(_Shared.of([getattr(each, name) for each in learners], pooled) for name in ("learn", "judge"))
