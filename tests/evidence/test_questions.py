"""What the ten questions are answered with, as far as it is no network's doing."""

import copy
from functools import partial
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from made_pictures import class_folders
from torch import nn

from fctransfer_utils import keep
from fctransfer_utils.errors import InputError
from fctransfer_utils.evidence import questions

torch.set_num_threads(1)
few = partial(questions.pages, per_class=3, test_per_class=1, size=32)


@pytest.fixture
def net(monkeypatch):
    """18 blocks and a classifier that take no time."""
    blocks = [nn.Conv2d(3, 3, 1) for _ in range(18)]
    small = nn.Sequential(*blocks, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 5)))
    monkeypatch.setattr(questions, "bundled", lambda: small)
    return small


def nearest(x, y, good=None):
    """A probe that answers with the targets of the nearest row."""
    targets = y if good else nn.functional.one_hot(y).double()
    return 0.0, lambda new: targets[torch.cdist(new, x).argmin(1)]


def test_every_way_is_judged_at_its_better_rate(net, monkeypatch):
    monkeypatch.setattr(questions, "RATES", (0.1, 0.2, 0.3))
    monkeypatch.setattr(questions, "FIRST_RATES", (0.1, 0.2))
    monkeypatch.setattr(questions, "pages", few)
    head, asked = nn.Linear(3, 5), []

    def tune(head, x, y, *, rate, seed, **options):
        asked.append((seed, rate))
        tuned = copy.deepcopy(net)
        tuned[-1][-1] = head
        with torch.no_grad():
            next(tuned[12].parameters()).mul_(1 + rate)
        return tuned.eval()

    found = questions.fine_tuned(lambda x, y: head, tune, draws=[1])
    ways = len(questions.ARMS)
    assert asked == [(questions.TUNE, 0.1), (questions.TUNE, 0.2)] * ways + [(1, 0.1)] * ways  # of equals, the lowest
    by_rate = found.groupby("rate")["moved"].mean()
    assert by_rate[0.0] == 0
    assert by_rate[0.2] == pytest.approx(2 * by_rate[0.1], rel=1e-3)
    with pytest.raises(InputError, match="99"):
        questions.fine_tuned(lambda x, y: head, tune, draws=[questions.TUNE])


def test_probes_answer_every_question(net, monkeypatch):
    monkeypatch.setattr(questions, "SETTINGS", [(2, 32)])
    found = questions.probed(nearest, draws=[1], test_per_class=2)
    assert found.groupby(["draw", "question"]).size().tolist() == [6, 3, 6]  # angles, choices, places
    shares = found[found["question"] != "angle"]
    assert shares["value"].between(0, 100).all()


def test_pages_are_turned_by_the_angles_that_are_told():
    images = few(0)[0]
    turned, angles = questions.turned(images, 0)
    assert (turned.pixels.shape, angles.shape) == (images.pixels.shape, (len(images), 1))
    assert angles.abs().max() <= 20
    back, _ = questions.turned(images, 0)
    assert torch.equal(back.pixels, turned.pixels)


def test_augmented_pages_are_moved_by_whole_pixels_or_mirrored():
    page = torch.rand(1, 3, 32, 32)
    chance = torch.Generator().manual_seed(0)
    moved = questions.shifted(page, chance)
    inner = page[..., 8:24, 8:24]
    windows = moved.unfold(2, 16, 1).unfold(3, 16, 1)  # (1, 3, 17, 17, 16, 16)
    assert (windows == inner[:, :, None, None]).flatten(4).all(-1).all(1).any()
    both = questions.mirrored(page.expand(8, -1, -1, -1), chance)
    assert {torch.equal(each, page[0]) or torch.equal(each, page[0].flip(2)) for each in both} == {True}


def test_a_set_is_asked_in_some_images_of_at_most_20_classes(net, tmp_path, monkeypatch):
    def measure(net, images, summary, source, *, groups, folds, deadline):
        assert torch.bincount(images.labels).tolist() == [2] * 13  # every second of 25 classes
        assert (len(groups), folds, deadline) == (26, 3, float("inf"))
        return SimpleNamespace(splits=pd.DataFrame({"choice": ["one cut", "last cut"], "top1": [1.0, 2.0]}))

    monkeypatch.setattr(keep, "measure", measure)
    folder = class_folders(tmp_path / "set", {f"kind {number:02}": 3 for number in range(25)})
    found = questions.kept(folder, most=30)
    assert found.to_dict("list") == {"choice": ["last cut"], "top1": [2.0], "images": ["set"]}
