"""Many heads on one trunk: on features that the frozen trunk computes once, or with the trunk learning too.

Both ways follow one ``Recipe``. After each epoch the training and the validation images are scored in eval mode, by the
same rule, so that the two curves can be laid over each other.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import seeds
from ..data.image_set import Labelled
from ..errors import InputError
from ..models.heads import HeadSpec, attach, build_head, feature_size
from .execution import Execution, one_thread
from .features import activations
from .feed import Batches
from .learner import Epoch, make_optimiser
from .loop import Pixels, evaluate, learning_rate, train
from .recipe import Recipe


class Features(NamedTuple):
    """What a frozen trunk says of images: float32 (N, F) or maps (N, C, h, w), and labels int64 (N,)."""

    values: Tensor
    labels: Tensor


class HeadEpoch(NamedTuple):
    """One point of the curves, all in eval mode: losses in nats, top-1 as fractions; seconds of training so far."""

    epoch: int
    train_loss: float
    train_top1: float
    validation_loss: float
    validation_top1: float
    seconds: float


@dataclass(frozen=True)
class HeadResult:
    """A trained head: its curve, its parameters (of the head alone), seconds of training, and whether it diverged.

    ``net`` is the head, or the trunk with the head where both learnt.
    """

    spec: HeadSpec
    curve: tuple[HeadEpoch, ...]
    parameters: int
    seconds: float
    diverged: bool
    net: nn.Sequential

    @property
    def top1(self) -> float:
        """The validation top-1 at the end."""
        return self.curve[-1].validation_top1


def head_rows(result: HeadResult, **labels: Any) -> list[dict[str, Any]]:
    """A dict per epoch: ``labels``, the head (``head, hidden, width, activation, parameters``), then the epoch."""
    spec = result.spec
    about = {
        "head": spec.label,
        "hidden": len(spec.hidden),
        "width": max(spec.hidden, default=0),
        "activation": spec.activation if spec.hidden else "",
        "parameters": result.parameters,
    }
    return [{**labels, **about, **epoch._asdict()} for epoch in result.curve]


def trunk_features(
    trunk: nn.Sequential,
    *parts: Labelled,
    mean: Sequence[float],
    std: Sequence[float],
    execution: Execution | None = None,
) -> tuple[Features, ...]:
    """What the whole ``trunk`` (in eval mode) says of each part's images, computed once for all heads."""
    last = next(reversed([name for name, _ in trunk.named_children()]))
    return tuple(
        Features(
            activations(trunk, part.images, layers=[last], mean=mean, std=std, execution=execution)[last], part.labels
        )
        for part in parts
    )


def compare_on_features(
    specs: Sequence[HeadSpec],
    learn: Features,
    judge: Features,
    test: Features,
    *,
    classes: int,
    recipe: Recipe,
    seed: int = 0,
    each: Callable[..., Iterable[list[dict[str, Any]]]] = map,
    **labels: Any,
) -> list[dict[str, Any]]:
    """``head_rows`` of every head trained on the same features, each with ``test_top1`` (fraction) and ``test_images``.

    The test features are looked at once, after training. ``each`` calls a function for every spec, here one after
    another or elsewhere side by side.
    """
    _need_one(specs)
    how = {"classes": classes, "recipe": recipe, "seed": seed}
    return list(chain.from_iterable(each(partial(_on_features, learn, judge, test, how, labels), specs)))


def _on_features(learn, judge, test, how, labels, spec: HeadSpec) -> list[dict[str, Any]]:
    (result,) = train_heads([spec], learn, judge, **how)
    return _tested_rows(result, score(result.net, test)[1], test, labels)


def compare_on_trunk(
    trunk: nn.Sequential,
    specs: Sequence[HeadSpec],
    learn: Labelled,
    judge: Labelled,
    test: Labelled,
    *,
    classes: int,
    recipe: Recipe,
    mean: Sequence[float],
    std: Sequence[float],
    flip: bool = False,
    seed: int = 0,
    execution: Execution | None = None,
    each: Callable[..., Iterable[list[dict[str, Any]]]] = map,
    **labels: Any,
) -> list[dict[str, Any]]:
    """The same for heads that each learn together with a copy of the ``trunk``, from images."""
    how = {
        "classes": classes, "recipe": recipe, "mean": mean, "std": std, "flip": flip, "seed": seed,
        "execution": execution or Execution(),
    }  # fmt: skip
    return list(chain.from_iterable(each(partial(_on_trunk, trunk, learn, judge, test, how, labels), specs)))


def _on_trunk(trunk, learn, judge, test, how, labels, spec: HeadSpec) -> list[dict[str, Any]]:
    result = train_on_trunk(trunk, spec, learn, judge, **how)
    with one_thread(how["execution"]):
        _, top1 = evaluate(result.net, test, pixels=Pixels.of(how["mean"], how["std"], how["execution"]))
    return _tested_rows(result, top1, test, labels)


def _need_one(specs: Sequence[HeadSpec]) -> None:
    if not specs:
        raise InputError("no head to train; give at least one HeadSpec.")


def _tested_rows(result: HeadResult, top1: float, test: Features | Labelled, labels) -> list[dict[str, Any]]:
    return [{**row, "test_top1": top1, "test_images": len(test.labels)} for row in head_rows(result, **labels)]


