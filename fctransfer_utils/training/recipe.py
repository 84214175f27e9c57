"""How a network learns, as pure data; the same for every treatment of a study."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError, unknown
from ..fields import settle_fields

SCHEDULES = ("linear", "step")
PIXELS = ("standard", "centred")


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum.

    ``learning_rate`` is the peak. Schedule ``linear`` warms up over the first ``warmup`` share of the steps and then
    falls linearly to zero, so that a run ends settled; ``step`` divides by 10 after each third of a run, or after every
    ``drop_every`` steps (Yosinski et al. 2014: 100,000 of 450,000). ``weight_decay`` acts on weights, not on biases or
    batch-norm scales, which learn at ``bias_rate`` times the rate (Caffe: 2). ``crop_padding`` is in pixels of the
    image (0: no random shift). ``crop`` is the side of the random crop that the network sees of a larger image, the
    centre one where it is tested (0: the whole image). ``pixels`` are ``standard`` (mean 0 and deviation 1 in each
    channel) or ``centred`` as in Caffe (mean 0, in steps of 0..255). ``steps`` is the number of steps between two
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
    drop_every: int = 0
    bias_rate: float = 1.0
    crop: int = 0
    pixels: str = "standard"

    def __post_init__(self) -> None:
        settle_fields(self)
        if self.schedule not in SCHEDULES:
            raise unknown("schedule", self.schedule, SCHEDULES)
        if self.pixels not in PIXELS:
            raise unknown("kind of pixels", self.pixels, PIXELS)
        for name, value, low, high in (
            ("epochs", self.epochs, 1, 100_000),
            ("batch_size", self.batch_size, 1, 65_536),
            ("learning_rate", self.learning_rate, 0.0, 100.0),
            ("momentum", self.momentum, 0.0, 0.9999),
            ("weight_decay", self.weight_decay, 0.0, 1.0),
            ("warmup", self.warmup, 0.0, 0.9),
            ("crop_padding", self.crop_padding, 0, 64),
            ("steps", self.steps, 0, 10_000_000),
            ("drop_every", self.drop_every, 0, 1_000_000_000),
            ("bias_rate", self.bias_rate, 0.0, 100.0),
            ("crop", self.crop, 0, 256),
        ):
            if not low <= value <= high:
                raise InputError(f"{name} {value!r} is outside {low}..{high}; give a value in that range.")
        if self.crop and self.crop_padding:
            raise InputError(
                f"crop {self.crop} and crop_padding {self.crop_padding}: images are either cropped or shifted; give one"
                " of the two as 0."
            )
        if self.drop_every and self.schedule != "step":
            raise InputError(f"drop_every {self.drop_every} is for the schedule 'step', not for {self.schedule!r}.")

    @property
    def moves_images(self) -> bool:
        """Whether images are shifted or cropped at random, so that none is seen twice in the same way."""
        return self.crop_padding > 0 or self.crop > 0

    def seen(self, image_size: int) -> int:
        """The side in pixels of what the network sees of an image of ``image_size``. Raises InputError if too small."""
        if self.crop > image_size:
            raise InputError(
                f"crop {self.crop} is larger than the images of {image_size} pixels; give a larger image_size."
            )
        return self.crop or image_size
