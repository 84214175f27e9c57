"""A training that is killed between epochs and started again is the training that was never killed."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from made_stripes import same_state, state, stripes, transplanted

from fctransfer_utils.training import loop
from fctransfer_utils.training.device import Setting
from fctransfer_utils.training.loop import train_together
from fctransfer_utils.training.recipe import Recipe

RECIPE = Recipe(epochs=4, batch_size=24, learning_rate=0.002, shift=2)
CUTS = (4, 7)


class KilledError(Exception):
    """Stands for a kill."""


def run(checkpoint, *, kill_at=None, nets=None, learn=None, recipe=RECIPE, save_every=0.0, **options):
    """Networks, histories and the epochs that ran."""
    nets, ran = nets or [transplanted(n) for n in CUTS], []

    def on_epoch(epoch):
        ran.append(epoch)
        if epoch == kill_at:
            raise KilledError

    options = {"seed": 3, "on_epoch": on_epoch, **options}
    learn = learn or replace(stripes(), flip=True)
    try:
        histories = train_together(nets, learn, recipe, checkpoint=checkpoint, save_every=save_every, **options)
    except KilledError:
        histories = []
    return nets, [history.losses for history in histories], ran


def same_run(one, other):
    return one[1] == other[1] and all(same_state(state(a), state(b)) for a, b in zip(one[0], other[0], strict=True))


@pytest.fixture(scope="module")
def whole():
    return run(None)


@pytest.fixture
def kept(tmp_path):
    """The checkpoint that a run leaves when it is killed at the end of its third epoch."""
    path = tmp_path / "checkpoint"
    run(path, kill_at=2)
    return path


@pytest.mark.parametrize("kill_at", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_going_on_equals_never_having_been_killed(tmp_path, kill_at, dtype):
    path, setting = tmp_path / "checkpoint", Setting(dtype=dtype)
    assert run(path, kill_at=kill_at, setting=setting)[2] == list(range(kill_at + 1))
    torch.rand(5)
    again = run(path, setting=setting)
    assert again[2] == list(range(kill_at, 4))
    assert same_run(again, run(None, setting=setting))
    assert list(tmp_path.iterdir()) == []


def test_killed_twice_it_still_comes_to_the_same_end(tmp_path, whole):
    path = tmp_path / "checkpoint"
    ran = [run(path, kill_at=each)[2] for each in (1, 2)]
    assert ran == [[0, 1], [1, 2]]
    assert same_run(run(path), whole)


def flipped(content, share):
    """``content`` with one bit changed."""
    place = int(share * len(content))
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        *(lambda content, share=share: content[: int(share * len(content))] for share in (0, 0.01, 0.3, 0.7, 0.999)),
        *(lambda content, share=share: flipped(content, share) for share in (0, 0.1, 0.5, 0.9)),
        lambda _: b"no checkpoint",
        lambda _: pickle.dumps({"about": ""}, 2),
    ],
)
def test_what_is_no_whole_checkpoint_is_not_gone_on_with(kept, whole, spoil):
    kept.write_bytes(spoil(kept.read_bytes()))
    again = run(kept)
    assert again[2] == [0, 1, 2, 3]
    assert same_run(again, whole)


class Touch:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_in_a_checkpoint_is_executed(tmp_path, monkeypatch):
    """Not even where its checksum is right."""
    path, touched = tmp_path / "checkpoint", tmp_path / "touched"
    torch.save(Touch(touched), path)
    monkeypatch.setattr(loop, "_digest", lambda about, content: b"x" * 32)
    path.write_bytes(b"x" * 32 + path.read_bytes())
    with pytest.raises(pickle.UnpicklingError):
        run(path)
    assert not touched.exists()


def other_pixels():
    learn = replace(stripes(), flip=True)
    learn.pixels[5, 0, 3, 3] += 1
    return learn


def other_weights():
    nets = [transplanted(n) for n in CUTS]
    for net in nets:
        net.conv2[0].weight.data[0, 0, 0, 0] += 1e-3
    return nets


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 4},
        {"recipe": replace(RECIPE, shift=1)},
        {"learn": other_pixels()},
        {"nets": other_weights()},
        {"nets": [transplanted(n) for n in (3, 7)]},
        {"loss": F.multi_margin_loss},
        {"setting": Setting(dtype="bfloat16")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_the_checkpoint_of_another_training_is_not_gone_on_with(kept, changes):
    assert run(kept, **changes)[2] == [0, 1, 2, 3]


def test_it_is_written_every_so_many_seconds_and_seconds_before_a_kill_count(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(loop.time, "perf_counter", lambda: now[0])
    path, there = tmp_path / "checkpoint", []

    def pass_time(epoch):
        there.append(path.exists())
        now[0] += 10
        if epoch == kill_at:
            raise KilledError

    for kill_at in (3, None):
        net = transplanted(4)
        options = {"checkpoint": path, "save_every": 15, "on_epoch": pass_time}
        if kill_at is None:
            (history,) = train_together([net], stripes(), RECIPE, **options)
        else:
            with pytest.raises(KilledError):
                train_together([net], stripes(), RECIPE, **options)
    assert there == [False, False, True, True, True, True]  # after 20 seconds; then from there
    assert history.seconds == 20 + 20