def train_heads(
    specs: Sequence[HeadSpec],
    learn: Features,
    judge: Features,
    *,
    classes: int,
    recipe: Recipe,
    seed: int = 0,
    on_head: Callable[[HeadResult], None] | None = None,
) -> tuple[HeadResult, ...]:
    """Train a head per spec on the same ``learn`` features; after each epoch ``judge`` validates it.

    All heads see the batches in the same order. Raises InputError for no spec and for features that do not fit.
    """
    _need_one(specs)
    results = []
    for spec in specs:
        head = build_head(spec, features=tuple(learn.values.shape[1:]), classes=classes, seed=seed)
        results.append(train_head(head, learn, judge, spec=spec, recipe=recipe, seed=seed))
        if on_head:
            on_head(results[-1])
    return tuple(results)


def train_head(
    head: nn.Sequential, learn: Features, judge: Features, *, spec: HeadSpec, recipe: Recipe, seed: int = 0
) -> HeadResult:
    """Train ``head`` in place on features by ``recipe`` (its random crops do not apply), in float32 on one CPU thread.

    ``seed`` fixes the order of images and dropout. Raises InputError when the sizes do not fit, naming them.
    """
    _check(head, learn, judge)
    optimiser = make_optimiser(head.requires_grad_(True), recipe)
    order = seeds.generator(seed, "order")
    steps = recipe.steps or math.ceil(len(learn.labels) / recipe.batch_size)
    batches = Batches(len(learn.labels), recipe.batch_size, order)
    curve: list[HeadEpoch] = []
    spent = 0.0
    with one_thread(Execution()), torch.random.fork_rng([]):
        torch.manual_seed(seeds.derive(seed, "dropout"))
        for epoch in range(recipe.epochs):
            start = time.perf_counter()
            head.train()
            for step, chosen in enumerate(islice(batches, steps)):
                rate = learning_rate(recipe, epoch * steps + step, recipe.epochs * steps)
                loss = F.cross_entropy(head(learn.values[chosen]), learn.labels[chosen])
                loss.backward()
                optimiser.step(rate)
            spent += time.perf_counter() - start
            curve.append(HeadEpoch(epoch + 1, *score(head, learn), *score(head, judge), spent))
            if not _finite(curve[-1]):
                break
    parameters = sum(parameter.numel() for parameter in head.parameters())
    return HeadResult(spec, tuple(curve), parameters, spent, not _finite(curve[-1]), head)


@torch.no_grad()
def score(head: nn.Module, part: Features, *, batch_size: int = 1000) -> tuple[float, float]:
    """Mean cross-entropy (nats) and top-1 (fraction) of ``head`` in eval mode."""
    head.eval()
    logits = torch.cat([head(batch) for batch in part.values.split(batch_size)])
    loss = F.cross_entropy(logits, part.labels).item()
    return loss, (logits.argmax(1) == part.labels).float().mean().item()


def train_on_trunk(
    trunk: nn.Sequential,
    spec: HeadSpec,
    learn: Labelled,
    judge: Labelled,
    *,
    classes: int,
    recipe: Recipe,
    mean: Sequence[float],
    std: Sequence[float],
    flip: bool = False,
    frozen: int = 0,
    seed: int = 0,
    execution: Execution | None = None,
) -> HeadResult:
    """Train a head of ``spec`` on a copy of ``trunk``, layers 1..``frozen`` of which stand still (0: all learn).

    Images are uint8 (N, 3, S, S). The head starts from the same weights, and sees the images in the same order, as in
    ``train_heads`` with that seed. Raises InputError as ``models.heads.attach`` and ``training.train``.
    """
    execution = execution or Execution()
    image_size = learn.images.shape[-1]
    size = feature_size(trunk, image_size=image_size)
    head = build_head(spec, features=size, classes=classes, seed=seed, first=len(trunk) + 1)
    net = attach(copy.deepcopy(trunk), head, image_size=image_size)
    curve: list[HeadEpoch] = []
    looking = 0.0

    def look(epoch: Epoch) -> None:
        nonlocal looking
        start = time.perf_counter()
        loss, top1 = evaluate(net, learn, pixels=Pixels.of(mean, std, execution))
        seconds = epoch.seconds - looking
        looking += time.perf_counter() - start
        curve.append(HeadEpoch(epoch.epoch, loss, top1, epoch.test_loss, epoch.test_top1, seconds))

    result = train(
        net, learn, judge, recipe=recipe, seed=seed, frozen=frozen, flip=flip, mean=mean, std=std,
        execution=execution, on_epoch=look,
    )  # fmt: skip
    parameters = sum(parameter.numel() for parameter in head.parameters())
    return HeadResult(spec, tuple(curve), parameters, curve[-1].seconds, result.diverged, net)


def _finite(epoch: HeadEpoch) -> bool:
    return math.isfinite(epoch.train_loss) and math.isfinite(epoch.validation_loss)


def _check(head: nn.Sequential, learn: Features, judge: Features) -> None:
    for name, part in (("training", learn), ("validation", judge)):
        if len(part.labels) == 0 or len(part.labels) != len(part.values):
            raise InputError(
                f"the {name} features have {len(part.values)} rows and {len(part.labels)} labels; give one label for"
                " each, and at least one."
            )
    if learn.values.shape[1:] != judge.values.shape[1:]:
        raise InputError(
            f"training features have size {tuple(learn.values.shape[1:])}, validation features"
            f" {tuple(judge.values.shape[1:])}; take both from the same layer."
        )
    linear = next((part for part in head.modules() if isinstance(part, nn.Linear)), None)
    pooled = any(isinstance(part, nn.AdaptiveAvgPool2d) for part in head.modules())
    size = tuple(learn.values.shape[1:])
    gives = size[0] if pooled else math.prod(size)
    if linear is None or linear.in_features != gives:
        takes = "no features" if linear is None else f"{linear.in_features} features"
        raise InputError(
            f"the head does not fit: it takes {takes}, the trunk gives {'x'.join(map(str, size))} = {gives}; build the"
            f" head for {gives}."
        )
