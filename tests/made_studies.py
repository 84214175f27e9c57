"""Images, profiles and stores that make a study a matter of seconds."""

from dataclasses import replace

import torch

from fctransfer_utils.data.images import Images
from fctransfer_utils.data.sources import Source
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments.profiles import profile

CLASSES, SIZE = 10, 16


def pixels(per_class: int, seed: int) -> Images:
    """Classes that differ in colour, with noise that makes some images hard."""
    chance = torch.Generator().manual_seed(seed)
    colours = torch.randint(0, 200, (CLASSES, 3, 1, 1), generator=torch.Generator().manual_seed(5))
    labels = torch.arange(CLASSES).repeat_interleave(per_class)
    noise = torch.randint(0, 56, (len(labels), 3, SIZE, SIZE), generator=chance)
    names = tuple(f"class {number}" for number in range(CLASSES))
    return Images((colours[labels] + noise).to(torch.uint8), labels, names)


def tiny(spec: DataSpec) -> Source:
    """Ten classes of 16 x 16 pixels; ``spec`` is not looked at."""
    return Source(pixels(12, 1), pixels(6, 2), {"near-far": (tuple(range(5)), tuple(range(5, 10)))})


def others(spec: DataSpec) -> Source:
    """The same classes, other images."""
    return Source(pixels(12, 3), pixels(6, 2))


def made_profile(**changes):
    """The smallest transfer study that has every treatment."""
    made = profile("smoke", data="glyphs")
    recipe = replace(made.recipe, epochs=2, batch_size=16)
    return replace(made, data=DataSpec(size=SIZE), recipe=recipe, **changes)
