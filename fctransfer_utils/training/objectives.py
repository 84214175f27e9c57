"""Other losses than that of classes: one number (regression), or several labels that may hold together.

What changes is the last layer and what follows it. Classes exclude each other: softmax and cross-entropy. A number has
no softmax, and mean squared error; its outputs are learnt in units of the training targets' standard deviation, around
their mean, so that the last layer starts at a sensible guess and the gradients have the size that the recipe is made
for. Labels that do not exclude each other have a sigmoid each, and binary cross-entropy.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import seeds
from ..errors import InputError, unknown
from ..models import freeze, train_mode
from .execution import Execution, one_thread
from .feed import Batches
from .learner import make_optimiser
from .loop import Pixels, learning_rate
from .prefix import Ready
from .recipe import Recipe

OBJECTIVES = ("regression", "multi-label", "one of many")
OUTPUTS = ("linear", "rectified", "raw units")
AT_ONCE = 500


class Targets(NamedTuple):
    """What goes in, features float32 (N, ...) or images uint8 (N, 3, S, S), and targets float32 (N, K)."""

    inputs: Tensor
    targets: Tensor


class Score(NamedTuple):
    """After an epoch, on the judging part: the loss, and the measures of the objective by name."""

    epoch: int
    loss: float
    values: dict[str, float]


@dataclass(frozen=True)
class Fitted:
    """A network that learnt an objective: its curve, its predictions (M, K) for the judging part, whether it diverged.

    Predictions are in the unit of the targets (regression) or probabilities.
    """

    curve: tuple[Score, ...]
    predictions: Tensor
    diverged: bool
    net: nn.Sequential

    @property
    def values(self) -> dict[str, float]:
        """The measures at the end."""
        return self.curve[-1].values


@dataclass(frozen=True)
class Objective:
    """A loss, how outputs (N, K) become predictions, and how these are measured.

    ``centre`` and ``unit`` (K,) bring targets to mean 0 and standard deviation 1 for regression.
    """

    name: str
    centre: Tensor
    unit: Tensor
    output: str = "linear"

    @classmethod
    def of(cls, name: str, targets: Tensor, *, output: str = "linear") -> Objective:
        """The objective ``name`` for training ``targets`` (N, K).

        "regression": mean squared error; "multi-label": binary cross-entropy per column; "one of many": softmax and
        cross-entropy over the columns, each held label an equal share, which is the wrong loss where labels go
        together. ``output`` for regression: "linear" (as it should be), "rectified" (a ReLU too many) or "raw units"
        (targets as they are). Raises InputError for another name, targets that do not fit and constant ones.
        """
        if name not in OBJECTIVES:
            raise unknown("objective", name, OBJECTIVES)
        if output not in OUTPUTS:
            raise unknown("last layer of a regression", output, OUTPUTS)
        if targets.dim() != 2 or not len(targets):
            raise InputError(f"targets have the shape {tuple(targets.shape)}; give (N, K), with N at least 1.")
        centre, unit = torch.zeros(targets.shape[1]), torch.ones(targets.shape[1])
        if name != "regression":
            if not ((targets == 0) | (targets == 1)).all():
                raise InputError(f"labels of the objective {name!r} are 0 or 1; {targets.max():g} is neither.")
        elif output != "raw units":
            centre, unit = targets.mean(0), targets.std(0)
            if not (unit > 0).all():
                raise InputError("a target is the same for every training image; there is nothing to predict.")
        return cls(name, centre, unit, output)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch."""
        if self.name == "regression":
            return F.mse_loss(self._shaped(outputs), (targets - self.centre) / self.unit)
        if self.name == "multi-label":
            return F.binary_cross_entropy_with_logits(outputs, targets)
        shares = targets / targets.sum(1, keepdim=True).clamp(min=1)
        return -(shares * outputs.log_softmax(1)).sum(1).mean()

    def predict(self, outputs: Tensor) -> Tensor:
        """Predictions (N, K): numbers in the unit of the targets, or probabilities."""
        if self.name == "regression":
            return self._shaped(outputs) * self.unit + self.centre
        return outputs.sigmoid() if self.name == "multi-label" else outputs.softmax(1)

    def measures(self, predictions: Tensor, targets: Tensor) -> dict[str, float]:
        """Regression: ``error`` (root mean square, unit of the targets) and ``explained`` (R squared on these targets).

        Otherwise, with labels said to hold from probability 1/2 on: ``right`` (mean share over the labels) and
        ``all_right`` (share of images without a fault).
        """
        if self.name == "regression":
            square = (predictions - targets).square().mean()
            spread = (targets - targets.mean(0)).square().mean()
            return {"error": square.sqrt().item(), "explained": (1 - square / spread).item()}
        held = (predictions >= 0.5) == (targets == 1)
        return {"right": held.float().mean().item(), "all_right": held.all(1).float().mean().item()}

    def _shaped(self, outputs: Tensor) -> Tensor:
        return F.relu(outputs) if self.output == "rectified" else outputs


