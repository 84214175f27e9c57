"""The network that a ``TargetSpec`` describes: its first state and its images."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import nn

from ..data.image_set import ImageSet, Labelled
from ..data.splits import make_split
from ..errors import InputError
from ..models import LAYER_NAMES, build, copy_prefix, freeze
from ..models.init import initialise
from ..seeds import derive
from .run_network import half, stream
from .target_spec import TargetSpec

if TYPE_CHECKING:
    from torch import Tensor


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
        net = with_last_layer_at(net, spec.kept, classes=len(classes), init=spec.net.init, seed=start)
    freeze(net, spec.frozen_layers)
    return net


def with_last_layer_at(net: nn.Sequential, kept: int, *, classes: int, init: str, seed: int) -> nn.Sequential:
    """Layers 1..``kept`` of ``net`` and a new last layer right on them."""
    width = net[kept].linear.in_features
    last = nn.Sequential(OrderedDict(flatten=nn.Flatten(), linear=nn.Linear(width, classes)))
    top = nn.Sequential(OrderedDict({LAYER_NAMES[-1]: last}))
    initialise(top, init, biases=[0.0], seed=seed)
    layers = OrderedDict(list(net.named_children())[:kept])
    layers[LAYER_NAMES[-1]] = last
    return nn.Sequential(layers)
