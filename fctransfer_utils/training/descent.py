"""Stochastic gradient descent with momentum: torch's own step, called directly.

``torch.optim.SGD`` takes the same step, but the first optimiser of a process imports torch's compiler, which costs
every kernel and every worker about two seconds and 170 MB and is used by nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim.sgd import sgd


@dataclass(eq=False)
class Group:
    """Parameters that learn at ``share`` of the rate, with ``weight_decay`` (per step, times the rate).

    ``momenta`` has their momentum, a tensor of the shape and layout of each; None before its first step.
    """

    parameters: list[Tensor]
    weight_decay: float = 0.0
    share: float = 1.0
    momenta: list[Tensor | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.momenta = self.momenta or [None] * len(self.parameters)


class Descent:
    """Steps of stochastic gradient descent over ``groups``, as ``torch.optim.SGD`` takes them.

    ``fused``: one call of torch for all parameters of a group, on CPU and CUDA.
    """

    def __init__(self, groups: Sequence[Group], *, momentum: float, fused: bool = False) -> None:
        self.groups = [group for group in groups if group.parameters]
        self.momentum, self.fused = momentum, fused
        self.forget()  # what an earlier backward pass left is none of ours

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move every parameter that has a gradient, at the learning rate ``rate``, and drop the gradients."""
        for group in self.groups:
            places = [place for place, each in enumerate(group.parameters) if each.grad is not None]
            moved = [group.parameters[place] for place in places]
            momenta = [group.momenta[place] for place in places] if self.momentum else []
            sgd(
                moved,
                [each.grad for each in moved],
                momenta,
                lr=rate * group.share,
                momentum=self.momentum,
                weight_decay=group.weight_decay,
                fused=self.fused,
                foreach=False,
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )
            for place, momentum in zip(places, momenta, strict=False):
                group.momenta[place] = momentum
        self.forget()

    def forget(self) -> None:
        """Drop all gradients."""
        for group in self.groups:
            for parameter in group.parameters:
                parameter.grad = None
