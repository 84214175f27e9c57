"""How large a study is: for a test, for a course on two cores, as evidence, or as published (imports no torch)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..data.spec import RENDERED, DataSpec
from ..errors import InputError, unknown
from ..models.spec import NetSpec
from ..training.recipe import PAPER, Recipe

PROFILES = ("smoke", "quick", "full", "paper")


@dataclass(frozen=True)
class Profile:
    """The sizes of a study on one set of images.

    ``each`` classes a half, ``per_class`` images of each (0: all), ``replicates`` splits with a seed of their own.
    ``cuts``: the n of networks with frozen layers; ``tuned_cuts``: the n of those whose copied layers learn on;
    ``controls``: which of "long" and "twice" stand beside base. ``recipe``: how networks learn.
    ``tune_each`` and ``held_out``: classes a half and validation images a class on the replicate that recipes are
    chosen on. ``extra_test``: see ``Network``. ``volumes``: the numbers of images a class in the study of how much
    data is needed, cut at ``volume_cuts``; ``few``: how its networks learn, but for their own rates and steps, which
    ``most_steps`` cuts short (0: as they are).
    """

    data: DataSpec = field(default_factory=DataSpec)
    net: NetSpec = field(default_factory=NetSpec)
    recipe: Recipe = field(default_factory=Recipe)
    each: int = 20
    per_class: int = 0
    replicates: int = 1
    cuts: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    tuned_cuts: tuple[int, ...] = (1, 3, 5, 7)
    controls: tuple[str, ...] = ("long", "twice")
    tune_each: int = 5
    held_out: int = 20
    extra_test: int = 0
    volumes: tuple[int, ...] = (1, 5, 20)
    volume_cuts: tuple[int, ...] = (2, 4, 6)
    few: Recipe = field(default_factory=lambda: Recipe(batch_size=16, steps=300))
    most_steps: int = 0

    def __post_init__(self) -> None:
        for name in ("cuts", "tuned_cuts", "volume_cuts"):
            wrong = [n for n in getattr(self, name) if not 1 <= n <= 7]
            if wrong:
                raise InputError(f"{name} has n = {wrong[0]}; a network of 8 layers is cut at n = 1 to 7.")
        if self.replicates < 1:
            raise InputError(f"{self.replicates} replicates leave nothing to train; give 1 or more.")
        if any(volume < 1 for volume in self.volumes):
            raise InputError(f"volumes {self.volumes} has {min(self.volumes)} images a class; give 1 or more.")
        if not self.few.steps:
            raise InputError("the recipe of few images has no steps, and epochs of few images are short; give steps.")


GLYPHS = Profile(
    data=DataSpec("glyphs", classes=100, per_class=80, test_per_class=100),
    recipe=Recipe(epochs=40, batch_size=16, learning_rate=0.01, shift=2),
    each=10,
    per_class=40,
    tune_each=10,
    held_out=40,
    volumes=(1, 2, 5, 10, 20, 40),
    few=Recipe(steps=300, batch_size=16, shift=2),
)
PHOTOGRAPHS = Profile(
    data=DataSpec("tiny-imagenet"),
    recipe=Recipe(epochs=80, batch_size=128, learning_rate=0.025, shift=2),
    per_class=200,
    tuned_cuts=(3, 7),  # a replicate then takes about three quarters of an hour on one core
    tune_each=20,
    held_out=100,
    extra_test=100,
    volumes=(2, 10, 50),
    few=Recipe(steps=300, batch_size=32, shift=2),
)
# Of a reader's own folder little is known beforehand, and other sets have few classes: halves take all that are left.
FOLDER = Profile(
    data=DataSpec("folder"), recipe=Recipe(epochs=60, batch_size=32, learning_rate=0.02, clip=5.0), each=0, tune_each=0,
)  # fmt: skip


def profile(name: str, data: str = "glyphs", **changes: Any) -> Profile:
    """The profile ``name`` of ``PROFILES`` for the images ``data``; ``changes`` to its fields.

    "paper": CaffeNet as Yosinski et al. trained it, at every n, for four replicates. ImageNet is a "folder", and the
    published halves of its classes are those of split "paper".
    Raises InputError for a profile or a set of images that is not known.
    """
    if name not in PROFILES:
        raise unknown("profile", name, PROFILES)
    if data == "glyphs":
        made = GLYPHS
    elif data in ("folder", *RENDERED):
        made = replace(FOLDER, data=DataSpec(data))
    else:
        made = replace(PHOTOGRAPHS, data=DataSpec(data))
    if data == "cifar10":  # of ten classes
        made = replace(made, each=0, tune_each=0)
    if name == "smoke":
        short = replace(made.recipe, epochs=1)
        made = replace(made, recipe=short, net=NetSpec(width=4), each=2, per_class=8, cuts=(1, 7), tuned_cuts=(7,))
        made = replace(made, tune_each=2, held_out=2, few=replace(made.few, steps=2))
        made = replace(made, volumes=made.volumes[:2], volume_cuts=(4,), most_steps=2)
    if name == "quick" and data == "glyphs":
        fewer = DataSpec("glyphs", classes=30, per_class=40, test_per_class=100)  # rendered in seconds
        made = replace(made, data=fewer, each=5, replicates=4, cuts=(4, 7), tuned_cuts=(), controls=("long",))
        made = replace(made, tune_each=3, held_out=10)
        # without the clip one network of some sixty got stuck at chance
        made = replace(made, recipe=replace(made.recipe, epochs=30, learning_rate=0.015, clip=5.0))
        made = replace(made, volumes=(1, 20), volume_cuts=(4,), most_steps=150)
    if name == "full":
        made = replace(made, replicates=5)
    if name == "paper":
        net = NetSpec("caffenet", dropout=0.5, init="gaussian")
        made = replace(made, data=replace(made.data, size=256), net=net, recipe=PAPER, replicates=4)
        made = replace(made, each=0, per_class=0, tuned_cuts=made.cuts)
    return replace(made, **changes)
