"""The network that a ``TargetSpec`` describes: its first state and its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..data.image_set import ImageSet, Labelled
from ..data.splits import make_split
from ..errors import InputError
from ..models import build, copy_prefix, freeze
from ..models.fresh import keep_layers
from ..models.init import initialise
from ..seeds import derive
from .run_network import half, stream
from .target_spec import TargetSpec

if TYPE_CHECKING:
    from torch import Tensor, nn


def target_classes(spec: TargetSpec, images: ImageSet) -> tuple[tuple[int, ...], str]:
    """The classes that are learnt, and the checksum of the split that they are a half of (empty for all classes)."""
    if not spec.split:
        return tuple(range(images.classes)), ""
    split = make_split(spec.split, images)
    return half(split, spec.half), split.checksum


def moved_images(spec: TargetSpec, images: ImageSet) -> tuple[Labelled, Labelled]:
    """The training images (the same draw for every network of a seed) and all test images."""
    classes, _ = target_classes(spec, images)
    draw = derive(spec.seed, "images", "target", spec.part)
    return (
        images.select(classes, part="train", per_class=spec.labels_per_class, seed=draw),
        images.select(classes, part="test"),
    )


def moved_network(
    spec: TargetSpec, *, images: ImageSet, donor_state: Mapping[str, Tensor] | None = None
) -> nn.Sequential:
    """The network before its first step: layers 1..kept from the donor, what is new above them drawn afresh.

    New layers are the same draw for every network of a seed. Raises InputError without the donor's weights.
    """
    classes, _ = target_classes(spec, images)
    start = stream(spec, "init")
    net = build(spec.net, classes=len(classes), image_size=spec.input_size, seed=start)
    if spec.donor is not None:
        if donor_state is None:
            raise InputError(f"{spec.title} needs the weights of {spec.donor.key}; train that base first.")
        outputs = len(donor_state["fc8.linear.bias"])
        donor = build(spec.net, classes=outputs, image_size=spec.source.input_size, seed=0)
        donor.load_state_dict(dict(donor_state))
        copy_prefix(donor, net, spec.kept)
    if spec.hidden == "none":
        net = keep_layers(net, spec.kept, classes=len(classes), image_size=spec.input_size)
        initialise(net[spec.kept :], spec.net.init, biases=[0.0], seed=start)  # the draw of a whole network
    freeze(net, spec.frozen_layers)
    return net
