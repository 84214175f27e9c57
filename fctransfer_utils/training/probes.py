"""Convex probes, which tell how much of a class a linear map reads off features, and many linear heads at once."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..seeds import generator
from .loop import History
from .recipe import Recipe

Features = Tensor | Mapping[int, Tensor]  # (N, F), or those of several cuts, to be taken together
GRID = tuple(10.0**power for power in range(-4, 3))  # strengths as shares of the mean squared length of a row
WIDEST = 7  # grids that are tried at most, each but the first a power of ten wider


@dataclass(frozen=True)
class Probe:
    """A linear classifier in float64: scores (N, classes) are ``(x - mean) * scale @ weight + bias``.

    ``strength`` times the squared weights is added to the summed squared error (scikit-learn's ``alpha``). ``tried``:
    the held-out accuracy of every strength.
    """

    mean: Tensor
    scale: Tensor
    weight: Tensor
    bias: Tensor
    strength: float
    tried: dict[float, float] = field(default_factory=dict)

    def scores(self, x: Features) -> Tensor:
        """Scores (N, classes) of features (N, F), or of the cuts that the probe was fitted to."""
        return (combine(x)[0].double() - self.mean) * self.scale @ self.weight + self.bias

    def accuracy(self, x: Features, y: Tensor) -> float:
        """Top-1: the share of rows, 0 to 1, whose highest score is that of their label."""
        return (self.scores(x).argmax(1) == y).double().mean().item()


def fit_probe(
    train_x: Features,
    train_y: Tensor,
    *,
    classes: int,
    strengths: Sequence[float] | None = None,
    validation: Sequence[Tensor] | None = None,
    seed: int = 0,
) -> Probe:
    """A linear classifier of features (N, F) with labels (N,): ridge regression on targets -1 and 1.

    Features are standardised by the training rows (one that is the same in all of them becomes 0) and, where several
    cuts are taken together, divided by the root of their cut's width, so that no cut weighs more than another.

    The strength is that of ``strengths`` with the highest accuracy on held-out rows, the middle one of equals: a fifth
    of every class drawn from ``seed``, or the rows of each fold in ``validation``. A choice at the end of the grid
    widens it; a single strength is taken as it is. Then all rows are fitted. Raises InputError for features and labels
    that do not fit.
    """
    x, weights = combine(train_x)
    if x.dim() != 2 or not len(x) or len(x) != len(train_y) or not x.isfinite().all():
        raise InputError(f"features {tuple(x.shape)} with {len(train_y)} labels; give finite numbers, a row a label.")
    if not 0 <= int(train_y.min()) <= int(train_y.max()) < classes:
        raise InputError(f"labels {int(train_y.min())} to {int(train_y.max())} are not among {classes} classes from 0.")
    problem = _Problem(x, train_y, weights, classes)
    grid = sorted(strengths or [share * problem.squared_length for share in GRID])
    if grid[0] <= 0:
        raise InputError(f"strength {grid[0]} is not possible; give numbers above 0.")
    if len(grid) == 1:
        return problem.probe(grid[0])
    held_out = folds(train_y, 5, seed=seed)[:1] if validation is None else validation
    inner = [(_Problem(*_without(x, train_y, held), weights, classes), held) for held in held_out]
    tried: dict[float, float] = {}
    for _ in range(WIDEST):
        found = [[part.probe(strength).accuracy(x[held], train_y[held]) for strength in grid] for part, held in inner]
        tried.update(zip(grid, torch.tensor(found, dtype=torch.float64).mean(0).tolist(), strict=True))
        equals = [strength for strength in sorted(tried) if tried[strength] == max(tried.values())]
        best = equals[len(equals) // 2]
        if best not in (min(tried), max(tried)):
            break
        grid = [best / 10 if best == min(tried) else best * 10]
    return replace(problem.probe(best), tried={strength: tried[strength] for strength in sorted(tried)})


def combine(features: Features) -> tuple[Tensor, Tensor]:
    """Features of several cuts side by side, (N, all widths), and the weight of each: 1 / root of its cut's width.

    Features of one cut come back as they are, with weights of 1.
    """
    if isinstance(features, Tensor):
        return features, torch.ones(features.shape[-1], dtype=torch.float64)
    blocks = [features[n] for n in sorted(features)]
    weights = [torch.full((block.shape[1],), block.shape[1] ** -0.5, dtype=torch.float64) for block in blocks]
    return torch.cat(blocks, 1), torch.cat(weights)


def widened(train_x: Tensor, *others: Tensor, width: int, seed: int = 0) -> list[Tensor]:
    """Features (N, F) and behind them random ReLU features of them, ``width`` in all: more features, nothing learnt.

    The control for probes of several cuts. The random layer (He's weights, standard normal biases) sees features
    standardised by the rows of ``train_x``; ``others`` are widened alike.
    """
    mean, scale = _standard(train_x.double())
    more = width - train_x.shape[1]
    if more < 0:
        raise InputError(f"width = {width} is less than the {train_x.shape[1]} features that there are; give more.")
    chance = generator(seed, "widened")
    weight = torch.randn(train_x.shape[1], more, generator=chance, dtype=torch.float64)
    weight *= (2 / train_x.shape[1]) ** 0.5
    bias = torch.randn(more, generator=chance, dtype=torch.float64)
    return [
        torch.cat([x, torch.addmm(bias, (x.double() - mean) * scale, weight).relu().to(x.dtype)], 1)
        for x in (train_x, *others)
    ]


def folds(labels: Tensor, k: int, *, seed: int = 0, repeats: int = 1, groups: Tensor | None = None) -> list[Tensor]:
    """The held-out rows of ``k`` folds, ``repeats`` times drawn anew; each fold has its share of every class.

    Rows of one number in ``groups`` (N,) are held out together; then the shares are as equal as that allows. Raises
    InputError for a class with fewer than 2 rows, or groups, which no fold can both learn and judge.
    """
    counts = torch.bincount(labels if groups is None else torch.stack([labels, groups]).unique(dim=1)[0])
    if not 2 <= k <= len(labels) or int(counts[counts > 0].min()) < 2:
        what = "rows" if groups is None else "groups"
        raise InputError(
            f"{k} folds of {len(labels)} rows whose smallest class has {int(counts[counts > 0].min())} {what}; give 2 "
            f"folds or more, and at least 2 {what} of every class."
        )
    found = []
    for repeat in range(repeats):
        order = torch.randperm(len(labels), generator=generator(seed, "folds", repeat))
        if groups is None:
            dealt = order[labels[order].argsort(stable=True)]  # class by class, so that dealing them out shares each
            found += [dealt[fold::k].sort().values for fold in range(k)]
        else:
            fold_of = _dealt(labels[order], groups[order], k)
            found += [order[fold_of == fold].sort().values for fold in range(k)]
    rows = torch.bincount(labels)
    for held in found if groups is not None else ():
        lost = (rows > 0) & (torch.bincount(labels[held], minlength=len(rows)) == rows)
        if bool(lost.any()):
            raise InputError(
                f"the groups leave no row of class {int(lost.nonzero()[0])} outside one of {k} folds; give groups that "
                "are smaller."
            )
    return found


def _dealt(labels: Tensor, groups: Tensor, k: int) -> Tensor:
    """The fold (N,) of each row: whole groups, the largest first, go to the fold that has least of their classes."""
    _, number, sizes = groups.unique(return_inverse=True, return_counts=True)
    first = torch.full_like(sizes, len(labels)).scatter_reduce(0, number, torch.arange(len(labels)), "amin")
    parts = torch.zeros(len(sizes), int(labels.max()) + 1).index_put((number, labels), torch.ones(()), accumulate=True)
    parts = parts / parts.sum(0).clamp(min=1)  # shares of each class, so that a small one weighs as much
    dealt, fold_of = torch.zeros(k, parts.shape[1]), torch.zeros_like(sizes)
    for group in sorted(range(len(sizes)), key=lambda group: (-int(sizes[group]), int(first[group]))):
        burden = dealt @ parts[group] + dealt.sum(1) / (len(labels) + 1)  # of equals, the smallest fold
        fold_of[group] = int(burden.argmin())
        dealt[fold_of[group]] += parts[group]
    return fold_of[number]


def cross_validated(
    features: Features, labels: Tensor, *, held_out: Sequence[Tensor], classes: int, **options: object
) -> list[float]:
    """The accuracy on each fold's ``held_out`` rows of a probe fitted to all others; for the options see fit_probe.

    The strength is chosen, and features are standardised, inside the rows that are fitted.
    """
    found = []
    for held in held_out:
        kept, kept_labels = _without(features, labels, held)
        probe = fit_probe(kept, kept_labels, classes=classes, **options)
        found.append(probe.accuracy(_rows(features, held), labels[held]))
    return found


def fit_heads(
    heads: Sequence[nn.Module],
    features: Tensor,
    labels: Tensor,
    recipe: Recipe,
    *,
    rates: Sequence[float] | None = None,
    seed: int = 0,
) -> list[History]:
    """Train heads of one linear layer each, on the CPU, in place and at once on fixed features (N, F), labels (N,).

    Each ends as ``training.loop.train`` would leave it alone on these features: all see the same batches. ``rates``:
    the learning rate of each head, in place of the recipe's. Raises InputError for heads of other layers and shapes.
    """
    linears = [_linear(head) for head in heads]
    if not len(labels) or not linears or len(rates or linears) != len(linears) or recipe.bias_rate or recipe.clip:
        raise InputError(
            f"{len(linears)} heads, {len(labels)} labels, {len(rates or linears)} rates, bias_rate {recipe.bias_rate} "
            f"and clip {recipe.clip} do not go together; give heads, labels, a rate a head or none, and neither "
            "bias_rate nor clip."
        )
    if any(each.weight.shape != linears[0].weight.shape for each in linears):
        raise InputError("heads of different shapes are not trained at once; call fit_heads for each shape.")
    if features.shape[-1] != linears[0].in_features:
        raise InputError(
            f"heads that read {linears[0].in_features} numbers do not fit features of {features.shape[-1]}; build them "
            "for these."
        )
    weight = torch.stack([each.weight.detach().T for each in linears]).requires_grad_()  # (K, F, classes)
    bias = torch.stack([each.bias.detach()[None] for each in linears]).requires_grad_()
    speeds = [torch.zeros_like(weight), torch.zeros_like(bias)]
    peaks = torch.tensor(rates or [recipe.learning_rate] * len(heads))[:, None, None]
    epochs, batches = recipe.epochs_for(len(labels)), recipe.batches(len(labels))
    step, began = 0, time.perf_counter()
    chance, histories = generator(seed), [History() for _ in heads]
    for _ in range(epochs):
        totals = torch.zeros(len(heads))
        for chosen in torch.randperm(len(labels), generator=chance).tensor_split(batches):
            scores = torch.baddbmm(bias, features[chosen].expand(len(heads), -1, -1), weight)
            truth = labels[chosen].expand(len(heads), -1)
            losses = F.cross_entropy(scores.transpose(1, 2), truth, reduction="none").mean(1)
            slopes = torch.autograd.grad(losses.sum(), (weight, bias))  # heads share nothing: the gradient of each
            rate = recipe.rate(step, epochs * batches) * peaks
            with torch.no_grad():
                for values, slope, speed in zip((weight, bias), slopes, speeds, strict=True):
                    speed.mul_(recipe.momentum).add_(slope).add_(values, alpha=recipe.weight_decay)
                    values.sub_(rate * speed)
                totals += losses * len(chosen)
            step += 1
        for history, total in zip(histories, totals.tolist(), strict=True):
            history.losses.append(total / len(labels))
            history.diverged |= not math.isfinite(total)
    with torch.no_grad():
        for k, linear in enumerate(linears):
            linear.weight.copy_(weight[k].T)
            linear.bias.copy_(bias[k, 0])
            histories[k].seconds = time.perf_counter() - began
    return histories


def _linear(head: nn.Module) -> nn.Linear:
    """The one layer of a head."""
    layers = [part for part in head.modules() if not [*part.children()]]
    if len(layers) != 1 or not isinstance(layers[0], nn.Linear):
        names = ", ".join(type(part).__name__ for part in layers)
        raise InputError(f"a head of {names} is not trained at once with others; use training.loop.train.")
    return layers[0]


class _Problem:
    """The training rows, standardised and turned into their principal axes: (N, r), r at most N and F.

    A penalty on the squared weights does not notice the turn, so probes are fitted there: with more features than rows
    this is the dual form, and every strength is one division.
    """

    def __init__(self, x: Tensor, y: Tensor, weights: Tensor, classes: int) -> None:
        self.mean, scale = _standard(x := x.double())
        self.scale = scale * weights
        x = (x - self.mean) * self.scale
        self.x, self.targets = x, 2 * F.one_hot(y, classes).double() - 1
        self.squared_length = x.square().sum().item() / len(x) or 1.0
        self.wide = x.shape[1] > len(x)
        squares, axes = torch.linalg.eigh(x @ x.T if self.wide else x.T @ x)
        kept = squares > squares.max() * 1e-13
        self.squares, self.axes = squares[kept], axes[:, kept]
        self.turned = self.axes * self.squares.sqrt() if self.wide else x @ self.axes

    def probe(self, strength: float) -> Probe:
        """The least squared error and ``strength`` times the squared weights."""
        bias = self.targets.mean(0)  # the rows have mean 0
        weight = self.turned.T @ (self.targets - bias) / (self.squares[:, None] + strength)
        weight = self.axes @ (weight / self.squares.sqrt()[:, None] if self.wide else weight)
        return Probe(self.mean, self.scale, self.x.T @ weight if self.wide else weight, bias, strength)


def _standard(x: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each feature (N, F) and 1 / its deviation: 0 where only rounding tells the rows apart."""
    deviation, mean = torch.std_mean(x, 0, correction=0)
    return mean, torch.where(deviation > 1e-6 * mean.abs(), 1 / deviation, torch.zeros_like(deviation))


def _without(features: Features, labels: Tensor, held: Tensor) -> tuple[Features, Tensor]:
    """The rows that are not held out."""
    kept = torch.ones(len(labels), dtype=torch.bool).index_fill(0, held, False)
    return _rows(features, kept), labels[kept]


def _rows(features: Features, chosen: Tensor) -> Features:
    return features[chosen] if isinstance(features, Tensor) else {n: each[chosen] for n, each in features.items()}
