"""Calls side by side give what they give one after another, in order, and say what went wrong."""

import os
import signal
from functools import partial

import pytest
import torch

from fctransfer_utils.data import make_split
from fctransfer_utils.data.sources import load
from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.side_by_side import side_by_side
from fctransfer_utils.models import NetSpec
from fctransfer_utils.training import Execution, Recipe
from fctransfer_utils.training.learning_rate import search

pytest.importorskip("distributed")


def told(base, number):
    return base + number, os.getpid(), torch.get_num_threads()


def refusing(number):
    if number == 1:
        raise InputError(f"number {number} is refused; give another one.")
    return number


def dying(number):
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_order_from_other_processes_of_one_thread():
    found = side_by_side(partial(told, 10), range(6), workers=2)
    assert [value for value, _, _ in found] == [10, 11, 12, 13, 14, 15]
    processes = {process for _, process, _ in found}
    assert len(processes) == 2
    assert os.getpid() not in processes
    assert {threads for _, _, threads in found} == {1}


@pytest.mark.parametrize(("numbers", "workers"), [([3], 4), ([3, 4], 1), ([], 2)])
def test_where_one_is_enough_nothing_is_started(numbers, workers):
    assert all(process == os.getpid() for _, process, _ in side_by_side(partial(told, 0), numbers, workers=workers))


def test_an_error_of_a_call_is_the_error():
    with pytest.raises(InputError, match="number 1 is refused"):
        side_by_side(refusing, range(3), workers=2)


def test_a_worker_that_dies_again_and_again_is_named():
    with pytest.raises(InputError, match="worker processes died"):
        side_by_side(dying, range(2), workers=2)


def test_a_search_for_the_learning_rate_is_the_same_side_by_side():
    images = load(DataSpec(glyph_classes=4, glyphs_per_class=10))
    classes = make_split("random0", images).halves["A"]
    options = {
        "net": NetSpec(width=12),
        "recipe": Recipe(epochs=1, batch_size=8),
        "execution": Execution(),
        "grid": (0.001, 0.01, 0.1),
    }
    here = search(images, classes, **options)
    beside = search(images, classes, each=partial(side_by_side, workers=2), **options)
    assert here == beside