def fit(
    net: nn.Sequential,
    learn: Targets,
    judge: Targets,
    *,
    objective: Objective,
    recipe: Recipe,
    seed: int = 0,
    frozen: int = 0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    on_epoch: Callable[[Score], None] | None = None,
) -> Fitted:
    """Train a copy of ``net`` for ``objective`` by ``recipe`` (without random crops), float32 on one CPU thread.

    With ``mean`` and ``std`` the inputs are images and the first ``frozen`` layers stand still; otherwise they are
    features and ``net`` is a head. A loss that is not finite ends the run. Raises InputError where inputs, targets and
    outputs do not fit, naming the sizes.
    """
    _check(net, learn, judge, objective)
    images = mean is not None and std is not None
    execution = Execution(channels_last=images)  # on a CPU, convolutions this small are faster so
    prepare = Pixels.of(mean, std, execution) if images else Ready(execution)
    net = copy.deepcopy(net).to(memory_format=execution.memory_format)
    freeze(net, frozen)
    optimiser = make_optimiser(net, recipe)
    steps = recipe.steps or math.ceil(len(learn.targets) / recipe.batch_size)
    order = seeds.generator(seed, "order")
    batches = Batches(len(learn.targets), recipe.batch_size, order)
    curve: list[Score] = []
    with one_thread(execution), torch.random.fork_rng([]):
        torch.manual_seed(seeds.derive(seed, "dropout"))
        for epoch in range(recipe.epochs):
            train_mode(net, frozen)
            for step, chosen in enumerate(islice(batches, steps)):
                rate = learning_rate(recipe, epoch * steps + step, recipe.epochs * steps)
                loss = objective.loss(net(prepare(learn.inputs[chosen])), learn.targets[chosen])
                loss.backward()
                optimiser.step(rate)
            outputs = _outputs(net, judge.inputs, prepare)
            predictions = objective.predict(outputs)
            score = objective.loss(outputs, judge.targets).item()
            curve.append(Score(epoch + 1, score, objective.measures(predictions, judge.targets)))
            if on_epoch:
                on_epoch(curve[-1])
            if not math.isfinite(score):
                break
    return Fitted(tuple(curve), predictions, not math.isfinite(curve[-1].loss), net)


@torch.no_grad()
def _outputs(net: nn.Module, inputs: Tensor, prepare: Pixels | Ready) -> Tensor:
    net.eval()
    return torch.cat([net(prepare(batch)) for batch in inputs.split(AT_ONCE)])


def _check(net: nn.Sequential, learn: Targets, judge: Targets, objective: Objective) -> None:
    for name, part in (("training", learn), ("judging", judge)):
        if len(part.inputs) != len(part.targets) or not len(part.targets):
            raise InputError(
                f"the {name} part has {len(part.inputs)} inputs and {len(part.targets)} targets; give one target for"
                " each, and at least one."
            )
    outputs = [part for part in net.modules() if isinstance(part, nn.Linear)][-1].out_features
    if outputs != learn.targets.shape[1] or outputs != len(objective.unit):
        raise InputError(
            f"the last layer has {outputs} outputs, the targets have {learn.targets.shape[1]} columns; build the head"
            f" with classes={learn.targets.shape[1]}."
        )
