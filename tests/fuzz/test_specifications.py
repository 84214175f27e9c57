"""Whatever a specification is made of: it is valid, with one key and a JSON text that gives it back, or refused."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_damage import attempt

from fctransfer_utils.data.image_set import Labelled, build
from fctransfer_utils.data.spec import SETS, VIEWS, DataSpec
from fctransfer_utils.data.splits import NAMES, make_split
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.fc_spec import ON_SOURCE, PROTOCOLS, FcSpec
from fctransfer_utils.experiments.names import STUDIES
from fctransfer_utils.experiments.profiles import OPTIONS, PROFILES, study_profile
from fctransfer_utils.experiments.spec import TREATMENTS, RunSpec
from fctransfer_utils.experiments.target_spec import HEADS, TargetSpec, spec_from_json
from fctransfer_utils.experiments.target_spec import PROTOCOLS as KEEPING
from fctransfer_utils.models.arms import ARMS
from fctransfer_utils.models.spec import INITIALISATIONS, NETWORKS, NetSpec
from fctransfer_utils.training.recipe import SCHEDULES, Recipe

ODD = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        1.0,
        1e-9,
        2**40,
        10**400,
        -0.0,
        float("nan"),
        float("inf"),
        "",
        "A",
        "\ud800",
        [],
        {},
        (1,),
        b"x",
    ]
)
SEEDS = st.sampled_from([0, 1, 7, 2**32])
COUNTS = st.sampled_from([0, 1, 5, 100])
HALVES = st.sampled_from(["A", "B"])
SPLITS = st.sampled_from(["random0", "random17", "natural-manmade", "letters-symbols"])


def mostly(usual, odd=ODD):
    """``usual`` values, and now and then an odd one."""
    return st.integers(0, 24).flatmap(lambda number: odd if number == 13 else usual)


def made(cls, **fields):
    """Attempts to make a ``cls`` of drawn fields, some of them left out."""
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: attempt(cls, **values))


def made_or(cls, default, **fields):
    """As ``made``; ``default`` where the attempt was refused."""
    return made(cls, **fields).map(lambda found: default if found[1] else found[0])


DATA_FIELDS = {
    "name": mostly(st.sampled_from([*SETS[:-1], "folder:pictures", "folder:", "folder:~no-such-user/x", "glyphz"])),
    "image_size": mostly(st.sampled_from([32, 64, 256, 31, 257])),
    "glyph_classes": mostly(st.sampled_from([0, 2, 50, 1, 9999])),
    "glyphs_per_class": mostly(COUNTS),
    "glyphs_seed": mostly(SEEDS),
    "view": mostly(st.sampled_from(VIEWS)),
}
NET_FIELDS = {
    "name": mostly(st.sampled_from(NETWORKS)),
    "width": mostly(st.sampled_from([12, 24, 96, 13, 12_000_000])),
    "batch_norm": mostly(st.booleans()),
    "dropout": mostly(st.sampled_from([0.5, 0, 0.2, 1, -0.1])),
    "init": mostly(st.sampled_from(INITIALISATIONS)),
    "arm": mostly(st.sampled_from(["", *ARMS])),
}
RECIPE_FIELDS = {
    "epochs": mostly(st.sampled_from([1, 10, 0])),
    "batch_size": mostly(st.sampled_from([16, 128, 0])),
    "learning_rate": mostly(st.sampled_from([0.01, 1, 0, -1])),
    "momentum": mostly(st.sampled_from([0.9, 0, 1])),
    "weight_decay": mostly(st.sampled_from([0.0, 5e-4, 2])),
    "schedule": mostly(st.sampled_from(SCHEDULES)),
    "warmup": mostly(st.sampled_from([0, 0.1, 0.95])),
    "crop_padding": mostly(st.sampled_from([0, 4, 65])),
    "steps": mostly(COUNTS),
}
DATA, NETS = made_or(DataSpec, DataSpec(), **DATA_FIELDS), made_or(NetSpec, NetSpec(), **NET_FIELDS)
RECIPES = made_or(Recipe, Recipe(), **RECIPE_FIELDS)
ARMED = st.sampled_from([RunSpec(net=NetSpec("alexnet_map", arm=arm)) for arm in ARMS])
RUNS = {
    "data": mostly(DATA),
    "net": mostly(NETS),
    "recipe": mostly(RECIPES),
    "split": mostly(SPLITS),
    "seed": mostly(SEEDS),
    "source": mostly(st.sampled_from(["", "A", "B"])),
    "target": mostly(HALVES),
    "treatment": mostly(st.sampled_from(TREATMENTS)),
    "n": mostly(st.integers(-1, 9)),
    "images_per_class": mostly(COUNTS),
    "donor_recipe": mostly(st.none() | RECIPES),
}
MOVED = {
    "data": DATA,
    "part": mostly(st.sampled_from(["all", "random0:A", "random0:B", ":B", "random0", "random0:C"])),
    "labels_per_class": mostly(COUNTS),
    "recipe": mostly(RECIPES),
    "seed": mostly(SEEDS),
}
TARGETS = MOVED | {
    "source": mostly(st.just(RunSpec())),
    "kept": mostly(st.sampled_from([0, 5, 6, 7, 4])),
    "hidden": mostly(st.sampled_from(HEADS)),
    "protocol": mostly(st.sampled_from(KEEPING)),
}
MOVED_BY_FC = MOVED | {
    "source": mostly(ARMED),
    "protocol": mostly(st.sampled_from((*PROTOCOLS, *ON_SOURCE))),
    "layer": mostly(st.sampled_from(["", "conv5", "conv1", "fc6", "fc9"])),
    "validation_per_class": mostly(COUNTS),
}


@pytest.mark.parametrize(("cls", "fields"), [(DataSpec, DATA_FIELDS), (NetSpec, NET_FIELDS), (Recipe, RECIPE_FIELDS)])
def test_parts_are_valid_or_refused_and_equal_ones_are_equal_texts(cls, fields):
    valid = []

    @settings(max_examples=400)
    @given(made(cls, **fields))
    def check(found):
        part, message = found
        if not message:
            text = json.dumps(dataclasses.asdict(part), allow_nan=False)
            assert cls(**json.loads(text)) == part
            assert json.dumps(dataclasses.asdict(dataclasses.replace(part))) == text
            valid.append(part)

    check()
    assert len(set(valid)) > 10


@pytest.mark.parametrize(
    ("cls", "fields", "needed"),
    [(RunSpec, RUNS, {}), (TargetSpec, TARGETS, {"source", "data"}), (FcSpec, MOVED_BY_FC, {"source", "data"})],
)
def test_a_specification_is_valid_and_comes_back_from_its_text_or_is_refused(cls, fields, needed):
    valid = []
    drawn = st.fixed_dictionaries(
        {name: fields[name] for name in needed}, optional={name: fields[name] for name in fields if name not in needed}
    )

    @settings(max_examples=500)
    @given(drawn)
    def check(values):
        spec, message = attempt(cls, **values)
        if message:
            return
        again = spec_from_json(json.loads(json.dumps(spec.to_json(), allow_nan=False)))
        assert (again, again.key, type(again)) == (spec, spec.key, cls)
        assert isinstance(spec.title, str)
        assert set(spec.frozen_layers) <= set(range(1, 9))
        if spec.donor is not None:
            assert spec_from_json(spec.donor.to_json()).key == spec.donor.key != spec.key
        valid.append(spec)

    check()
    assert len({spec.key for spec in valid}) > 40
    by_value = {}
    for spec in valid:
        assert by_value.setdefault(spec, spec.key) == spec.key


VALUES = st.one_of(ODD, st.lists(ODD, max_size=2), st.sampled_from(["random0", "A", "P1", "base", "glyphs", 1, 0.01]))


@settings(max_examples=200)
@given(
    st.sampled_from(STUDIES),
    st.sampled_from([*PROFILES, "read", None]),
    st.sampled_from(["glyphs", "cifar10", "folder:pictures", "folder:", "x"]),
    st.dictionaries(st.sampled_from(OPTIONS), VALUES, max_size=2),
)
def test_a_study_is_a_list_of_networks_or_refused(study, profile, data, options):
    found, message = attempt(study_profile, study, profile, data, **options)
    if not message:
        assert len(set(found.keys)) == len(found.runs) > 0


@pytest.fixture(scope="module")
def image_sets():
    import torch

    def made_set(ids):
        images = Labelled(torch.zeros(len(ids), 3, 32, 32, dtype=torch.uint8), torch.arange(len(ids)))
        return build("made", train=images, test=images, class_ids=ids, class_names=ids, flip=True)

    return [
        made_set(ids) for ids in (["a"], ["a", "b"], [f"n0000000{at}" for at in range(7)], ["n01440764", "n03291819"])
    ]


@settings(max_examples=400)
@given(
    st.one_of(
        st.sampled_from(NAMES),
        st.integers(-5, 10**12).map(lambda number: f"random{number}"),
        st.text(max_size=12),
    )
)
def test_a_split_is_two_halves_of_all_classes_or_refused(image_sets, name):
    for images in image_sets:
        found, message = attempt(make_split, name, images)
        if not message:
            first, second = found.halves["A"], found.halves["B"]
            assert sorted((*first, *second)) == list(range(images.classes))
            assert first
            assert second
            assert make_split(name, images).checksum == found.checksum


def test_a_refusal_names_the_value():
    for cls, wrong in ((DataSpec, {"image_size": 31}), (NetSpec, {"width": 13}), (Recipe, {"epochs": 0})):
        with pytest.raises(InputError, match=str(next(iter(wrong.values())))):
            cls(**wrong)
