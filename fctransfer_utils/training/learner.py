"""A network in training: what stands still, what learns and how one step is taken."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import InputError
from ..models import freeze, layer_numbers, train_mode
from .descent import Descent, Group
from .execution import Execution
from .prefix import constant_layers
from .recipe import Recipe


class Epoch(NamedTuple):
    """One point of a learning curve; losses are mean cross-entropy in nats, ``test_top1`` a fraction."""

    epoch: int
    train_loss: float
    test_loss: float
    test_top1: float
    learning_rate: float
    seconds: float


@dataclass(eq=False)
class Learner:
    """A network in training. Its layers 1..``cut`` stand still and draw nothing, so that others may run them for it."""

    net: nn.Sequential
    still: frozenset[int]
    cut: int
    frozen_rest: nn.Sequential
    learning: nn.Sequential
    optimiser: Descent
    execution: Execution
    draws: Tensor
    total: Tensor
    curve: list[Epoch] = field(default_factory=list)
    diverged: bool = False

    @classmethod
    def of(cls, net: nn.Sequential, frozen: int | Collection[int], recipe: Recipe, execution: Execution) -> Learner:
        net.to(execution.device, memory_format=execution.memory_format)
        still = layer_numbers(net, frozen)
        freeze(net, still)
        prefix = next(number for number in range(len(net) + 1) if number + 1 not in still)
        cut = constant_layers(net, prefix)
        parts = (net[cut:prefix], net[prefix:])
        draws = _generator(execution).get_rng_state()
        return cls(net, still, cut, *parts, make_optimiser(net, recipe), execution, draws, torch.zeros(()))

    @property
    def tested(self) -> nn.Sequential:
        return self.net[self.cut :]

    def begin(self) -> None:
        """Before an epoch."""
        train_mode(self.net, self.still)
        self.total = torch.zeros((), device=self.execution.device)

    def step(self, signal: Tensor, labels: Tensor, rate: float) -> None:
        """One step of gradient descent from what layer ``cut`` gives for a batch."""
        with self.execution.autocast():
            with torch.no_grad():
                signal = self.frozen_rest(signal)
            logits = self.learning(signal)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward()
        self.optimiser.step(rate)  # and drops the gradients at once: those of a whole crew would take much memory
        self.total += loss.detach() * len(labels)


def at_cuts(net: nn.Sequential, signal: Tensor, cuts: Collection[int], *, begin: int = 0) -> dict[int, Tensor]:
    """What each of the layers ``cuts`` of ``net`` gives, with ``signal`` what layer ``begin`` gave (0: the input)."""
    found = {begin: signal}
    for number in range(begin + 1, max(cuts, default=0) + 1):
        signal = net[number - 1](signal)
        found[number] = signal
    return found


def own_draws(learners: Sequence[Learner], execution: Execution) -> Iterator[Learner]:
    """Each learner in turn, with the process's generator (dropout draws from it) where this learner left it."""
    generator = _generator(execution)
    for learner in learners:
        generator.set_rng_state(learner.draws)
        yield learner
        learner.draws = generator.get_rng_state()


def _generator(execution: Execution):
    """The module whose generator dropout draws from on the device of ``execution``."""
    return torch.cuda if execution.device.startswith("cuda") else torch


def make_optimiser(net: nn.Module, recipe: Recipe) -> Descent:
    """SGD over what learns; weight decay on matrices and filters only (Caffe also spares biases)."""
    learning = [p for p in net.parameters() if p.requires_grad]
    if not learning:
        raise InputError("every layer is frozen, so there is nothing to train; use a cut n below the last layer.")
    groups = [
        Group([p for p in learning if p.dim() > 1], weight_decay=recipe.weight_decay),
        Group([p for p in learning if p.dim() <= 1], share=recipe.bias_rate),
    ]
    fused = next(iter(learning)).device.type in ("cpu", "cuda")
    return Descent(groups, momentum=recipe.momentum, fused=fused)
