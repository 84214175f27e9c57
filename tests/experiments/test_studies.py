"""Which networks the studies beside the transfer study hold, whose layers they copy, and what they refuse."""

from collections import Counter
from dataclasses import replace

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.names import STUDIES
from fctransfer_utils.experiments.profiles import PROFILES, study_profile
from fctransfer_utils.experiments.target_spec import spec_from_json


def counts(study, *names):
    return Counter(tuple(getattr(run, name) for name in names) for run in study.runs)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_whole_in_every_profile(name, profile):
    study = study_profile(name, profile, "glyphs")
    assert study.name == name
    donors = {run.donor for run in study.runs if run.donor}
    assert {donor.treatment for donor in donors} <= {"base"}
    assert name == "keep" or {donor.key for donor in donors} <= set(
        study.keys
    )  # keep learns other images than they did
    for run in study.runs:
        assert spec_from_json(run.to_json()) == run


def test_halves_that_differ_in_kind_are_chosen_by_the_data():
    assert {run.split for run in study_profile("distant", "quick").runs} == {"letters-symbols"}
    assert {run.split for run in study_profile("distant", "full", "tiny-imagenet").runs} == {"natural-manmade"}
    asked = study_profile("distant", "full", "folder:images", splits=("random3",))
    assert {run.split for run in asked.runs} == {"random3"}


def test_random_filters_come_with_a_whole_network_of_the_papers_gaussian_as_control():
    study = study_profile("random", "quick")
    found = Counter((run.treatment, run.net.init) for run in study.runs)
    assert found == {("base", "gaussian"): 1, ("base", "he"): 1, ("random", "he"): 3, ("random-gaussian", "he"): 3}
    assert {run.target for run in study.runs} == {"B"}


def test_networks_of_few_images_take_the_same_number_of_steps_and_copy_from_donors_of_all_images():
    study = study_profile("volume", "quick", volumes=(2, 7), few_steps=30)
    few = [run for run in study.runs if run.images_per_class]
    assert counts(study, "images_per_class", "treatment")[2, "AnB+"] == 2
    assert {run.recipe.steps for run in few} == {30}
    assert {run.images_per_class for run in few} == {2, 7}
    donors = {run.donor for run in few if run.donor}
    assert {(donor.images_per_class, donor.recipe.steps, donor.target) for donor in donors} == {(0, 0, "A")}
    assert {run.recipe.epochs for run in study.runs} == {PROFILES["quick"].epochs}


def test_a_longer_bnb_copies_from_the_usual_base():
    study = study_profile("dip", "quick", long_epochs=20)
    longer = [run for run in study.runs if run.treatment == "BnB" and run.recipe.epochs == 20]
    assert {run.donor.recipe.epochs for run in longer} == {PROFILES["quick"].epochs}
    assert {run.net.batch_norm for run in longer} == {False, True}
    assert counts(study, "treatment")[("stitch",)] == counts(study, "treatment")[("warm",)] == 2
    assert {run.target for run in study.runs} == {"B"}


def test_a_warm_start_copies_all_but_one_layer_and_stitching_lets_only_that_one_learn():
    study = study_profile("dip", "full", "tiny-imagenet", cuts=(4, 6, 7))
    warm, stitch = ({run.n: run for run in study.runs if run.treatment == name} for name in ("warm", "stitch"))
    assert set(warm) == set(stitch) == {4, 6}
    assert warm[4].copied_layers == stitch[4].copied_layers == (1, 2, 3, 4, 6, 7, 8)
    assert (warm[4].frozen_layers, stitch[4].frozen_layers) == ((1, 2, 3, 4), (1, 2, 3, 4, 6, 7, 8))
    assert stitch[6].frozen_layers == (1, 2, 3, 4, 5, 6, 8)


def test_the_keys_of_earlier_studies_are_unchanged_by_later_fields():
    run = study_profile("transfer", "quick").runs[0]
    assert set(run.to_json()["recipe"]) == {
        "epochs", "batch_size", "learning_rate", "momentum", "weight_decay", "schedule", "warmup", "crop_padding",
    }  # fmt: skip
    assert "donor_recipe" not in run.to_json()
    assert run.key == "1a2884e368b01288"


def test_one_network_has_one_key():
    run = next(run for run in study_profile("transfer", "quick").runs if run.source)
    with pytest.raises(InputError, match="leave it out"):
        replace(run, donor_recipe=run.recipe)
    base = study_profile("transfer", "quick").runs[0]
    with pytest.raises(InputError, match="no donor"):
        replace(base, donor_recipe=replace(base.recipe, epochs=3))


@pytest.mark.parametrize(
    ("study", "options", "named"),
    [
        ("distnat", {}, "distnat"),
        ("volume", {"volumes": ()}, "at least one"),
        ("volume", {"volumes": (0,)}, "volume 0"),
        ("volume", {"volumes": (2.5,)}, "2.5"),
        ("volume", {"treatments": ("base", "BnB")}, "BnB"),
        ("random", {"treatments": ("AnB",)}, "AnB"),
        ("dip", {"treatments": ("base", "AnB")}, "AnB"),
        ("dip", {"long_epochs": 8}, "long_epochs 8"),
        ("distant", {"cuts": (9,)}, "9"),
    ],
)
def test_unusable_options_are_named(study, options, named):
    with pytest.raises(InputError, match=named):
        study_profile(study, "quick", **options)
