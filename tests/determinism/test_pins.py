"""What every machine must have in common: splits, random streams, first weights, and the keys of committed networks.

A number that changes here makes every record that was trained before incomparable: renew figures/data with it.
"""

import csv
import shlex

import pytest
import torch

from fctransfer_utils import cli, cli_study, seeds
from fctransfer_utils.course import commands
from fctransfer_utils.course.project import find_project
from fctransfer_utils.data.augment import augment
from fctransfer_utils.data.glyphs import render
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.data.splits import make_split
from fctransfer_utils.experiments.record import sha256
from fctransfer_utils.models import NetSpec, build, state_of

DATA = find_project().figures / "data"


def rows_of(name):
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


DERIVED = 4533847126083998870
ORDER = [5, 2, 6, 4, 9, 3, 1, 0, 8, 7]
SHIFTED = "3e5580f3a0c31961"
FIRST_WEIGHTS = {
    "he": (0.40064847, -0.20346983, -0.14969143, -0.29984373),
    "gaussian": (0.02453461, -0.01245993, -0.00916669, -0.01836160),
}
SPLITS = {row["split"]: row["checksum"] for row in rows_of("class_splits") if row["data"] == "glyphs[50x60]"}


@pytest.mark.parametrize("name", SPLITS)
def test_the_halves_of_the_glyphs_are_the_committed_ones(name):
    images = render(DataSpec(glyph_classes=50, glyphs_per_class=1))
    assert make_split(name, images).checksum == SPLITS[name]


def test_random_streams_give_the_same_numbers_everywhere():
    assert seeds.derive(3, "init", "base") == DERIVED
    assert torch.randperm(10, generator=seeds.generator(0, "order")).tolist() == ORDER
    images = (torch.arange(2 * 3 * 8 * 8) % 251).to(torch.uint8).reshape(2, 3, 8, 8)
    moved = augment(images, padding=2, flip=True, generator=seeds.generator(0, "augment"))
    assert sha256(moved.numpy().tobytes())[:16] == SHIFTED


@pytest.mark.parametrize("init", ["he", "gaussian"])
def test_networks_start_with_the_same_weights_everywhere_but_for_the_last_bits(init):
    net = build(NetSpec(width=12, init=init), classes=25, image_size=32, seed=7)
    assert state_of(net)["conv1.conv.weight"].flatten()[:4].tolist() == pytest.approx(FIRST_WEIGHTS[init], rel=1e-5)


@pytest.mark.parametrize("study", ["transfer", "distant", "random", "volume", "dip"])
def test_the_committed_networks_have_the_keys_of_the_commands_that_train_them(study):
    typed = next(each.glyphs for each in commands.RENEWALS if each.study == study).strip("`")
    options = cli._parser().parse_args(["run", study, "--store", "store", "--profile", "quick", *shlex.split(typed)])
    committed = {row["key"] for row in rows_of(study) if row["data"].startswith("glyphs")}
    assert committed
    assert committed <= set(cli_study.study_of(options).keys)
