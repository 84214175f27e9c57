"""Which networks a transfer study holds, in which order, and what it refuses."""

from collections import Counter

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.profiles import PROFILES, transfer_profile
from fctransfer_utils.experiments.study import Study, spread


def test_the_whole_study_has_a_base_per_half_and_29_networks_per_direction(study):
    runs = study(
        treatments=("base", "BnB", "BnB+", "AnB", "AnB+", "twice"),
        cuts=range(1, 8),
        directions=(("A", "B"), ("B", "A")),
    ).runs
    counts = Counter((run.treatment, run.target) for run in runs)
    assert len(runs) == 2 + 2 * (4 * 7 + 1)
    assert {counts[name, half] for name in ("BnB", "BnB+", "AnB", "AnB+") for half in "AB"} == {7}
    assert {counts[name, half] for name in ("base", "twice") for half in "AB"} == {1}


def test_bases_come_first_and_nothing_twice(study):
    runs = study(seeds=(0, 1), splits=("random0", "random1")).runs
    treatments = [run.treatment for run in runs]
    assert treatments[:8] == ["base"] * 8
    assert "base" not in treatments[8:]
    assert len({run.key for run in runs}) == len(runs) == 8 + 4 * 5


def test_every_donor_is_in_the_study(study):
    for images in (0, 5):
        made = study(images_per_class=images)
        assert {run.donor.key for run in made.runs if run.donor} <= set(made.keys)


def test_a_beginning_of_the_list_is_balanced_over_treatments(study):
    rest = [run for run in study(treatments=("BnB", "AnB"), cuts=range(1, 8)).runs if run.treatment != "base"]
    assert [(run.treatment, run.n) for run in rest[:4]] == [("BnB", 1), ("AnB", 1), ("BnB", 7), ("AnB", 7)]
    assert spread(range(1, 8)) == [1, 7, 4, 2, 3, 5, 6]


def test_the_same_options_give_the_same_list(study):
    assert study().keys == study().keys
    assert set(study(seeds=(1,)).keys).isdisjoint(study(seeds=(2,)).keys)


def test_a_self_donor_has_seen_the_targets_images_and_a_foreign_one_all_of_the_source(study):
    runs = [run for run in study(images_per_class=5).runs if run.donor]
    assert {run.donor.images_per_class for run in runs if run.source == run.target} == {5}
    assert {run.donor.images_per_class for run in runs if run.source != run.target} == {0}


def test_random_filters_have_no_donor(study):
    runs = [run for run in study(treatments=("random",), cuts=(1, 2)).runs if run.treatment == "random"]
    assert [(run.n, run.donor, run.frozen_layers) for run in runs] == [(1, None, (1,)), (2, None, (1, 2))]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"treatments": ("base", "AnC")}, "AnC"),
        ({"cuts": (1, 9)}, "9"),
        ({"cuts": (-1,)}, "-1"),
        ({"cuts": (8,)}, "twice"),
        ({"cuts": ("3",)}, "'3'"),
        ({"cuts": ()}, "no cut"),
        ({"seeds": ()}, "no seed"),
        ({"seeds": (-1,)}, "-1"),
        ({"seeds": (0.5,)}, "0.5"),
        ({"splits": ()}, "split"),
        ({"splits": "random0"}, "random0"),
        ({"treatments": ()}, "treatment"),
        ({"directions": ()}, "direction"),
        ({"directions": (("A", "A"),)}, "A-A"),
        ({"directions": (("A", "C"),)}, "A-C"),
        ({"images_per_class": -2}, "-2"),
    ],
)
def test_unusable_options_are_named(study, options, named):
    with pytest.raises(InputError, match=named):
        study(**options)


def test_a_study_refuses_to_be_empty_or_to_repeat_a_run(study):
    run = study().runs[0]
    with pytest.raises(InputError, match="twice"):
        Study("transfer", (run, run))
    with pytest.raises(InputError, match="no runs"):
        Study("transfer", ())


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("data", ["glyphs", "tiny-imagenet", "folder:images"])
def test_profiles_make_studies(profile, data):
    runs = transfer_profile(profile, data).runs
    assert {run.data.name for run in runs} == {data}
    assert {bool(run.data.glyph_classes) for run in runs} == {data == "glyphs"}


def test_profiles_take_overrides_and_refuse_what_they_do_not_know():
    made = transfer_profile("full", "tiny-imagenet", seeds=(3,), cuts=(2,), width=48, epochs=None)
    assert {(run.seed, run.net.width, run.recipe.epochs) for run in made.runs} == {(3, 48, PROFILES["full"].epochs)}
    for options in ({"profile": "ful"}, {"profile": "full", "data": "glyph"}, {"profile": "full", "widht": 24}):
        with pytest.raises(InputError, match="unknown"):
            transfer_profile(**options)
    with pytest.raises(InputError, match="folder"):
        transfer_profile("full", "folder:")
