"""Train the one network that a run specification describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ..data.image_set import ImageSet, Labelled
from ..data.splits import Split, make_split
from ..errors import InputError, unknown
from ..models import build, copy_layers, freeze, state_of
from ..seeds import derive
from ..training.execution import instructions
from ..training.learner import Epoch
from ..training.loop import train_crew
from .fc_spec import FcSpec
from .record import AnySpec, Record, Result, pack_weights, sha256, versions
from .spec import RunSpec
from .target_spec import TargetSpec

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..training.execution import Execution
    from .checkpoints import Checkpoints


def run_network(
    spec: AnySpec,
    *,
    images: ImageSet,
    donor_state: Mapping[str, Tensor] | None = None,
    execution: Execution,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> tuple[Record, dict[str, Tensor]]:
    """The record of the trained network and its weights (name -> tensor on the CPU).

    ``donor_state`` holds the weights of ``spec.donor``. A network that ``checkpoints`` knows goes on from there. Raises
    InputError when weights are missing or a half is unknown.
    """
    if isinstance(spec, FcSpec) and spec.crew is None:
        from .run_fc import run_alone

        common = {"images": images, "donor_state": donor_state, "execution": execution}
        return _recorded(spec, run_alone(spec, **common, on_epoch=on_epoch), images, execution, donor_state)
    donors = {} if spec.donor is None or donor_state is None else {spec.donor.key: donor_state}
    told = {"on_epoch": on_epoch, "checkpoints": checkpoints}
    return run_crew([spec], images=images, donors=donors, execution=execution, **told)[0]


def run_crew(
    specs: Sequence[AnySpec],
    *,
    images: ImageSet,
    donors: Mapping[str, Mapping[str, Tensor]],
    execution: Execution,
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> list[tuple[Record, dict[str, Tensor]]]:
    """Records and weights of networks that learn side by side: all of one ``crew``.

    ``donors`` holds the weights of their donors by key. Every record is the same, whoever is in the crew. ``on_epoch``
    hears of the first network where networks learn by epochs, not of heads on frozen features.
    """
    if not isinstance(specs[0], FcSpec):
        return _side_by_side(specs, images, donors, execution, on_epoch, checkpoints)
    from .run_fc import run_crew as run

    ended = run(specs, images=images, donors=donors, execution=execution)
    return [
        _recorded(spec, each, images, execution, donors.get(spec.donor.key))
        for spec, each in zip(specs, ended, strict=True)
    ]


def _side_by_side(specs, images, donors, execution, on_epoch, checkpoints) -> list[tuple[Record, dict[str, Tensor]]]:
    states = [None if spec.donor is None else donors.get(spec.donor.key) for spec in specs]
    nets = [_first_network(spec, images, state) for spec, state in zip(specs, states, strict=True)]
    training, test, split_checksum = _images(specs[0], images)
    outcomes = train_crew(
        nets,
        training,
        test,
        recipe=specs[0].recipe,
        frozen=[spec.frozen_layers for spec in specs],
        seed=stream(specs[0], "learn"),
        flip=images.flip,
        mean=images.mean,
        std=images.std,
        execution=execution,
        on_epoch=on_epoch,
        checkpoint=checkpoints and checkpoints.of(specs, images=images, execution=execution),
    )
    found = []
    for spec, net, state, outcome in zip(specs, nets, states, outcomes, strict=True):
        ended = Ended(outcome.curve, outcome.diverged, state_of(net), outcome.seconds)
        found.append(_recorded(spec, ended, images, execution, state, split_checksum))
    return found


@dataclass(frozen=True)
class Ended:
    """A network at its end: its curve, whether it diverged, the weights that learnt, seconds, and further measures."""

    curve: tuple[Epoch, ...]
    diverged: bool
    state: dict[str, Tensor]
    seconds: float
    measures: dict[str, float] = field(default_factory=dict)


def _recorded(
    spec: AnySpec,
    ended: Ended,
    images: ImageSet,
    execution: Execution,
    donor_state: Mapping[str, Tensor] | None,
    split_checksum: str | None = None,
) -> tuple[Record, dict[str, Tensor]]:
    if split_checksum is None:
        split_checksum = make_split(spec.split, images).checksum if spec.split else ""
    last = ended.curve[-1]
    record = Record(
        spec=spec,
        curve=ended.curve,
        result=Result(last.test_top1, last.train_loss, ended.diverged),
        versions={**versions(), "instructions": instructions(execution.device)},
        execution=execution.label,
        seconds=ended.seconds,
        data_fingerprint=images.fingerprint,
        split_checksum=split_checksum,
        weights_sha256=sha256(pack_weights(ended.state)),
        donor_sha256=sha256(pack_weights(dict(donor_state))) if donor_state is not None else "",
        measures=ended.measures,
    )
    return record, ended.state


def _first_network(
    spec: RunSpec | TargetSpec, images: ImageSet, donor_state: Mapping[str, Tensor] | None
) -> nn.Sequential:
    """The network before its first step."""
    if isinstance(spec, TargetSpec):
        from .run_target import moved_network

        return moved_network(spec, images=images, donor_state=donor_state)
    return start_network(spec, images=images, split=make_split(spec.split, images), donor_state=donor_state)


def _images(spec: RunSpec | TargetSpec, images: ImageSet) -> tuple[Labelled, Labelled, str]:
    """What a network learns and is tested on, and the checksum of its split."""
    if isinstance(spec, TargetSpec):
        from .run_target import moved_images, target_classes

        return *moved_images(spec, images), target_classes(spec, images)[1]
    split = make_split(spec.split, images)
    return *target_images(spec, images=images, split=split), split.checksum


def start_network(
    spec: RunSpec, *, images: ImageSet, split: Split, donor_state: Mapping[str, Tensor] | None = None
) -> nn.Sequential:
    """The network of ``spec`` before its first step: drawn afresh, the donor's prefix copied in, the prefix frozen."""
    size = spec.input_size
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


def stream(spec: AnySpec, purpose: str) -> int:
    """The seed of a run for ``purpose`` ("init": first weights; "learn": order of images, augmentation, dropout).

    All networks that start from a donor share it per seed, split and target, so that treatments are compared in pairs;
    it never repeats what the base drew. Random filters start as the base does. Networks moved to another set of images
    share it per seed and classes.
    """
    if not isinstance(spec, RunSpec):
        return derive(spec.seed, purpose, "target", spec.part)
    role = "base" if spec.donor is None else "second"
    return derive(spec.seed, purpose, role, spec.split, spec.target)


def half(split: Split, name: str) -> tuple[int, ...]:
    """The class indices of one half. Raises InputError when the split has no half of that name."""
    if name not in split.halves:
        raise unknown(f"half of split {split.name!r}", name, split.halves)
    return split.halves[name]
