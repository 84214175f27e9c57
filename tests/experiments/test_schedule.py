"""Networks are given to workers in order, none before its donor is there."""

from itertools import pairwise

import pytest

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.schedule import makespan, schedule, shortest

HOURS = {"A": 4.0, "B": 4.0, "AnB": 3.0, "BnB": 2.0, "BnA": 1.0}
DONORS = {"AnB": "A", "BnB": "B", "BnA": "B"}
ORDER = list(HOURS)


@pytest.mark.parametrize(("workers", "hours"), [(1, 14.0), (2, 7.0), (5, 7.0)])
def test_how_long_it_takes_with_more_workers(workers, hours):
    assert makespan(schedule(HOURS, DONORS, ORDER, workers=workers)) == hours


def test_nothing_begins_before_its_donor_has_ended_and_no_worker_does_two_at_once():
    for workers in (1, 2, 3, 5):
        slots = schedule(HOURS, DONORS, ORDER, workers=workers)
        ends = {slot.key: slot.end for slot in slots}
        assert sorted(ends) == sorted(ORDER)
        assert all(slot.begin >= ends[DONORS[slot.key]] for slot in slots if slot.key in DONORS)
        for worker in range(workers):
            mine = sorted((slot for slot in slots if slot.worker == worker), key=lambda slot: slot.begin)
            assert all(one.end <= other.begin for one, other in pairwise(mine))


def test_no_number_of_workers_beats_the_longest_chain():
    assert shortest(HOURS, DONORS) == 7.0
    assert makespan(schedule(HOURS, DONORS, ORDER, workers=50)) == 7.0


def test_a_donor_that_is_done_keeps_nobody_waiting():
    slots = schedule({"AnB": 3.0}, {"AnB": "done before"}, ["AnB"], workers=2)
    assert makespan(slots) == 3.0


@pytest.mark.parametrize(("donors", "workers"), [({}, 0), ({"A": "B", "B": "A"}, 2)])
def test_no_worker_and_donors_in_a_circle_are_refused(donors, workers):
    with pytest.raises(InputError, match=r"workers = 0|wait for each other"):
        schedule({"A": 1.0, "B": 1.0}, donors, ["A", "B"], workers=workers)
