"""How one network learns: one plain loop for every treatment.

Images stay uint8 tensors on the device; each batch is drawn, augmented and normalised as a whole. Nothing in an epoch
waits for the device: the loss is summed there and read once at the end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import seeds
from ..data.augment import augment, normalise
from ..data.image_set import Labelled
from ..errors import InputError
from ..models import freeze, layer_numbers, train_mode
from .execution import Execution, one_thread
from .prefix import Ready, constant_layers, outputs
from .recipe import Recipe

EVALUATED_AT_ONCE = 500


class Epoch(NamedTuple):
    """One point of a learning curve; losses are mean cross-entropy in nats, ``test_top1`` a fraction."""

    epoch: int
    train_loss: float
    test_loss: float
    test_top1: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class TrainResult:
    """What training gave: the curve, the last top-1 (fraction) and training loss, wall seconds; or that it diverged."""

    curve: tuple[Epoch, ...]
    top1: float
    train_loss: float
    seconds: float
    diverged: bool


@dataclass(frozen=True)
class Pixels:
    """uint8 images to network input: mean and standard deviation (C,) in 0..1, on the device."""

    mean: Tensor
    std: Tensor
    execution: Execution

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float], execution: Execution) -> Pixels:
        """From plain numbers."""
        return cls(
            torch.tensor(mean, dtype=torch.float32, device=execution.device),
            torch.tensor(std, dtype=torch.float32, device=execution.device),
            execution,
        )

    def __call__(self, batch: Tensor) -> Tensor:
        return normalise(batch, mean=self.mean, std=self.std, channels_last=self.execution.channels_last)


def train(
    net: nn.Sequential,
    train_set: Labelled,
    test_set: Labelled,
    *,
    recipe: Recipe,
    seed: int,
    frozen: int | Collection[int] = 0,
    flip: bool,
    mean: Sequence[float],
    std: Sequence[float],
    execution: Execution,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> TrainResult:
    """Train ``net`` in place on ``train_set``, the ``frozen`` layers standing still; evaluate after every epoch.

    ``frozen`` holds layer numbers from 1, or is n for layers 1..n. Images are uint8 (N, 3, H, W), labels int64 (N,).
    ``seed`` fixes the order of images, the augmentation and dropout. Without augmentation a frozen prefix is run once
    per image, not once per epoch. A loss that is not finite ends the run with ``diverged``. Raises InputError for an
    empty set.
    """
    for name, part in (("training", train_set), ("test", test_set)):
        if len(part.labels) == 0:
            raise InputError(f"the {name} set has no images; select at least one class with images.")
    with one_thread(execution), torch.random.fork_rng(_rng_devices(execution)):
        torch.manual_seed(seeds.derive(seed, "dropout"))
        return _train(net, train_set, test_set, recipe, seed, frozen, flip, mean, std, execution, on_epoch)


def _train(net, train_set, test_set, recipe, seed, frozen, flip, mean, std, execution, on_epoch) -> TrainResult:
    device = execution.device
    net.to(device, memory_format=execution.memory_format)
    train_set, test_set = (Labelled(part.images.to(device), part.labels.to(device)) for part in (train_set, test_set))
    pixels = Pixels.of(mean, std, execution)
    still = layer_numbers(net, frozen)
    freeze(net, still)
    prefix = next(number for number in range(len(net) + 1) if number + 1 not in still)
    augmented = flip or recipe.crop_padding > 0
    skipped, train_set, test_set, pixels = _run_once(
        net, 0 if augmented else prefix, train_set, test_set, recipe, pixels
    )
    below, above, tested = net[skipped:prefix], net[prefix:], net[skipped:]
    images, labels = train_set
    optimiser = make_optimiser(net, recipe)
    order = seeds.generator(seed, "order")
    shifts = seeds.generator(seed, "augment", device=device)
    steps = recipe.steps or math.ceil(len(labels) / recipe.batch_size)
    batches = endless(len(labels), recipe.batch_size, order, device)
    curve: list[Epoch] = []
    start = time.perf_counter()
    for epoch in range(recipe.epochs):
        train_mode(net, still)
        total, seen = torch.zeros((), device=device), 0
        for step, chosen in enumerate(islice(batches, steps)):
            rate = learning_rate(recipe, epoch * steps + step, recipe.epochs * steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            batch = images[chosen]
            if augmented:
                batch = augment(batch, padding=recipe.crop_padding, flip=flip, generator=shifts)
            with execution.autocast():
                with torch.no_grad():
                    cut = below(pixels(batch))
                logits = above(cut)
            loss = F.cross_entropy(logits.float(), labels[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(chosen)
            seen += len(chosen)
        test_loss, top1 = evaluate(tested, test_set, pixels=pixels)
        train_loss = total.item() / seen
        curve.append(Epoch(epoch + 1, train_loss, test_loss, top1, rate, time.perf_counter() - start))
        if on_epoch:
            on_epoch(curve[-1])
        if not math.isfinite(train_loss) or not math.isfinite(test_loss):
            break
    net.eval()
    last = curve[-1]
    diverged = not (math.isfinite(last.train_loss) and math.isfinite(last.test_loss))
    return TrainResult(tuple(curve), last.test_top1, last.train_loss, time.perf_counter() - start, diverged)


def _run_once(net, prefix: int, train_set: Labelled, test_set: Labelled, recipe: Recipe, pixels: Pixels):
    """How many of the first ``prefix`` layers need no further run, and both sets as what comes out of these."""
    constant = constant_layers(net, prefix)
    if constant:
        sizes = ((train_set, recipe.batch_size), (test_set, EVALUATED_AT_ONCE))
        kept = [outputs(net[:constant], part.images, pixels=pixels, batch_size=size) for part, size in sizes]
        if all(part is not None for part in kept):
            sets = (Labelled(*both) for both in zip(kept, (train_set.labels, test_set.labels), strict=True))
            return constant, *sets, Ready(pixels.execution)
    return 0, train_set, test_set, pixels


def endless(images: int, size: int, order: torch.Generator, device: str = "cpu") -> Iterator[Tensor]:
    """Batches of image numbers (``size``,) without end: one random order of all images after the other.

    The last batch of an order is smaller where ``images`` is no multiple of ``size``.
    """
    while True:
        yield from torch.randperm(images, generator=order).to(device).split(size)


def make_optimiser(net: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """SGD over what learns; weight decay on matrices and filters only (Caffe also spares biases)."""
    learning = [p for p in net.parameters() if p.requires_grad]
    if not learning:
        raise InputError("every layer is frozen, so there is nothing to train; use a cut n below the last layer.")
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    fused = next(iter(learning)).device.type in ("cpu", "cuda")
    return torch.optim.SGD([g for g in groups if g["params"]], lr=0.0, momentum=recipe.momentum, fused=fused)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate at ``step`` of ``steps`` (from 0): see ``Recipe.schedule``."""
    if recipe.schedule == "step":
        return recipe.learning_rate * 0.1 ** (3 * step // steps)
    warm = recipe.warmup * steps
    if step < warm:
        return recipe.learning_rate * (step + 1) / (warm + 1)
    return recipe.learning_rate * (steps - step) / max(steps - warm, 1)


@torch.no_grad()
def evaluate(
    net: nn.Module, part: Labelled, *, pixels: Pixels | Ready, batch_size: int = EVALUATED_AT_ONCE
) -> tuple[float, float]:
    """Mean cross-entropy (nats) and top-1 (fraction) of ``net`` in eval mode on labelled images, not augmented."""
    net.eval()
    device = pixels.execution.device
    loss, right = torch.zeros((), device=device), torch.zeros((), device=device)
    for images, labels in zip(part.images.split(batch_size), part.labels.split(batch_size), strict=True):
        labels = labels.to(device)
        with pixels.execution.autocast():
            logits = net(pixels(images.to(device))).float()
        loss += F.cross_entropy(logits, labels, reduction="sum")
        right += (logits.argmax(1) == labels).sum()
    return loss.item() / len(part.labels), right.item() / len(part.labels)


def _rng_devices(execution: Execution) -> list[int]:
    return [torch.cuda.current_device()] if execution.device.startswith("cuda") else []
