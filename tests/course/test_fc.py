"""The FC study in a notebook: distances before training, what the arms cost, and pictures of the targets."""

from dataclasses import replace

import pytest

from fctransfer_utils.analysis.fc import GROUPS, group_of
from fctransfer_utils.course import fc as study
from fctransfer_utils.course.start import start
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.study import Study
from tests.made_fc import fc_table


@pytest.fixture
def run(project):
    return start("09_fc_versus_gap", profile="smoke")


def few_targets(run, count=2):
    """The smoke study with its first ``count`` targets only."""
    plan = run.plan("fc")
    names = list(dict.fromkeys(spec.target_label for spec in study.moved_specs(plan)))[:count]
    kept = [spec for spec in plan.runs if getattr(spec, "target_label", names[0]) in names]
    return replace(plan, runs=tuple(kept))


def test_distances_are_measured_on_both_arms_and_averaged(run):
    table = study.target_distances(run, study=few_targets(run))
    assert table["arm"].tolist() == ["A", "B", "mean"] * 2
    for _, part in table.groupby("target_set"):
        by_arm = part.set_index("arm")
        for name in study.MEANS:
            assert by_arm.loc["mean", name] == pytest.approx((by_arm.loc["A", name] + by_arm.loc["B", name]) / 2)
    assert table["domain"].between(0, 2).all()
    assert (table["domain_low"] <= table["domain"]).all()
    assert (table["domain"] <= table["domain_high"]).all()
    assert set(table["target_set"].map(group_of)) <= set(GROUPS)


def test_nothing_is_trained_on_a_target_to_measure_its_distance(run):
    study.target_distances(run, study=few_targets(run))
    assert {record.spec.treatment for record in run.store.records()} == {"base"}
    assert {record.spec.net.arm for record in run.store.records()} == {"A", "B"}


def test_distances_need_both_arms(run):
    plan = run.plan("fc")
    alone = Study(name="fc", runs=tuple(spec for spec in study.moved_specs(plan) if spec.arm == "A"))
    with pytest.raises(InputError, match="no network of arm B; distances are measured on arms A and B"):
        study.target_distances(run, study=alone)
    sources = Study(name="fc", runs=tuple(spec.source for spec in study.moved_specs(plan)[:1]))
    with pytest.raises(InputError, match="moves no network to a target"):
        study.moved_specs(sources)


def test_arms_cost_what_their_layers_hold():
    costs = study.arm_costs(fc_table(seeds=1, arms="A")).set_index("arm")
    classes, channels = 25, 96  # half of 50 classes; 8 filters of conv5 for each of the 12 of conv1
    assert costs["trunk"].nunique() == 1
    assert costs.loc["A", "head"] == channels * classes + classes
    assert costs.loc["D", "head"] == 16 * channels * classes + classes
    assert costs.loc["E", "parameters"] == pytest.approx(costs.loc["B", "parameters"], rel=0.05)
    assert (costs["trunk"] + costs["head"] == costs["parameters"]).all()
    assert costs.loc["E", "multiply_adds"] > costs.loc["B", "multiply_adds"]  # convolutions use a weight many times


@pytest.mark.parametrize(("label", "classes"), [("glyphs[50x110]", 25), ("tiny-imagenet", 100), ("glyphs[7x9]", 3)])
def test_the_source_learns_half_of_the_classes(label, classes):
    assert study.source_classes(label) == classes


def test_a_set_of_unknown_size_has_no_costs():
    with pytest.raises(InputError, match="how many classes 'folder:mine' has is not known"):
        study.source_classes("folder:mine")


def test_the_targets_that_were_trained_are_pictured_with_their_group(run):
    wanted = ["glyphs[9x9] random0:B", "glyphs[9x9] inverted random0:B", "glyph-scenes[8x9]", "folder:mine"]
    pictures = study.target_pictures(run, wanted, columns=5)
    assert list(pictures) == ["held-out classes (near)", "inverted (views)", "glyph-scenes (far)"]
    for images, names in pictures.values():
        assert images.shape[:2] == (5, 3)
        assert len(names) == 5
    plain, inverted = (pictures[heading][0].float() for heading in list(pictures)[:2])
    assert (inverted[:, 0] == inverted[:, 1]).all()  # one channel
    assert plain.mean() != inverted.mean()


def test_photographs_are_not_pictured(project):
    assert study.target_pictures(start("09_fc_versus_gap", data="tiny-imagenet"), ["folder:caltech101"]) == {}
