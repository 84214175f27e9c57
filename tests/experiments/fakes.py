"""A small learnable image set, made of numbers only, and the study on it."""

from __future__ import annotations

import torch

from fctransfer_utils.data.image_set import ImageSet, Labelled, build
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments.study import Study, transfer_study
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

CLASSES = 6


def images(*, seed: int = 0) -> ImageSet:
    """Six classes of coloured noise, 8 training and 4 test images each."""
    stream = torch.Generator().manual_seed(seed)

    def part(each: int) -> Labelled:
        labels = torch.arange(CLASSES).repeat(each)
        noise = torch.rand(len(labels), 3, 32, 32, generator=stream) * 128
        colour = torch.stack([labels * 20, 120 - labels * 20, (labels % 2) * 120], dim=1)[:, :, None, None]
        return Labelled((noise + colour).to(torch.uint8), labels)

    names = [f"colour{number}" for number in range(CLASSES)]
    return build("colours", train=part(8), test=part(4), class_ids=names, class_names=names, flip=True)


def study(**options) -> Study:
    """A study of tiny networks; ``options`` go to ``transfer_study``."""
    plain = {
        "data": DataSpec(name="folder:colours"),
        "net": NetSpec(width=12),
        "recipe": Recipe(epochs=1, batch_size=16),
        "directions": (("A", "B"),),
        "treatments": ("base", "BnB", "AnB", "twice"),
        "cuts": (1, 7),
    }
    return transfer_study(**{**plain, **options})
