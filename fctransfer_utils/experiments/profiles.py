"""How large each study is in each profile: tables of numbers, and the studies made from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from ..data.spec import DataSpec
from ..errors import InputError, unknown
from ..fields import settle_fields
from ..models.arms import ARMS
from ..models.spec import NARROW, NetSpec
from ..training.recipe import Recipe
from .fc_spec import ON_SOURCE, PROTOCOLS
from .fc_study import fc_study
from .keep_study import keep_study
from .names import STUDIES
from .studies import (
    DIP_TREATMENTS,
    RANDOM_TREATMENTS,
    VOLUME_TREATMENTS,
    dip_study,
    distant_study,
    random_study,
    volume_study,
)
from .study import DEFAULT_TREATMENTS, DIRECTIONS, Study, several, transfer_study
from .target_spec import ALL

DATA = ("glyphs", "tiny-imagenet", "cifar10", "cifar100")
FOLDER = "folder:"
CROP_PADDING = 4
ARMED = "alexnet_map"
FC_IMAGES = 110  # training images per class of rendered targets: up to 100 to learn, and some to choose the rate
FC_GLYPHS = ("glyph-others", "glyph-textures", "glyph-scenes", "glyph-fonts")


@dataclass(frozen=True)
class Size:
    """Everything that a profile sets; each field can be overridden by name.

    ``glyph_classes``, ``glyphs_per_class`` (training images) and ``glyphs_seed`` hold for glyphs only, ``width`` for
    alexnet_mini only; ``steps``, ``schedule``, ``drop_every``, ``bias_rate``, ``crop`` and ``pixels`` are those of
    ``training.recipe.Recipe``; ``volumes`` and ``few_steps`` (steps per epoch) for study volume, ``long_epochs`` and
    ``batch_norms`` for study dip; ``labels`` (per class), ``keep_steps`` (per epoch) and ``targets`` (names of data
    sets beside the source's own) for study keep. Study fc takes ``labels`` and ``targets`` too, ``arms``,
    ``protocols``, ``rates`` (the grid on a target), ``fc_steps`` and ``views`` of the held-out classes.
    """

    glyph_classes: int = 50
    glyphs_per_class: int = 200
    glyphs_seed: int = 0
    image_size: int = 32
    net: str = "alexnet_mini"
    width: int = 24
    batch_norm: bool = False
    init: str = "he"
    dropout: float = 0.5
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 0.02
    steps: int = 0
    schedule: str = "linear"
    drop_every: int = 0
    bias_rate: float = 1.0
    crop: int = 0
    pixels: str = "standard"
    splits: Sequence[str] = ("random0",)
    seeds: Sequence[int] = (0,)
    directions: Sequence[tuple[str, str]] = DIRECTIONS
    treatments: Sequence[str] = DEFAULT_TREATMENTS
    cuts: Sequence[int] = (1, 2, 3, 4, 5, 6, 7)
    images_per_class: int = 0
    volumes: Sequence[int] = (1, 2, 5, 10, 25, 50, 100, 250)
    few_steps: int = 200
    long_epochs: int = 30
    batch_norms: Sequence[bool] = (False, True)
    labels: Sequence[int] = (5, 20, 100)
    keep_steps: int = 250
    targets: Sequence[str] = ()
    arms: Sequence[str] = tuple(ARMS)
    protocols: Sequence[str] = (*PROTOCOLS, *ON_SOURCE)
    rates: Sequence[float] = (0.003, 0.01, 0.03)
    fc_steps: int = 120
    views: Sequence[str] = ("grey", "inverted")

    def __post_init__(self) -> None:
        settle_fields(self)


PROFILES = {
    "smoke": Size(
        glyph_classes=8,
        glyphs_per_class=12,
        width=12,
        dropout=0.2,
        epochs=1,
        batch_size=32,
        cuts=(1, 4, 7),
        directions=(("A", "B"),),
    ),
    # With half of so few units dropped, a net this narrow sits at chance for a number of epochs that differs from seed
    # to seed (final top-1 of three bases: 0.35 to 0.91); with a fifth dropped they end close together (0.90 to 0.94).
    "quick": Size(
        glyph_classes=50, glyphs_per_class=60, width=12, dropout=0.2, epochs=8, batch_size=16, learning_rate=0.01
    ),
    "full": Size(glyph_classes=200, glyphs_per_class=500, width=12, epochs=10, batch_size=64, seeds=(0, 1, 2)),
}
PAPER = "paper"
# Yosinski et al. 2014 (section 3 and supplement): CaffeNet as in its published solver, 450 x 1000 steps.
PAPER_SIZE = Size(
    image_size=256,
    crop=227,
    pixels="centred",
    net="caffenet",
    init="gaussian",
    epochs=450,
    steps=1000,
    batch_size=256,
    learning_rate=0.01,
    schedule="step",
    drop_every=100_000,
    bias_rate=2.0,
    splits=("random0", "random1", "random2", "random3"),
)
PAPER_STUDIES = ("transfer", "distant", "random")
# What a study changes in a profile's numbers. Halves that differ in kind stand under the data set's name.
DISTANT_SPLITS = {"glyphs": "letters-symbols"}
NATURAL_MANMADE = "natural-manmade"
_ONE_WAY = {"directions": (("A", "B"),)}
_STUDY_SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "transfer": {"quick": _ONE_WAY},
    "distant": {
        "": {"treatments": ("base", "BnB", "AnB")},
        "smoke": {"directions": DIRECTIONS},
        "quick": {"cuts": (1, 7), **_ONE_WAY},
    },
    "random": {
        "": {"treatments": RANDOM_TREATMENTS},
        PAPER: {"treatments": ("base", "random"), "splits": ("random0",)},
        "quick": {"cuts": (1, 3, 7), **_ONE_WAY},
    },
    "volume": {
        "": {"treatments": VOLUME_TREATMENTS},
        "smoke": {"volumes": (2,), "few_steps": 2},
        "quick": {"volumes": (1, 20), "few_steps": 94, "cuts": (3, 7), **_ONE_WAY},
        "full": {"cuts": (3, 5, 7)},
    },
    "dip": {
        "": {"treatments": DIP_TREATMENTS},
        "smoke": {"long_epochs": 2},
        "quick": {"cuts": (4,), "long_epochs": 16, **_ONE_WAY},
        "full": {"cuts": (3, 4, 5)},
    },
    # Dropout of a half keeps networks of 128 hidden units at chance for epochs, which would decide B against A.
    "fc": {
        "": {"net": ARMED, "dropout": 0.2},
        "smoke": {
            "labels": (2,),
            "fc_steps": 2,
            "rates": (0.01,),
            "arms": ("A", "B"),
            "views": (),
            "targets": FC_GLYPHS[2:3],
        },
        # A taste: sources that learn for shorter than those of the evidence (16 epochs), few steps, one target a group.
        "quick": {
            "epochs": 12,
            "labels": (20,),
            "fc_steps": 15,
            "rates": (0.003, 0.01),
            "views": (),
            "targets": FC_GLYPHS[2:3],
        },
        "full": {"epochs": 6, "seeds": (0, 1, 2, 3, 4, 5)},
    },
    "keep": {
        "": _ONE_WAY,
        "smoke": {"labels": (2,), "keep_steps": 2},
        "quick": {"labels": (5,), "keep_steps": 100},
    },
}
OPTIONS = tuple(field.name for field in fields(Size))


def profile_size(profile: str, **overrides: Any) -> Size:
    """The numbers of ``profile`` with ``overrides`` in place (None leaves a number as it is).

    Raises InputError for an unknown profile or option.
    """
    for name in overrides:
        if name not in OPTIONS:
            raise unknown("option of a profile", name, OPTIONS)
    return replace(_size(profile), **{name: value for name, value in overrides.items() if value is not None})


def _size(profile: str) -> Size:
    if profile not in (*PROFILES, PAPER):
        raise unknown("profile", profile, (*PROFILES, PAPER))
    return PAPER_SIZE if profile == PAPER else PROFILES[profile]


def study_profile(study: str, profile: str, data: str = "glyphs", **overrides: Any) -> Study:
    """The study named ``study`` in ``profile`` on ``data`` (a set's name or ``folder:PATH``).

    ``overrides`` are fields of ``Size``. Raises InputError for unknown names and values out of range.
    """
    if study not in STUDIES:
        raise unknown("study", study, STUDIES)
    if profile == PAPER and study not in PAPER_STUDIES:
        raise InputError(f"study {study} has no profile {PAPER!r}; it is for {', '.join(PAPER_STUDIES)}.")
    changes = _STUDY_SIZES[study]
    own = {**changes.get("", {}), **changes.get(profile, {})}
    distant = DISTANT_SPLITS.get(data, NATURAL_MANMADE)
    if study == "distant":
        own["splits"] = (distant,)
    if study == "keep":
        own["splits"] = (*_size(profile).splits, distant)
    given = {name: value for name, value in overrides.items() if value is not None}
    size = profile_size(profile, **{**own, **given})
    if (size.net == ARMED) != (study == "fc"):
        raise InputError(f"network {size.net} is not for study {study}: {ARMED} is for study fc, and for it alone.")
    if not size.arms:
        raise InputError(f"arms names no arm; give at least one of {', '.join(ARMS)}.")
    common = _common(size, data)
    if study == "keep":
        chosen = {name: common[name] for name in ("data", "net", "recipe", "splits", "seeds", "directions")}
        targets = tuple(data_spec(name, size) for name in size.targets)
        return keep_study(**chosen, labels=size.labels, steps=size.keep_steps, targets=targets)
    if study == "fc":
        chosen = {name: common[name] for name in ("data", "net", "recipe", "splits", "seeds")}
        own = {name: getattr(size, name) for name in ("arms", "protocols", "labels", "rates")}
        made = fc_study(**chosen, **own, steps=size.fc_steps, targets=_fc_targets(data, size, common["data"]))
        return replace(made, taste=size.fc_steps < Size.fc_steps)
    if study == "volume":
        return volume_study(**common, volumes=size.volumes, few_steps=size.few_steps)
    if study == "dip":
        return dip_study(**common, long_epochs=size.long_epochs, batch_norms=size.batch_norms)
    build = {"transfer": transfer_study, "distant": distant_study, "random": random_study}[study]
    return build(**common, images_per_class=size.images_per_class)


def transfer_profile(profile: str, data: str = "glyphs", **overrides: Any) -> Study:
    """``study_profile`` of the transfer study."""
    return study_profile("transfer", profile, data, **overrides)


def _common(size: Size, data: str) -> dict[str, Any]:
    """What every study takes."""
    return {
        "data": data_spec(data, size),
        "net": NetSpec(
            name=size.net,
            width=size.width if size.net in NARROW else 0,
            batch_norm=size.batch_norm,
            dropout=size.dropout,
            init=size.init,
            arm=size.arms[0] if size.net == ARMED else "",
        ),
        "recipe": Recipe(
            epochs=size.epochs,
            batch_size=size.batch_size,
            learning_rate=size.learning_rate,
            steps=size.steps,
            schedule=size.schedule,
            drop_every=size.drop_every,
            bias_rate=size.bias_rate,
            crop=size.crop,
            pixels=size.pixels,
            crop_padding=0 if size.crop or data == "glyphs" else CROP_PADDING,  # glyphs are rendered at random places
        ),
        "splits": size.splits,
        "seeds": size.seeds,
        "directions": size.directions,
        "treatments": size.treatments,
        "cuts": size.cuts,
    }


def _fc_targets(name: str, size: Size, source: DataSpec) -> list[tuple[DataSpec, str]]:
    """The targets of study fc: the held-out half as it is and in other views, the rendered sets or ``targets``."""
    held_out = f"{several('split', size.splits)[0]}:B"
    same = replace(source, glyphs_per_class=FC_IMAGES) if name == "glyphs" else source
    found = [(same, held_out), *((replace(same, view=view), held_out) for view in size.views)]
    others = size.targets or (FC_GLYPHS if name == "glyphs" else ())
    return found + [(data_spec(other, size), ALL) for other in others]


def data_spec(data: str, size: Size) -> DataSpec:
    """The images of ``data`` at the size of a profile. Raises InputError for an unknown set."""
    if data == "glyphs":
        return DataSpec(
            name=data,
            image_size=size.image_size,
            glyph_classes=size.glyph_classes,
            glyphs_per_class=size.glyphs_per_class,
            glyphs_seed=size.glyphs_seed,
        )
    if data in FC_GLYPHS:
        return DataSpec(name=data, image_size=size.image_size, glyphs_per_class=FC_IMAGES)
    if data == FOLDER:
        raise InputError("data set 'folder:' names no folder; write folder:PATH.")
    if data not in DATA and not data.startswith(FOLDER):
        raise unknown("data set", data, (*DATA, "folder:PATH"))
    return DataSpec(name=data, image_size=size.image_size)
