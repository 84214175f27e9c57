"""What one network of the study starts from and learns on."""

import pytest
import torch

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.data.splits import make_split
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.run_network import run_network, start_network, stream, target_images
from fctransfer_utils.experiments.worker import Job, load_images, train_job
from fctransfer_utils.models import build, state_of
from fctransfer_utils.training.execution import Execution

EXECUTION = Execution("cpu", "float32")


@pytest.fixture
def images(data_root):
    return load_images(DataSpec("tiny-imagenet"), data_root)


@pytest.fixture
def split(images):
    return make_split("random0", images)


@pytest.fixture
def runs(study):
    """The runs of a study by (treatment, n) or, for bases, by half."""
    made = study(treatments=("base", "BnB", "BnB+", "AnB", "AnB+", "twice", "random"), cuts=(0, 3, 7)).runs
    return {run.target if run.treatment == "base" else (run.treatment, run.n): run for run in made}


@pytest.fixture
def donor(runs, images, split):
    """``donor(half)``: weights that a base of that half could have."""
    return lambda half: state_of(build(runs[half].net, classes=3, image_size=32, seed=ord(half)))


def layer(net, n):
    return net[n - 1].state_dict()


def same(left, right):
    return all(torch.equal(left[name], right[name]) for name in left)


def test_treatments_share_the_suffix_and_take_the_prefix_from_their_donor(runs, images, split, donor):
    for treatment, source in (("BnB", "B"), ("BnB+", "B"), ("AnB", "A"), ("AnB+", "A")):
        fresh = start_network(runs[treatment, 0], images=images, split=split, donor_state=donor(source))
        started = start_network(runs[treatment, 3], images=images, split=split, donor_state=donor(source))
        reference = start_network(runs["BnB", 0], images=images, split=split, donor_state=donor("B"))
        given = build(runs["B"].net, classes=3, image_size=32, seed=ord(source))
        assert all(same(layer(started, n), layer(given, n)) for n in (1, 2, 3))
        assert all(same(layer(started, n), layer(reference, n)) for n in range(4, 9))
        assert all(same(layer(fresh, n), layer(reference, n)) for n in range(1, 9))


def test_a_second_network_repeats_nothing_of_the_base(runs, images, split, donor):
    base = start_network(runs["B"], images=images, split=split)
    second = start_network(runs["BnB", 0], images=images, split=split, donor_state=donor("B"))
    assert not any(same(layer(base, n), layer(second, n)) for n in range(1, 9))
    assert stream(runs["B"], "learn") != stream(runs["BnB", 3], "learn") == stream(runs["AnB", 3], "learn")
    assert stream(runs["B"], "init") != stream(runs["A"], "init")


def test_random_filters_start_as_the_base_does(runs, images, split):
    base = start_network(runs["B"], images=images, split=split)
    random = start_network(runs["random", 3], images=images, split=split)
    assert all(same(layer(base, n), layer(random, n)) for n in range(1, 9))
    assert [all(not p.requires_grad for p in part.parameters()) for part in random] == [True] * 3 + [False] * 5


def test_twice_starts_as_its_donor_ended(runs, images, split, donor):
    started = start_network(runs["twice", 8], images=images, split=split, donor_state=donor("B"))
    assert same(donor("B"), state_of(started))
    assert all(parameter.requires_grad for parameter in started.parameters())


def test_the_images_of_a_seed_are_the_same_for_every_treatment(study, images, split):
    few = {run.treatment: run for run in study(images_per_class=3).runs if run.target == "B"}
    drawn = [target_images(run, images=images, split=split)[0] for run in few.values()]
    assert len(drawn) == 4
    for part in drawn:
        assert torch.equal(part.images, drawn[0].images)
        assert part.labels.bincount().tolist() == [3, 3, 3]
    other = study(images_per_class=3, seeds=(1,)).runs[0]
    assert not torch.equal(target_images(other, images=images, split=split)[0].images, drawn[0].images)


def test_a_frozen_prefix_is_bit_equal_after_training_and_the_record_names_its_donor(runs, images, donor):
    record, state = run_network(runs["AnB", 3], images=images, donor_state=donor("A"), execution=EXECUTION)
    kept = {name: value for name, value in state.items() if name.split(".")[0] in ("conv1", "conv2", "conv3")}
    assert kept
    assert same(kept, donor("A"))
    assert not torch.equal(state["fc7.linear.weight"], donor("A")["fc7.linear.weight"])
    assert record.donor_sha256
    assert record.data_fingerprint == images.fingerprint
    assert 0 <= record.result.top1 <= 1
    assert len(record.curve) == 1


def test_a_missing_donor_and_an_unknown_half_are_named(runs, images, split):
    with pytest.raises(InputError, match=runs["A"].key):
        start_network(runs["AnB", 3], images=images, split=split)
    from dataclasses import replace

    with pytest.raises(InputError, match="'C'"):
        start_network(replace(runs["B"], target="C"), images=images, split=split)


def test_more_images_than_there_are_is_an_error(study, images, split):
    with pytest.raises(InputError, match="9 train"):
        target_images(study(images_per_class=9).runs[0], images=images, split=split)


def test_a_machine_with_other_images_refuses_to_train(runs, data_root):
    with pytest.raises(InputError, match="differ"):
        train_job(Job(runs=(runs["B"],), execution=EXECUTION, data_root=str(data_root), fingerprint="0" * 16))
