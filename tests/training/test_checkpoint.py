"""A network that was stopped between two epochs goes on and ends bit-equal to one that was left alone."""

from dataclasses import replace

import pytest
import torch
from made_images import stripes

from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.training import Execution, Recipe, train, train_crew
from fctransfer_utils.training.checkpoint import Checkpoint

RECIPE = Recipe(epochs=4, batch_size=20, learning_rate=0.01, crop_padding=2)
IDENTITY = {"network": "one"}


class Stopped(Exception):
    pass


@pytest.fixture
def file(tmp_path):
    return tmp_path / "checkpoints" / "one.safetensors"


def learn(checkpoint=None, *, recipe=RECIPE, stop=0, frozen=0, execution=None, batch_norm=False, heard=None):
    """The trained state and the curve without its seconds."""

    def on_epoch(epoch):
        if heard is not None:
            heard.append(epoch.epoch)
        if epoch.epoch == stop:
            raise Stopped

    net = build(NetSpec(width=12, batch_norm=batch_norm), classes=4, image_size=32, seed=0)
    result = train(
        net, stripes(), stripes(seed=1), recipe=recipe, frozen=frozen, seed=3, flip=True, mean=(0.4,) * 3,
        std=(0.25,) * 3, execution=execution or Execution(), on_epoch=on_epoch, checkpoint=checkpoint,
    )  # fmt: skip
    return state_of(net), [point[:5] for point in result.curve]


def equal(one, other):
    return all(torch.equal(one[0][name], other[0][name]) for name in one[0]) and one[1] == other[1]


VARIANTS = {
    "plain": {},
    "batch norm": {"batch_norm": True},
    "frozen layers": {"frozen": 4},
    "steps that end within a pass": {"recipe": replace(RECIPE, steps=3)},
    "no augmentation, frozen outputs kept": {"frozen": 3, "recipe": replace(RECIPE, crop_padding=0)},
    "another layout in memory": {"execution": Execution(channels_last=True)},
    "bfloat16": {"execution": Execution(precision="bfloat16")},
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_stopped_and_gone_on_with_it_is_bit_equal(file, options):
    undisturbed = learn(**options)
    with pytest.raises(Stopped):
        learn(Checkpoint(file, IDENTITY, every=0.0), stop=2, **options)
    heard = []
    assert equal(learn(Checkpoint(file, IDENTITY, every=0.0), heard=heard, **options), undisturbed)
    assert heard == [3, 4]


def test_a_crew_goes_on_together(file):
    def crew(checkpoint=None, on_epoch=None):
        nets = [build(NetSpec(width=12), classes=4, image_size=32, seed=0) for _ in range(2)]
        results = train_crew(
            nets, stripes(), stripes(seed=1), recipe=RECIPE, frozen=[2, 5], seed=3, flip=True, mean=(0.4,) * 3,
            std=(0.25,) * 3, execution=Execution(), checkpoint=checkpoint, on_epoch=on_epoch,
        )  # fmt: skip
        return [(state_of(net), [point[:5] for point in one.curve]) for net, one in zip(nets, results, strict=True)]

    def stop(epoch):
        if epoch.epoch == 3:
            raise Stopped

    undisturbed = crew()
    with pytest.raises(Stopped):
        crew(Checkpoint(file, IDENTITY, every=1e9), stop)
    assert all(map(equal, crew(Checkpoint(file, IDENTITY, every=1e9)), undisturbed))


def test_a_short_network_leaves_no_file(file):
    learn(Checkpoint(file, IDENTITY, every=1e9))
    assert not file.exists()


def test_the_last_epoch_is_not_written(file, monkeypatch):
    written = []
    monkeypatch.setattr(Checkpoint, "write", lambda *arguments: written.append(1))
    learn(Checkpoint(file, IDENTITY, every=0.0))
    assert len(written) == RECIPE.epochs - 1


@pytest.mark.parametrize("harm", ["cut", "other identity", "not a file of ours"])
def test_what_does_not_fit_counts_as_no_file(file, harm):
    with pytest.raises(Stopped):
        learn(Checkpoint(file, IDENTITY, every=0.0), stop=2)
    identity = IDENTITY
    if harm == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif harm == "other identity":
        identity = {"network": "two"}
    else:
        file.write_bytes(b"hello")
    heard = []
    learn(Checkpoint(file, identity, every=1e9), heard=heard)
    assert heard == [1, 2, 3, 4]


def test_a_file_that_cannot_be_written_costs_no_network(file, caplog):
    file.parent.write_text("a file stands where the folder should be")
    assert equal(learn(Checkpoint(file, IDENTITY, every=0.0)), learn())
    assert "training goes on" in caplog.text


def test_seconds_go_on_counting(file):
    with pytest.raises(Stopped):
        learn(Checkpoint(file, IDENTITY, every=0.0), stop=2)
    net = build(NetSpec(width=12), classes=4, image_size=32, seed=0)
    result = train(
        net, stripes(), stripes(seed=1), recipe=RECIPE, seed=3, flip=True, mean=(0.4,) * 3, std=(0.25,) * 3,
        execution=Execution(), checkpoint=Checkpoint(file, IDENTITY, every=1e9),
    )  # fmt: skip
    seconds = [point.seconds for point in result.curve]
    assert seconds == sorted(seconds)
    assert result.seconds >= seconds[-1]
