"""The networks of the FC study: one that learns as a whole, or a crew of heads side by side on frozen features."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import nn

from ..cka import linear_cka
from ..data.image_set import ImageSet, Labelled
from ..errors import InputError
from ..models import build, copy_layers, state_of
from ..models.arms import TRUNK
from ..models.heads import HeadSpec, build_head
from ..seeds import derive
from ..training.features import View, activations, flat, views
from ..training.gradients import moved_share
from ..training.heads import Features
from ..training.learner import Epoch
from ..training.lockstep import Learner, Taught, standardised, together_top1, train_together
from ..training.loop import Pixels, evaluate, train
from .fc_spec import ON_SOURCE, PROBES, TRUNK_LAYERS, TUNED, FcSpec
from .run_network import Ended, stream
from .run_target import target_classes

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.execution import Execution

MOST_TEST = 2500
COMPARED = 500
"""Test images whose features before and after fine-tuning are compared."""
PROBE_GRID = 2


@dataclass(frozen=True)
class Parts:
    """The images of a target: to learn from, to choose the rate by, and to test on."""

    learn: Labelled
    judge: Labelled | None
    test: Labelled
    classes: int


def parts_of(spec: FcSpec, images: ImageSet) -> Parts:
    """The images of ``spec``, the same for every network of a seed; at most MOST_TEST of them test.

    On the source's own classes all images are learnt and none choose the rate. Raises InputError for one class only and
    for fewer labels per class than asked.
    """
    classes, _ = target_classes(spec, images)
    if len(classes) < 2:
        raise InputError(f"{spec.target_label} has one class only; a target needs at least 2.")
    if spec.protocol in ON_SOURCE:
        learn, judge = images.select(classes, part="train"), None
    else:
        draw = derive(spec.seed, "images", "target", spec.part)
        wanted = {"labels": spec.labels_per_class, "validation": spec.validation_per_class}
        learn, judge = images.few(classes, **wanted, seed=draw)
    return Parts(learn, judge, _tested(images, classes), len(classes))


def _tested(images: ImageSet, classes: Sequence[int]) -> Labelled:
    """The test images; where there are more than MOST_TEST, an equal share of each class, or what the class has."""
    counts = images.test_labels.bincount(minlength=images.classes)
    if int(counts[list(classes)].sum()) <= MOST_TEST:
        return images.select(classes, part="test")
    most = max(1, MOST_TEST // len(classes))
    parts = [images.select([k], part="test", per_class=min(most, int(counts[k]))) for k in classes]
    labels = torch.cat([torch.full_like(part.labels, place) for place, part in enumerate(parts)])
    return Labelled(torch.cat([part.images for part in parts]), labels)


def moved_network(spec: FcSpec, *, classes: int, donor_state: Mapping[str, Tensor] | None) -> nn.Sequential:
    """The network of ``spec`` before its first step. New layers are the same draw for every network of a seed."""
    net = build(spec.net, classes=classes, image_size=spec.input_size, seed=stream(spec, "init"))
    if spec.donor is not None:
        copy_layers(source_network(spec, donor_state), net, spec.copied_layers)
    return net


def source_network(spec: FcSpec, donor_state: Mapping[str, Tensor] | None) -> nn.Sequential:
    """The trained network of the arm. Raises InputError without its weights."""
    if donor_state is None:
        raise InputError(f"{spec.title} needs the weights of {spec.source.key}; train that base first.")
    outputs = len(donor_state["fc8.linear.bias"])
    net = build(spec.source.net, classes=outputs, image_size=spec.source.input_size, seed=0)
    net.load_state_dict(dict(donor_state))
    return net


def run_alone(
    spec: FcSpec,
    *,
    images: ImageSet,
    donor_state: Mapping[str, Tensor] | None,
    execution: Execution,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Ended:
    """Train the whole network of ``spec`` (or what is behind its frozen trunk) on the target's images."""
    parts = parts_of(spec, images)
    net = moved_network(spec, classes=parts.classes, donor_state=donor_state)
    before = nn.Sequential()
    if spec.protocol in TUNED:
        before = source_network(spec, donor_state)[:TRUNK]
    common = {
        "seed": stream(spec, "learn"), "mean": images.mean, "std": images.std, "execution": execution,
        "flip": images.flip and spec.protocol in ON_SOURCE, "on_epoch": on_epoch,
    }  # fmt: skip
    results = [
        train(net, parts.learn, parts.test, recipe=recipe, frozen=frozen, **common)
        for recipe, frozen in _phases(spec, len(net))
    ]
    measures = {}
    if parts.judge is not None:
        measures["validation_top1"] = evaluate(net, parts.judge, pixels=Pixels.of(images.mean, images.std, execution))[
            1
        ]
    if len(before):
        measures |= _moved(before, net, parts.test, images, execution)
    curve = tuple(epoch for result in results for epoch in result.curve)
    seconds = sum(result.seconds for result in results)
    return Ended(curve, any(result.diverged for result in results), state_of(net), seconds, measures)


