"""What every contestant does: the same network, first weights, images, order, augmentation, steps and evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from fctransfer_utils import seeds
from fctransfer_utils.data.image_set import ImageSet, Labelled
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.data.splits import make_split
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.training import Recipe

PADDING = 4


@dataclass(frozen=True)
class Task:
    """One network to train on half of the ``classes`` rendered glyph classes, or the grid of 30 of them.

    ``per_class`` training images of each class; ``augment`` shifts every image by up to 4 pixels; ``frozen`` layers
    stand still; a ``seed`` fixes first weights and the order of images.
    """

    classes: int = 50
    per_class: int = 128
    width: int = 24
    epochs: int = 2
    seed: int = 0
    augment: bool = True
    dropout: float = 0.5
    frozen: int = 0
    learning_rate: float = 0.02
    batch_norm: bool = False

    @property
    def data(self) -> DataSpec:
        """The rendered images."""
        return DataSpec(
            name="glyphs", image_size=32, glyph_classes=self.classes, glyphs_per_class=self.per_class, glyphs_seed=0
        )

    @property
    def net(self) -> NetSpec:
        """The architecture."""
        return NetSpec(name="alexnet_mini", width=self.width, dropout=self.dropout, batch_norm=self.batch_norm)

    @property
    def recipe(self) -> Recipe:
        """How it learns: batches of 128, descent with momentum, a warm-up and a linear fall of the rate."""
        padding = PADDING if self.augment else 0
        return Recipe(epochs=self.epochs, batch_size=128, learning_rate=self.learning_rate, crop_padding=padding)

    @property
    def outputs(self) -> int:
        """Classes of a half."""
        return self.classes // 2

    def images(self) -> ImageSet:
        """All images, rendered or from this process's cache."""
        from fctransfer_utils.experiments.worker import load_images

        return load_images(self.data, None)

    def halves(self, half: str = "A") -> tuple[Labelled, Labelled, ImageSet]:
        """Training and test images of a half, and the set that they come from (its mean and deviation)."""
        images = self.images()
        classes = make_split("random0", images).halves[half]
        return images.select(classes, part="train"), images.select(classes, part="test"), images

    def network(self, seed: int | None = None) -> nn.Sequential:
        """The network with its first weights."""
        return build(self.net, classes=self.outputs, image_size=32, seed=self.seed if seed is None else seed)


class Fitted(NamedTuple):
    """What training gave: loss of every step, top-1 (fraction) after every epoch, and seconds of the loop alone."""

    losses: list[float]
    top1: list[float]
    seconds: float


def orders(images: int, seed: int) -> Iterator[list[int]]:
    """The order of the images in every epoch, the same for everyone (and what ``training.loop`` draws)."""
    stream = seeds.generator(seed, "order")
    while True:
        yield torch.randperm(images, generator=stream).tolist()


def rate_at(recipe: Recipe, images: int) -> list[float]:
    """The learning rate of every step, as a share of the peak."""
    from dataclasses import replace

    from fctransfer_utils.training.loop import learning_rate

    steps = math.ceil(images / recipe.batch_size) * recipe.epochs
    unit = replace(recipe, learning_rate=1.0)
    return [learning_rate(unit, step, steps) for step in range(steps)] + [0.0]


def decay_groups(net: nn.Module, recipe: Recipe) -> list[dict]:
    """Parameters that learn: weights with weight decay, biases without."""
    learning = [p for p in net.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]


def freeze_prefix(net: nn.Sequential, frozen: int) -> nn.Sequential:
    """No gradient for the first ``frozen`` layers, as people freeze them; returns them, to be kept in eval mode."""
    prefix = net[:frozen]
    prefix.requires_grad_(False)
    return prefix


def keep_still(prefix: nn.Sequential) -> None:
    """Frozen layers in eval mode; dropout stays on in them, as it does for everyone."""
    prefix.eval()
    for part in prefix.modules():
        if isinstance(part, nn.Dropout):
            part.train()
