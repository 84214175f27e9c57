"""How a network learns, as pure data; the same for every treatment of a study."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown

SCHEDULES = ("linear", "step")


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum.

    ``learning_rate`` is the peak. Schedule ``linear`` warms up over the first ``warmup`` share of the steps and then
    falls linearly to zero, so that a run ends settled; ``step`` divides by 10 after each third of a run, in the manner
    of Yosinski et al. 2014. ``weight_decay`` acts on weights, not on biases or batch-norm scales.
    ``crop_padding`` is in pixels of the image (0: no random crop). ``steps`` is the number of steps between two
    evaluations, in whatever number of passes over the images that takes (0: as many as one pass takes).
    """

    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.02
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "linear"
    warmup: float = 0.1
    crop_padding: int = 4
    steps: int = 0

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise unknown("schedule", self.schedule, SCHEDULES)
        for name, value, low, high in (
            ("epochs", self.epochs, 1, 100_000),
            ("batch_size", self.batch_size, 1, 65_536),
            ("learning_rate", self.learning_rate, 0.0, 100.0),
            ("momentum", self.momentum, 0.0, 0.9999),
            ("weight_decay", self.weight_decay, 0.0, 1.0),
            ("warmup", self.warmup, 0.0, 0.9),
            ("crop_padding", self.crop_padding, 0, 64),
            ("steps", self.steps, 0, 10_000_000),
        ):
            if not low <= value <= high:
                raise InputError(f"{name} {value!r} is outside {low}..{high}; give a value in that range.")
