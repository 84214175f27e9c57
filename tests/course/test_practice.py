"""The small experiments of notebook 11 run on a tiny donor and give the tables that their figures take."""

import pytest

from fctransfer_utils.course import other_losses, practice
from fctransfer_utils.course.moved import moved, target_distances
from fctransfer_utils.course.start import start
from fctransfer_utils.data.glyph_targets import ATTRIBUTES
from fctransfer_utils.models.heads import HeadSpec
from fctransfer_utils.plots import practice as draw
from fctransfer_utils.training import Recipe

RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=0.01, crop_padding=0)


@pytest.fixture
def run(project):
    return start("11_which_layers_to_keep", profile="smoke")


@pytest.fixture
def task(run):
    return moved(run, per_class=4, test_per_class=5)


def test_the_donor_has_learnt_half_a_and_is_asked_about_half_b(run, task):
    assert task.classes == 4
    assert len(task.learn.labels) == 16
    assert len(task.judge.labels) == 20
    assert task.features("conv5")[0].values.shape == (16, 32, 4, 4)
    assert task.features("fc7")[1].values.shape == (20, 512)
    assert task.features("fc7") is task.features("fc7")
    base = run.base_networks()["A"].net
    assert all((a == b).all() for a, b in zip(base.parameters(), task.net.parameters(), strict=True))


def test_distances_are_measured_for_every_target_of_the_study(run):
    found = target_distances(run)
    targets = set(run.study("keep")["target_set"])
    assert set(found["target_set"]) == targets
    assert list(found["n"].unique()) == [5, 7]
    assert len(found) == 2 * len(targets)
    assert found["domain"].between(0, 2).all()
    assert found["probe"].between(0, 1).all()


def test_new_layers_are_measured_and_drawn(task):
    specs = {"He": HeadSpec(hidden=(8, 8)), "zero": HeadSpec(hidden=(8, 8), init="zero")}
    steps = practice.first_steps(task, specs, seeds=(0, 1), steps=3, learning_rate=0.01)
    assert len(steps) == 2 * 2 * 3
    assert (steps.loc[steps["choice"] == "zero", ["norm_fc6", "norm_fc7", "norm_fc8"]] == 0).all(axis=None)
    assert draw.first_steps(steps)
    gradients = practice.first_gradients(task, ("zero", "he"), seeds=(0,))
    assert (gradients.loc[gradients["last_init"] == "zero", "gradient"] == 0).all()
    assert (gradients.loc[gradients["last_init"] == "he", "gradient"] > 0).all()
    assert draw.into_trunk(gradients)
    ways = practice.head_first(task, {"He": HeadSpec(last_init="he")}, recipe=RECIPE, seeds=(0,))
    assert ways.groupby("way")["epoch"].max().to_dict() == dict.fromkeys(ways["way"].unique(), 2)
    assert draw.head_first(ways)


def test_heads_and_sizes_are_compared_on_features_computed_once(run, task):
    found = practice.heads(task, {"flatten": HeadSpec(), "gap": HeadSpec(pool="gap")}, recipe=RECIPE, seeds=(0, 1))
    assert found.groupby("choice", sort=False)["parameters"].first().to_dict() == {"flatten": 2052, "gap": 132}
    sizes = practice.image_sizes(run, task, (24, 32), recipe=RECIPE, per_class=3, seeds=(0,))
    assert list(sizes["map"]) == [3, 3, 3, 4, 4, 4]
    own = sizes[sizes["size"] == 32].set_index("way")["top1"]
    assert own["flatten"] == own["average to own map"]  # at its own size nothing is averaged
    assert draw.by_size(sizes, own=32)


def test_other_losses_are_learnt_from_every_cut(task):
    glyphs = other_losses.glyph_task(task, cuts=("conv3", "fc7"), images=40, judging=30, seed=0)
    assert glyphs.features["conv3"][0].shape == (40, 48 * 16)
    spec = HeadSpec(hidden=(8,), batch_norm=True)
    common = {"recipe": RECIPE, "seeds": (0, 1)}
    scores, predicted = other_losses.regression_by_cut(glyphs, "rotation", spec=spec, **common)
    assert len(scores) == 4
    assert len(predicted) == 2 * 30
    assert draw.regression(scores, predicted, quantity="rotation", unit="degrees")
    layers = other_losses.last_layers(glyphs, "size", cut="conv3", specs={"linear": HeadSpec()}, **common)
    assert list(layers["output"].unique()) == ["linear", "rectified", "raw units"]
    trunks = other_losses.learning_trunks(task, glyphs, "rotation", spec=spec, **common)
    assert set(trunks["start"]) == {"transferred", "from scratch"}
    assert trunks.groupby("start").size().tolist() == [4, 4]
    labels = other_losses.several_labels(glyphs, spec=spec, **common)
    assert labels[list(ATTRIBUTES)].mean(axis=1).tolist() == pytest.approx(labels["right"].tolist(), abs=1e-6)


def test_the_case_of_vgg19_takes_the_weights_of_a_file(run, tmp_path, monkeypatch):
    """With a small network in place of VGG-19: what is tested is the way from a file to the table."""
    from fctransfer_utils.models import NetSpec, adapters, build

    asked = {}

    def small(name, *, weights):
        asked.update(name=name, weights=weights)
        return build(NetSpec(width=12), classes=5, image_size=224, seed=0)

    monkeypatch.setattr(adapters, "adapted", small)
    table = practice.vgg19_case(run, tmp_path / "vgg19.pth", recipe=RECIPE, per_class=1, seeds=(0,))
    assert asked == {"name": "vgg19", "weights": tmp_path / "vgg19.pth"}
    assert list(table["cut"]) == ["fc7", "conv5"]
    assert table["top1"].between(0, 1).all()
