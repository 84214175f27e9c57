"""Train the one network that a run specification describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.image_set import ImageSet, Labelled
from ..data.splits import Split, make_split
from ..errors import InputError, unknown
from ..models import build, copy_layers, freeze, state_of
from ..seeds import derive
from ..training.loop import Epoch, train
from .record import Record, Result, pack_weights, sha256, versions
from .spec import RunSpec
from .target_spec import TargetSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..training.execution import Execution


def run_network(
    spec: RunSpec | TargetSpec,
    *,
    images: ImageSet,
    donor_state: Mapping[str, Tensor] | None = None,
    execution: Execution,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> tuple[Record, dict[str, Tensor]]:
    """The record of the trained network and its weights (name -> tensor on the CPU).

    ``donor_state`` holds the weights of ``spec.donor``. Raises InputError when it is missing or a half is unknown.
    """
    learner, training, test, split_checksum = _prepared(spec, images, donor_state)
    outcome = train(
        learner,
        training,
        test,
        recipe=spec.recipe,
        frozen=spec.frozen_layers,
        seed=stream(spec, "learn"),
        flip=images.flip,
        mean=images.mean,
        std=images.std,
        execution=execution,
        on_epoch=on_epoch,
    )
    state = state_of(learner)
    record = Record(
        spec=spec,
        curve=outcome.curve,
        result=Result(outcome.top1, outcome.train_loss, outcome.diverged),
        versions=versions(),
        execution=execution.label,
        seconds=outcome.seconds,
        data_fingerprint=images.fingerprint,
        split_checksum=split_checksum,
        weights_sha256=sha256(pack_weights(state)),
        donor_sha256=sha256(pack_weights(dict(donor_state))) if donor_state is not None else "",
    )
    return record, state


def _prepared(
    spec: RunSpec | TargetSpec, images: ImageSet, donor_state: Mapping[str, Tensor] | None
) -> tuple[nn.Sequential, Labelled, Labelled, str]:
    """The network before its first step, its training and test images, and the checksum of its split."""
    if isinstance(spec, TargetSpec):
        from .run_target import moved_images, moved_network, target_classes

        learner = moved_network(spec, images=images, donor_state=donor_state)
        return learner, *moved_images(spec, images), target_classes(spec, images)[1]
    split = make_split(spec.split, images)
    learner = start_network(spec, images=images, split=split, donor_state=donor_state)
    return learner, *target_images(spec, images=images, split=split), split.checksum


def start_network(
    spec: RunSpec, *, images: ImageSet, split: Split, donor_state: Mapping[str, Tensor] | None = None
) -> nn.Sequential:
    """The network of ``spec`` before its first step: drawn afresh, the donor's prefix copied in, the prefix frozen."""
    size = spec.data.image_size
    learner = build(spec.net, classes=len(half(split, spec.target)), image_size=size, seed=stream(spec, "init"))
    if spec.donor is not None:
        if donor_state is None:
            raise InputError(f"{spec.treatment} needs the weights of its donor {spec.donor.key}; train the base first.")
        donor = build(spec.net, classes=len(half(split, spec.source)), image_size=size, seed=0)
        donor.load_state_dict(donor_state)
        copy_layers(donor, learner, spec.copied_layers)
    if spec.treatment == "random-gaussian":
        paper = replace(spec.net, init="gaussian")
        drawn = build(paper, classes=len(half(split, spec.target)), image_size=size, seed=stream(spec, "init"))
        copy_layers(drawn, learner, spec.frozen_layers)
    freeze(learner, spec.frozen_layers)
    return learner


def target_images(spec: RunSpec, *, images: ImageSet, split: Split) -> tuple[Labelled, Labelled]:
    """The training images (the same draw for every treatment of a seed) and all test images of the target half."""
    classes = half(split, spec.target)
    draw = derive(spec.seed, "images", spec.split, spec.target)
    return (
        images.select(classes, part="train", per_class=spec.images_per_class, seed=draw),
        images.select(classes, part="test"),
    )


def stream(spec: RunSpec | TargetSpec, purpose: str) -> int:
    """The seed of a run for ``purpose`` ("init": first weights; "learn": order of images, augmentation, dropout).

    All networks that start from a donor share it per seed, split and target, so that treatments are compared in pairs;
    it never repeats what the base drew. Random filters start as the base does. Networks moved to another set of images
    share it per seed and classes.
    """
    if isinstance(spec, TargetSpec):
        return derive(spec.seed, purpose, "target", spec.part)
    role = "base" if spec.donor is None else "second"
    return derive(spec.seed, purpose, role, spec.split, spec.target)


def half(split: Split, name: str) -> tuple[int, ...]:
    """The class indices of one half. Raises InputError when the split has no half of that name."""
    if name not in split.halves:
        raise unknown(f"half of split {split.name!r}", name, split.halves)
    return split.halves[name]
