"""What the networks of a study cost, counted from their specifications: images, floating-point operations, bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from ..data.outline import Outline
from ..data.spec import DataSpec
from ..data.splits import make_split
from ..models import build
from ..models.fresh import keep_layers
from ..training.prefix import MOST_BYTES
from ..training.work import Memory, Work, memory_of, work_per_image
from .fc_spec import PROBES, VALIDATION, FcSpec
from .record import AnySpec
from .run_fc import MOST_TEST
from .run_network import half
from .spec import RunSpec
from .target_spec import TargetSpec

if TYPE_CHECKING:
    from torch import nn

Outlines = Mapping[DataSpec, Outline]
RECORD_BYTES = 2000
CURVE_BYTES = 170
"""About what a record takes on disk, and each point of its curve."""


@dataclass(frozen=True)
class Images:
    """Images of one network: how many it learns from and is tested on, in how many ``classes``, and how many it sees in
    training, all passes counted (``seen``), and in evaluation (``judged``).
    """

    learnt: int
    tested: int
    classes: int
    seen: int
    judged: int


@dataclass(frozen=True)
class Cost:
    """One network: its ``images``, floating-point ``operations`` (two for each multiply-add) and ``memory``; bytes of
    its ``pixels`` (the images that it learns and is tested on) and of its ``weights`` on disk.
    """

    images: Images
    operations: float
    memory: Memory
    pixels: int

    @property
    def weights(self) -> int:
        """Bytes of its weights, in memory or on disk."""
        return self.memory.weights


def cost_of(run: AnySpec, outlines: Outlines) -> Cost:
    """What ``run`` costs on the sets of ``outlines``. Nothing is trained; only shapes are computed.

    Every image counts as going through the frozen layers on each pass, unless their output can be kept for the whole
    run (no augmentation, at most 512 MiB). Crews share more, so their networks take less than this.
    """
    images = images_of(run, outlines[run.data])
    side = run.input_size
    work, memory = _counted(_Architecture(run, images.classes), side, min(run.recipe.batch_size, images.learnt))
    augmented = outlines[run.data].flip or run.recipe.moves_images
    if isinstance(run, FcSpec):
        augmented = False
    everything = images.learnt + images.tested
    once = not augmented and work.kept * everything <= MOST_BYTES
    adds = images.seen * (work.forward + work.backward) + images.judged * work.forward
    if once and work.prefix:
        adds += (everything - images.seen - images.judged) * work.prefix
    pixels = everything * 3 * run.data.image_size**2
    return Cost(images, 2.0 * adds, memory, pixels)


def images_of(run: AnySpec, there: Outline) -> Images:
    """How many images of ``there`` the network ``run`` learns and is tested on."""
    if isinstance(run, RunSpec):
        members, per_class = _members(there, run.split, run.target), run.images_per_class
    else:
        members, per_class = _members(there, run.split, run.half), run.labels_per_class
    learnt = there.count(members, per_class=per_class)
    tested = there.count(members, part="test")
    if isinstance(run, FcSpec):
        tested = min(tested, MOST_TEST) + VALIDATION * len(members)
    seen = seen_in_an_epoch(run, learnt) * run.recipe.epochs
    return Images(learnt, tested, len(members), seen, tested * run.recipe.epochs)


@lru_cache(maxsize=256)
def _members(there: Outline, split: str, name: str) -> tuple[int, ...]:
    """The classes of a half, or all of them without a split."""
    return half(make_split(split, there), name) if split else tuple(range(there.classes))


def seen_in_an_epoch(run: AnySpec, learnt: int) -> int:
    """Images between two evaluations of a network that learns from ``learnt`` of them."""
    recipe = run.recipe
    return recipe.steps * min(recipe.batch_size, learnt) if recipe.steps else learnt


def record_bytes(run: AnySpec) -> int:
    """About what the record of ``run`` takes on disk."""
    return RECORD_BYTES + CURVE_BYTES * run.recipe.epochs


@dataclass(frozen=True)
class _Architecture:
    """What decides shapes: networks with the same one cost the same for each image."""

    run: AnySpec
    classes: int

    @property
    def key(self) -> tuple:
        run = self.run
        own = (run.kept, run.hidden) if isinstance(run, TargetSpec) else ()
        return (type(run), run.net, self.classes, run.input_size, _frozen(run), own)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Architecture) and self.key == other.key

    def network(self) -> nn.Sequential:
        """On the device "meta": shapes and no numbers."""
        run = self.run
        with torch.device("meta"):
            net = build(run.net, classes=self.classes, image_size=run.input_size, seed=0)
            if isinstance(run, TargetSpec) and run.hidden == "none":
                net = keep_layers(net, run.kept, classes=self.classes, image_size=run.input_size)
        return net


def _frozen(run: AnySpec) -> tuple[int, ...]:
    """Layers that stand still; a probe is counted as a network of which the last layer alone learns."""
    if isinstance(run, FcSpec) and run.protocol in PROBES:
        return tuple(range(1, 6))
    return run.frozen_layers


@lru_cache(maxsize=256)
def _counted(architecture: _Architecture, side: int, batch: int) -> tuple[Work, Memory]:
    net, frozen = architecture.network(), _frozen(architecture.run)
    return work_per_image(net, frozen, image_size=side), memory_of(net, frozen, image_size=side, batch=batch)
