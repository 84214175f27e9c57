"""What notebook 12 reads: measured from the networks of a store, and the plan of its diagram against built networks."""

import numpy as np
import pandas as pd
import pytest

from fctransfer_utils.analysis.explore import AFTER, BEFORE, DRAWN, layers_of
from fctransfer_utils.analysis.first_layer import unpack
from fctransfer_utils.cli import BAD_INPUT, main
from fctransfer_utils.course import explore, measures, networks
from fctransfer_utils.course.firewall_tables import UNTRAINED, pixels_of
from fctransfer_utils.course.start import start
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.profiles import study_profile
from fctransfer_utils.experiments.spec import RunSpec
from fctransfer_utils.models import NetSpec
from fctransfer_utils.training import Recipe


def source(arm, seed):
    """A tiny source network of the study ``fc``."""
    recipe = Recipe(epochs=1, batch_size=32, learning_rate=0.01, crop_padding=0)
    net = NetSpec("alexnet_map", width=12, dropout=0.2, arm=arm)
    return RunSpec(data=DataSpec(glyph_classes=8, glyphs_per_class=12), net=net, recipe=recipe, seed=seed)


@pytest.fixture
def trained(project, monkeypatch, tmp_path):
    """The course in `smoke`, whose store holds the base networks of two splits."""
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "build"))
    run = start("12_explore", profile="smoke")
    study = study_profile("transfer", "smoke", treatments=("base",), splits=("random0", "letters-symbols"), seeds=(0,))
    networks.with_weights(run, study.runs)
    return run, study


@pytest.mark.parametrize(
    ("split", "target", "words"),
    [
        ("random0", "A", "glyphs, random half A"),
        ("letters-symbols", "A", "glyphs, letters"),
        ("letters-symbols", "B", "glyphs, symbols"),
    ],
)
def test_a_task_is_named_in_words(split, target, words):
    spec = study_profile("transfer", "smoke", treatments=("base",), splits=(split,)).runs[0]
    halves = {spec.target: spec for spec in study_profile("transfer", "smoke", splits=(split,)).runs}
    assert spec.split == split
    assert explore.task_of(halves[target]) == words


def test_a_task_says_what_stood_behind_the_convolutions():
    assert explore.task_of(source("A", 0)) == "glyphs, random half A, GAP"
    assert explore.task_of(source("B", 0)) == "glyphs, random half A, FC layers"


def test_filters_are_those_of_the_stored_networks_and_of_their_first_step(trained):
    run, study = trained
    explore.measure_filters(run, study)
    table = pd.read_csv(run.figures / "data" / "explore_filters.csv")
    assert len(table.groupby(["task", "seed", "net"])) == len(study.runs) * 2
    for spec in study.runs:
        rows = table[(table["task"] == explore.task_of(spec)) & (table["net"] == AFTER)]
        kept = run.store.weights(spec.key)["conv1.conv.weight"].numpy()
        assert np.abs(unpack(rows)[AFTER] - kept).max() <= 0.0006
        assert rows["top1"].unique() == pytest.approx([run.store.record(spec.key).result.top1], rel=1e-5)
    assert set(table["net"]) == {BEFORE, AFTER}


def test_a_store_without_base_networks_is_named(project, tmp_path, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "build"))
    study = study_profile("transfer", "smoke")
    with pytest.raises(InputError, match="empty holds no base network of these images"):
        measures.measure("explore_filters", study, profile="smoke", data="glyphs", store=tmp_path / "empty")
    options = ["--profile", "smoke", "--store", str(tmp_path / "empty")]
    assert main(["measure", "explore_maps", *options]) == BAD_INPUT


def test_maps_are_there_for_every_seed_arm_and_picture(project, tmp_path, monkeypatch):
    monkeypatch.setenv("FCTRANSFER_BUILD", str(tmp_path / "build"))
    run = start("12_explore", profile="smoke")
    specs = [source(arm, seed) for seed in (0, 1) for arm in "AB"]
    tables = explore.map_tables(run, specs, shown=3, per_class=4)
    maps, pictures = tables[explore.MAPS], tables[explore.PICTURES]
    assert set(maps.groupby(["seed", "arm", "image", "method"]).size()) == {8}
    assert len(maps.groupby(["seed", "arm", "image", "method"])) == 2 * (2 * 2 + 1) * 3
    assert set(maps.loc[maps["arm"] == UNTRAINED, "method"]) == {"scda"}
    assert set(pixels_of(pictures)) == set(maps["image"]) == set(pictures["image"])


@pytest.mark.parametrize("n", [2, 6])
def test_the_code_builds_what_the_plan_draws(n):
    built = explore.built_layers(n)
    assert tuple(built) == DRAWN
    for name, layers in built.items():
        found = [{key: layer[key] for key in ("layer", "origin", "frozen")} for layer in layers]
        assert found == layers_of(name, n)


def test_only_sets_with_a_committed_study_are_offered(project):
    run = start("12_explore", profile="read")
    assert explore.committed_sets(run) == ["glyphs", "tiny-imagenet"]
    table = project.figures / "data" / "transfer.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines if "tiny" in line)]) + "\n", encoding="utf-8")
    assert explore.committed_sets(run) == ["tiny-imagenet"]
    table.write_text(lines[0] + "\n", encoding="utf-8")
    with pytest.raises(InputError, match="holds no study to explore"):
        explore.committed_sets(run)
