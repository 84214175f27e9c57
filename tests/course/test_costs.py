"""The count of images is what training looks at, and the measured speed is a speed."""

import math
from pathlib import Path

import pytest

from fctransfer_utils.course.costs import count, training_speed
from fctransfer_utils.data import load, make_split
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.profiles import transfer_profile
from fctransfer_utils.experiments.study import DIRECTIONS
from fctransfer_utils.training import Execution


def test_a_half_is_counted_as_training_selects_it():
    study = transfer_profile("smoke")
    images = load(study.runs[0].data)
    half = make_split("random0", images).halves["A"]
    cost = count(study)
    assert (cost.classes, cost.images) == (len(half), len(images.select(half).labels))
    assert cost == count(study, images=images)


def test_seen_are_networks_times_images_times_epochs():
    cost = count(transfer_profile("quick", epochs=3))
    assert cost.images_seen == cost.networks * cost.images * 3
    assert count(transfer_profile("quick", epochs=3, seeds=(0, 1))).images_seen == 2 * cost.images_seen


def test_networks_that_learn_few_images_see_few_and_their_donors_all():
    all_images, few = (
        count(transfer_profile("quick", directions=DIRECTIONS, images_per_class=images)) for images in (0, 1)
    )
    donors = few.networks - all_images.networks
    epochs, classes = few.epochs, few.classes
    assert donors == 2
    assert few.images_seen == epochs * (donors * all_images.images + all_images.networks * classes)


def test_tiny_imagenet_is_known_without_its_images():
    assert count(transfer_profile("full", "tiny-imagenet")).images == 100 * 500


def test_a_folder_must_be_counted_first():
    with pytest.raises(InputError, match="folder:here"):
        count(transfer_profile("full", "folder:here"))


def test_speed_is_positive_and_leaves_no_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    speed = training_speed(transfer_profile("smoke").runs[0], classes=4, execution=Execution(), seconds=0)
    assert 0 < speed < math.inf
    assert list(Path(tmp_path).iterdir()) == []
