"""What is trained is what the specification says: copied, frozen, normalised, drawn, tested."""

import json
from dataclasses import replace

import pytest
import torch
from made_studies import pixels, small_profile, tiny
from safetensors.torch import load as unpack
from safetensors.torch import save as pack

from fctransfer_utils.experiments.network import Classes
from fctransfer_utils.experiments.studies import base, heir, long
from fctransfer_utils.experiments.train import images_of, start, train_networks
from fctransfer_utils.models.alexnet import build
from fctransfer_utils.training.loop import accuracy

PROFILE = small_profile(per_class=0)
A, B = (base(PROFILE, Classes("random", half, 0, 4), seed=0) for half in "AB")


def run(network, donors=None):
    """The record and the tensors of a network."""
    [(record, weights)] = train_networks([network], tiny, donors or {}, keep=[network.key])
    return record, unpack(weights)


@pytest.fixture(scope="module")
def bases():
    """The two base networks as their heirs get them: key -> safetensors."""
    torch.set_num_threads(1)
    return {network.key: pack(run(network)[1]) for network in (A, B)}


def layer(weights, number):
    """All weights of one layer as a vector."""
    name = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")[number - 1]
    return torch.cat([weights[key].flatten() for key in sorted(weights) if key.startswith(name)])


@pytest.mark.parametrize(("copied", "frozen"), [((1, 2, 3), (1, 2, 3)), ((1, 2, 3), ()), ((2, 4), (4,))])
def test_copied_layers_are_the_donors_and_move_only_if_they_may(bases, copied, frozen):
    donor = unpack(bases[A.key])
    network = replace(B, donor=A, copied=copied, frozen=frozen)
    begun = start(network, images_of(network, tiny)[0], donor).state_dict()
    _, after = run(network, donors=bases)
    for number in range(1, 9):
        assert torch.equal(layer(begun, number), layer(donor, number)) == (number in copied)
        assert torch.equal(layer(after, number), layer(begun, number)) == (number in frozen)


def test_treatments_of_one_target_start_with_the_same_upper_layers(bases):
    learn = images_of(B, tiny)[0]
    own, other = (start(heir(B, donor, 5, frozen=True), learn, unpack(bases[donor.key])) for donor in (B, A))
    for number in (6, 7, 8):
        assert torch.equal(layer(own.state_dict(), number), layer(other.state_dict(), number))


def test_images_are_normalised_as_the_first_donor_saw_them(bases):
    a, b = images_of(A, tiny)[0], images_of(B, tiny)[0]
    assert a.mean != b.mean
    chain = heir(B, heir(B, A, 7, frozen=True), 2, frozen=False)
    for network, expected in ((heir(B, A, 3, frozen=True), a), (heir(B, B, 3, frozen=True), b), (chain, a)):
        for images in images_of(network, tiny):
            assert (images.mean, images.std) == (expected.mean, expected.std)
            assert images.classes == b.classes


def test_images_to_learn_to_choose_and_to_test_are_different_ones():
    network = replace(B, per_class=4, held_out=3, extra_test=5)
    learn, validation, test = images_of(network, tiny)
    assert [len(images) for images in (learn, validation, test)] == [4 * 4, 4 * 3, 4 * (6 + 5)]

    def told(images):
        return {image.numpy().tobytes() for image in images.pixels}

    assert not told(learn) & told(validation)
    assert not (told(learn) | told(validation)) & told(test)
    assert told(learn) | told(validation) <= told(pixels(12, 1))
    few = images_of(replace(network, per_class=2), tiny)
    assert told(few[0]) < told(learn)
    assert told(few[1]) == told(validation)
    assert told(images_of(long(network), tiny)[0]) == told(learn)


def test_random_layers_are_those_of_their_init_and_stand_still():
    network = replace(B, frozen=(1, 2, 3), drawn="gaussian")
    learn = images_of(network, tiny)[0]
    begun = start(network, learn)
    expected = build(replace(B.net, init="gaussian"), classes=4, size=16, seed=network.stream("init"))
    _, after = run(network)
    for number in (1, 2, 3):
        assert torch.equal(layer(after, number), layer(expected.state_dict(), number))
    assert torch.equal(layer(begun.state_dict(), 4), layer(start(B, learn).state_dict(), 4))


def test_the_measures_are_those_of_the_weights():
    record, weights = run(B)
    learn, _, test = images_of(B, tiny)
    net = start(B, learn)
    net.load_state_dict(weights)
    assert record.measures["top1"] == accuracy(net, test)
    assert record.measures["train_top1"] == accuracy(net, learn)
    assert len(record.curve["loss"]) == B.recipe.epochs
    assert "validation_top1" not in record.measures
    chosen, _ = run(replace(B, held_out=2))
    assert 0 <= chosen.measures["validation_top1"] <= 1


def test_a_network_that_diverges_is_said_to_and_has_no_measures():
    wild = replace(B, recipe=replace(B.recipe, learning_rate=1e12, warmup=0.0))
    record, weights = run(wild)
    assert record.diverged
    assert record.measures == {}
    assert json.loads(json.dumps(vars(record), allow_nan=False)) == vars(record)
    first, _ = run(heir(B, wild, 1, frozen=True), donors={wild.key: pack(weights)})
    assert first.diverged
