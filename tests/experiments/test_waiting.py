"""The list of networks to begin: always the first that is ready, with its crew, whatever ends or comes back when."""

import random

import pytest

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.experiments.study import transfer_study
from fctransfer_utils.experiments.waiting import Waiting
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe


@pytest.fixture
def runs():
    made = transfer_study(
        data=DataSpec(), net=NetSpec(width=12), recipe=Recipe(epochs=1, batch_size=16, crop_padding=4), seeds=(0, 1)
    )
    return list(made.runs)


def titles(runs):
    return [run.title for run in runs]


def always(runs):
    return True


class Plainly:
    """The same list, looked through from the beginning every time."""

    def __init__(self, runs):
        self.runs, self.waits, self.done, self.alone = runs, list(runs), set(), set()

    def take(self, allowed):
        for run in self.waits:
            crew = [run]
            if self.ready(run) and self.crew(run) is not None:
                crew = [each for each in self.waits if self.crew(each) == self.crew(run) and self.ready(each)]
            if self.ready(run) and allowed(tuple(crew)):
                self.waits = [each for each in self.waits if each not in crew]
                return tuple(crew)
        return ()

    def ready(self, run):
        return run.donor is None or run.donor.key in self.done

    def crew(self, run):
        return None if run.key in self.alone else run.crew

    def finish(self, runs):
        self.done |= {run.key for run in runs}

    def put_back(self, runs, *, alone=False):
        self.alone |= {run.key for run in runs} if alone else set()
        self.waits = [run for run in self.runs if run in self.waits or run in runs]


@pytest.mark.parametrize("seed", range(8))
def test_it_does_what_looking_through_the_whole_list_does(runs, seed):
    chance = random.Random(seed)
    quick, plain = Waiting(runs), Plainly(runs)
    under_way = []
    while len(quick) or under_way:
        most = chance.choice((1, 3, 99))
        taken = quick.take(lambda crew, most=most: len(crew) <= most)
        assert titles(taken) == titles(plain.take(lambda crew, most=most: len(crew) <= most))
        under_way += [taken] if taken else []
        if under_way and (not taken or chance.random() < 0.5):
            ended = under_way.pop(chance.randrange(len(under_way)))
            if chance.random() < 0.25:
                alone = chance.random() < 0.5
                for each in (quick, plain):
                    each.put_back(ended, alone=alone)
            else:
                for each in (quick, plain):
                    each.finish(ended)
        assert len(quick) == len(plain.waits)
    assert len(plain.done) == len(runs)


def test_nothing_is_begun_before_its_donor_has_ended(runs):
    waiting = Waiting(runs)
    bases = []
    while taken := waiting.take(always):
        bases += taken
    assert {run.treatment for run in bases} == {"base"}
    waiting.finish(bases[:1])
    assert {run.donor.key for run in waiting.take(always)} == {bases[0].key}


def test_a_donor_that_is_not_in_the_list_is_there(runs):
    heirs = [run for run in runs if run.donor]
    assert Waiting(heirs).take(always)[0] == heirs[0]
    assert Waiting(heirs).donors == {run.donor.key for run in heirs}


def test_what_is_not_allowed_waits(runs):
    waiting = Waiting(runs)
    assert waiting.take(lambda _: False) == ()
    assert len(waiting) == len(runs)
    assert waiting.take(always) == (runs[0],)