def _phases(spec: FcSpec, layers: int) -> Iterator[tuple]:
    """Each recipe with the layers that stand still; two phases of half the steps where the last layer goes first."""
    if spec.protocol == "P6":
        half = max(1, spec.recipe.steps // 2)
        yield replace(spec.recipe, steps=half), tuple(range(1, layers))
        yield replace(spec.recipe, steps=max(1, spec.recipe.steps - half)), ()
    else:
        yield spec.recipe, spec.frozen_layers


def _moved(before: nn.Sequential, net: nn.Sequential, test: Labelled, images: ImageSet, execution) -> dict[str, float]:
    """How far the trunk's weights moved (share of their length), by layer and as a whole, and linear CKA of conv5."""
    trunk = net[:TRUNK]
    found = {"moved": moved_share(before, trunk)}
    found |= {f"moved_{name}": moved_share(before[k], trunk[k]) for k, name in enumerate(TRUNK_LAYERS)}
    step = -(-len(test.labels) // COMPARED)
    looked = {"layers": [TRUNK_LAYERS[-1]], "mean": images.mean, "std": images.std, "execution": execution}
    seen = [activations(each, test.images[::step], **looked)[TRUNK_LAYERS[-1]].numpy() for each in (before, trunk)]
    try:
        found["cka"] = linear_cka(*seen, debiased=True)
    except InputError:  # a trunk that diverged or fell silent has no likeness to anything
        found["cka"] = float("nan")
    return found


def run_crew(
    specs: Sequence[FcSpec], *, images: ImageSet, donors: Mapping[str, Mapping[str, Tensor]], execution: Execution
) -> list[Ended]:
    """Train the heads of ``specs`` (one arm, one target) on frozen features, all of one shape side by side.

    Every source network sees each image once. ``donors`` are the sources' weights by key. Records do not depend on who
    is in the crew.
    """
    start = time.perf_counter()
    nets, seen = {}, {}
    for key in dict.fromkeys(spec.source.key for spec in specs):
        mine = [spec for spec in specs if spec.source.key == key]
        nets[key] = source_network(mine[0], donors.get(key))
        seen[key] = _seen(nets[key], mine, images, execution)
    ended: dict[str, Ended] = {}
    for shape in dict.fromkeys(map(_shape, specs)):
        mine = [spec for spec in specs if _shape(spec) == shape]
        parts = [seen[spec.source.key][_view(spec), spec.labels_per_class] for spec in mine]
        learners = [_learner(*each, nets[each[0].source.key]) for each in zip(mine, parts, strict=True)]
        taught = train_together(learners, recipe=mine[0].recipe)
        top1 = together_top1([learner.head for learner in learners], [judge for _, judge, _ in parts])
        for spec, learner, end, validation in zip(mine, learners, taught, top1, strict=True):
            ended[spec.key] = _ended(end, learner.head, validation)
    share = (time.perf_counter() - start) / len(specs)
    return [replace(ended[spec.key], seconds=share) for spec in specs]


def _ended(end: Taught, head: nn.Sequential, validation: float) -> Ended:
    return Ended(end.curve, end.diverged, state_of(head), end.seconds, {"validation_top1": validation})


def _shape(spec: FcSpec) -> tuple:
    """What heads must share to learn side by side: what they look at, and everything of the recipe but the rate."""
    return (_view(spec), spec.labels_per_class, replace(spec.recipe, learning_rate=0.0))


def _view(spec: FcSpec) -> str:
    return spec.layer if spec.protocol in PROBES else "behind the trunk"


def _seen(
    net: nn.Sequential, specs: Sequence[FcSpec], images: ImageSet, execution: Execution
) -> dict[tuple[str, int], tuple[Features, Features, Features]]:
    """What ``net`` makes of the images to learn, to choose by and to test on, by view and number of labels.

    Probed features are standardised by the images to learn.
    """
    wanted = {_view(spec): spec for spec in specs}
    takes = [
        View(name, spec.layer, partial(flat, pool=PROBE_GRID))
        if spec.protocol in PROBES
        else View(name, TRUNK_LAYERS[-1], nn.Sequential(*_before_weights(net)))
        for name, spec in wanted.items()
    ]

    def look(part: Labelled) -> dict[str, Features]:
        found = views(net, part.images, takes, mean=images.mean, std=images.std, execution=execution)
        return {name: Features(values, part.labels) for name, values in found.items()}

    features, others = {}, None
    for spec in {spec.labels_per_class: spec for spec in specs}.values():
        parts = parts_of(spec, images)
        others = others or (look(parts.judge), look(parts.test))
        learn = look(parts.learn)
        for name in wanted:
            three = (learn[name], others[0][name], others[1][name])
            probed = wanted[name].protocol in PROBES
            features[name, spec.labels_per_class] = standardised(*three) if probed else three
    return features


def _learner(spec: FcSpec, features: tuple[Features, Features, Features], source: nn.Sequential) -> Learner:
    learn, _, test = features
    classes = int(learn.labels.max()) + 1
    if spec.protocol in PROBES:
        head = build_head(HeadSpec(), features=learn.values.shape[1], classes=classes, seed=stream(spec, "init"))
    else:
        net = build(spec.net, classes=classes, image_size=spec.input_size, seed=stream(spec, "init"))
        copy_layers(source, net, spec.copied_layers)
        head = nn.Sequential(*_leaves(net)[len(_before_weights(net)) :])
    return Learner(head, learn, test, stream(spec, "learn"), spec.recipe.learning_rate)


def _before_weights(net: nn.Sequential) -> list[nn.Module]:
    """The pooling and flattening between the trunk and the first weights behind it."""
    parts = _leaves(net)
    return parts[: next(place for place, part in enumerate(parts) if isinstance(part, nn.Linear))]


def _leaves(net: nn.Sequential) -> list[nn.Module]:
    return [part for part in net[TRUNK:].modules() if not list(part.children())]
