"""How one network learns: one plain loop for every treatment.

Images stay uint8 tensors on the device, or are read batch by batch where they are too many; each batch is drawn,
augmented and normalised as a whole. Nothing in an epoch waits for the device: the loss is summed there and read once at
the end.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import seeds
from ..data.augment import augment, centre, normalise
from ..data.image_set import Labelled
from ..errors import InputError
from .checkpoint import Checkpoint
from .execution import Execution, one_thread
from .feed import Batches, Feed, on_device
from .learner import Epoch, Learner, at_cuts, own_draws
from .prefix import Ready, outputs
from .recipe import Recipe

EVALUATED_AT_ONCE = 200  # images: what lies between two layers then fits into a core's cache
CAFFE_STD = (1 / 255,) * 3
"""Pixels whose mean is removed and that are left in steps of 0..255."""


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
    """uint8 images to network input: mean and standard deviation (C,) in 0..1, on the device.

    ``crop`` takes the middle of larger images (0: all of them).
    """

    mean: Tensor
    std: Tensor
    execution: Execution
    crop: int = 0

    @classmethod
    def of(cls, mean: Sequence[float], std: Sequence[float], execution: Execution, *, crop: int = 0) -> Pixels:
        """From plain numbers."""
        return cls(
            torch.tensor(mean, dtype=torch.float32, device=execution.device),
            torch.tensor(std, dtype=torch.float32, device=execution.device),
            execution,
            crop,
        )

    def __call__(self, batch: Tensor) -> Tensor:
        middle = centre(batch, self.crop)
        return normalise(middle, mean=self.mean, std=self.std, channels_last=self.execution.channels_last)


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
    checkpoint: Checkpoint | None = None,
) -> TrainResult:
    """Train ``net`` in place on ``train_set``, the ``frozen`` layers standing still; evaluate after every epoch.

    ``frozen`` holds layer numbers from 1, or is n for layers 1..n. Images are uint8 (N, 3, H, W), labels int64 (N,).
    ``seed`` fixes the order of images, the augmentation and dropout. Without augmentation a frozen prefix is run once
    per image, not once per epoch. A loss that is not finite ends the run with ``diverged``. Where ``checkpoint`` names
    a file of this very run, it goes on from there and ends as if it had never stopped. Raises InputError for an empty
    set.
    """
    options = {"recipe": recipe, "seed": seed, "flip": flip, "mean": mean, "std": std, "execution": execution}
    told = {"on_epoch": on_epoch, "checkpoint": checkpoint}
    return train_crew([net], train_set, test_set, frozen=[frozen], **told, **options)[0]


def train_crew(
    nets: Sequence[nn.Sequential],
    train_set: Labelled,
    test_set: Labelled,
    *,
    recipe: Recipe,
    seed: int,
    frozen: Sequence[int | Collection[int]],
    flip: bool,
    mean: Sequence[float],
    std: Sequence[float],
    execution: Execution,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> tuple[TrainResult, ...]:
    """Train ``nets`` side by side, each in place and exactly as ``train`` would alone; see there.

    Their leading ``frozen`` layers hold the same weights, such as copies of one donor at several cuts: every augmented
    batch goes through those layers once for all. ``on_epoch`` hears of the first network that still learns; seconds are
    each network's share.
    """
    for name, part in (("training", train_set), ("test", test_set)):
        if len(part.labels) == 0:
            raise InputError(f"the {name} set has no images; select at least one class with images.")
    with one_thread(execution), torch.random.fork_rng(_rng_devices(execution)):
        torch.manual_seed(seeds.derive(seed, "dropout"))
        return _train(nets, train_set, test_set, recipe, seed, frozen, flip, mean, std, execution, on_epoch, checkpoint)


def _train(nets, train_set, test_set, recipe, seed, frozen, flip, mean, std, execution, on_epoch, checkpoint):
    device = execution.device
    test_set = on_device(test_set, device)
    pixels = Pixels.of(mean, std if recipe.pixels == "standard" else CAFFE_STD, execution, crop=recipe.crop)
    learners = [Learner.of(net, each, recipe, execution) for net, each in zip(nets, frozen, strict=True)]
    skipped = 0
    augmented = flip or recipe.moves_images
    if not augmented and len(nets) == 1:
        skipped, train_set, test_set, pixels = _run_once(nets[0], learners[0].cut, train_set, test_set, recipe, pixels)
    shared = max(learners, key=lambda learner: learner.cut)
    feed = Feed(train_set, device)
    shifts = seeds.generator(seed, "augment", device=device)
    steps = recipe.steps or math.ceil(len(train_set.labels) / recipe.batch_size)
    batches = Batches(len(train_set.labels), recipe.batch_size, seeds.generator(seed, "order"))
    first, before = checkpoint.restore(learners, batches, shifts) if checkpoint else (0, 0.0)
    start = time.perf_counter() - before
    for epoch in range(first, recipe.epochs):
        active = [learner for learner in learners if not learner.diverged]
        if not active:
            break
        for learner in active:
            learner.begin()
        seen = 0
        for step, (batch, labels) in enumerate(feed.batches(batches, steps)):
            rate = learning_rate(recipe, epoch * steps + step, recipe.epochs * steps)
            if augmented:
                batch = augment(batch, padding=recipe.crop_padding, crop=recipe.crop, flip=flip, generator=shifts)
            with execution.autocast(), torch.no_grad():
                signals = at_cuts(shared.net, pixels(batch), {each.cut for each in active}, begin=skipped)
            for learner in own_draws(active, execution):
                learner.step(signals[learner.cut], labels, rate)
            seen += len(labels)
        found = _judged(shared.net, [(each.cut, each.tested) for each in active], test_set, pixels, begin=skipped)
        seconds = (time.perf_counter() - start) / len(nets)
        for learner, (test_loss, top1) in zip(active, found, strict=True):
            losses = (learner.total.item() / seen, test_loss)
            learner.curve.append(Epoch(epoch + 1, *losses, top1, rate, seconds))
            learner.diverged = not all(map(math.isfinite, losses))
        passed = time.perf_counter() - start
        if checkpoint and checkpoint.due and epoch + 1 < recipe.epochs:
            checkpoint.write(learners, batches, shifts, passed)
        if on_epoch:
            _tell(on_epoch, active[0].curve[-1], checkpoint, (learners, batches, shifts, passed))
    for net in nets:
        net.eval()
    seconds = (time.perf_counter() - start) / len(nets)
    return tuple(
        TrainResult(tuple(each.curve), each.curve[-1].test_top1, each.curve[-1].train_loss, seconds, each.diverged)
        for each in learners
    )


def _tell(on_epoch: Callable[[Epoch], None], epoch: Epoch, checkpoint: Checkpoint | None, state: tuple) -> None:
    """Tell of an epoch; whoever stops the training by an exception finds it in the checkpoint."""
    try:
        on_epoch(epoch)
    except Exception:
        if checkpoint:
            checkpoint.write(*state)
        raise


def _run_once(net, constant: int, train_set: Labelled, test_set: Labelled, recipe: Recipe, pixels: Pixels):
    """How many of the first ``constant`` layers need no further run, and both sets as what comes out of these."""
    if constant:
        sizes = ((train_set, recipe.batch_size), (test_set, EVALUATED_AT_ONCE))
        kept = [outputs(net[:constant], part.images, pixels=pixels, batch_size=size) for part, size in sizes]
        if all(part is not None for part in kept):
            sets = (Labelled(*both) for both in zip(kept, (train_set.labels, test_set.labels), strict=True))
            return constant, *sets, Ready(pixels.execution)
    return 0, train_set, test_set, pixels


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate at ``step`` of ``steps`` (from 0): see ``Recipe.schedule``."""
    if recipe.schedule == "step":
        return recipe.learning_rate * 0.1 ** (step // recipe.drop_every if recipe.drop_every else 3 * step // steps)
    warm = recipe.warmup * steps
    if step < warm:
        return recipe.learning_rate * (step + 1) / (warm + 1)
    return recipe.learning_rate * (steps - step) / max(steps - warm, 1)


def evaluate(
    net: nn.Module, part: Labelled, *, pixels: Pixels | Ready, batch_size: int = EVALUATED_AT_ONCE
) -> tuple[float, float]:
    """Mean cross-entropy (nats) and top-1 (fraction) of ``net`` in eval mode on labelled images, not augmented."""
    return _judged(nn.Sequential(), [(0, net)], part, pixels, batch_size=batch_size)[0]


@torch.no_grad()
def _judged(stem, tails, part: Labelled, pixels, *, begin: int = 0, batch_size: int = EVALUATED_AT_ONCE):
    """Loss and top-1 of networks that consist of the first layers of ``stem``, up to a cut, and a tail."""
    for _, tail in tails:
        tail.eval()
    device = pixels.execution.device
    loss, right = torch.zeros(len(tails), device=device), torch.zeros(len(tails), device=device)
    for images, labels in zip(part.images.split(batch_size), part.labels.split(batch_size), strict=True):
        labels = labels.to(device)
        with pixels.execution.autocast():
            signals = at_cuts(stem.eval(), pixels(images.to(device)), {cut for cut, _ in tails}, begin=begin)
            outputs = [tail(signals[cut]).float() for cut, tail in tails]
        for place, logits in enumerate(outputs):
            loss[place] += F.cross_entropy(logits, labels, reduction="sum")
            right[place] += (logits.argmax(1) == labels).sum()
    return [
        (each.item() / len(part.labels), top1.item() / len(part.labels)) for each, top1 in zip(loss, right, strict=True)
    ]


def _rng_devices(execution: Execution) -> list[int]:
    return [torch.cuda.current_device()] if execution.device.startswith("cuda") else []
