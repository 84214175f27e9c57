"""How a network learns, as pure data (imports no torch)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import InputError


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum and weight decay on everything that learns.

    ``epochs`` passes over the images in batches of ``batch_size``; ``steps``, if given, in place of epochs, for
    comparisons over numbers of images: as many whole epochs as they take, so that up to an epoch is added. The rate
    rises over the first ``warmup`` share of all steps to ``learning_rate`` and then falls in a straight line to 0; with
    ``drop_every`` it is divided by 10 after every so many steps instead, as in the paper. ``shift``, ``crop``: see
    ``data.augment``. ``bias_rate``: biases learn at so many times the rate, without weight decay (Caffe's rule is 2);
    0: like the weights. ``clip``: the gradient of a step is shortened to this length where it is longer; 0: it is not.
    """

    epochs: int = 16
    batch_size: int = 32
    learning_rate: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warmup: float = 0.1
    drop_every: int = 0
    shift: int = 4
    crop: int = 0
    steps: int = 0
    bias_rate: float = 0.0
    clip: float = 0.0

    def __post_init__(self) -> None:
        checks = {
            "epochs": self.epochs >= 1, "batch_size": self.batch_size >= 1, "learning_rate": self.learning_rate > 0,
            "momentum": 0 <= self.momentum < 1, "weight_decay": self.weight_decay >= 0, "warmup": 0 <= self.warmup < 1,
            "drop_every": self.drop_every >= 0, "shift": self.shift >= 0, "crop": self.crop >= 0,
            "steps": self.steps >= 0, "bias_rate": self.bias_rate >= 0, "clip": self.clip >= 0,
        }  # fmt: skip
        for name, good in checks.items():
            if not good:
                raise InputError(
                    f"{name} = {getattr(self, name)} is not possible in a recipe; see training.recipe.Recipe."
                )

    def batches(self, images: int) -> int:
        """How many batches an epoch of ``images`` images has."""
        return -(-images // self.batch_size)

    def epochs_for(self, images: int) -> int:
        """How many epochs: those named, or as many as ``steps`` needs."""
        return -(-self.steps // self.batches(images)) if self.steps else self.epochs

    def rate(self, step: int, total: int) -> float:
        """The share of ``learning_rate`` at ``step`` of ``total`` steps, counted from 0."""
        if self.drop_every:
            return 0.1 ** (step // self.drop_every)
        rising = round(self.warmup * total)
        return min((step + 1) / (rising + 1), (total - step) / max(total - rising, 1))


def best_rate(scores: Mapping[float, Any]) -> float:
    """The rate with the highest score, of equals the lowest."""
    return max(scores, key=lambda rate: (scores[rate], -rate))


def rates_to_try(scores: Mapping[float, Any], ladder: Sequence[float]) -> list[float]:
    """The neighbours on ``ladder`` of the best rate so far that have no score; none once both sides of it are tried."""
    at = ladder.index(best_rate(scores))
    return [rate for rate in ladder[max(at - 1, 0) : at + 2] if rate not in scores]


def tried_rates(score: Callable[[float], Any], first: Sequence[float], ladder: Sequence[float]) -> dict[float, Any]:
    """The score of every rate that was tried: the ``first``, and then ``rates_to_try`` until there are none."""
    scores: dict[float, Any] = {}
    todo = [*first]
    while todo:
        scores |= {rate: score(rate) for rate in todo}
        todo = rates_to_try(scores, ladder)
    return scores


# CaffeNet as Yosinski et al. trained it: 450,000 batches of 256, a tenth of the rate after every 100,000 of them.
PAPER = Recipe(
    steps=450_000, batch_size=256, learning_rate=0.01, warmup=0, drop_every=100_000, shift=0, crop=227, bias_rate=2.0
)  # fmt: skip
