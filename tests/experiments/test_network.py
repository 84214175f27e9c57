"""What identifies a network, and which draws networks share."""

import json
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from made_studies import small_profile

from fctransfer_utils.data.spec import DataSpec
from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.network import Classes, Network, agrees, donors_first
from fctransfer_utils.experiments.studies import base, heir
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training.recipe import Recipe

PROFILE = small_profile()
A, B = (base(PROFILE, Classes("random", half, 0, 2), seed=0) for half in "AB")


def test_every_field_is_part_of_what_a_network_is():
    changed = {
        "data": DataSpec("textures"), "classes": Classes("random", "A"), "net": NetSpec(width=6), "seed": 1,
        "recipe": Recipe(epochs=3), "donor": Network(seed=5), "per_class": 4, "held_out": 2, "extra_test": 3,
        "frozen": (1,),
    }  # fmt: skip
    networks = [Network(), *(Network(**{name: value}) for name, value in changed.items())]
    networks += [Network(donor=Network(), copied=(1,)), Network(frozen=(1,), drawn="gaussian")]
    networks += [Network(donor=replace(A, donor=Network(seed=seed))) for seed in (0, 1)]  # a donor with its own donor
    assert len({network.key for network in networks}) == len(networks)
    assert changed.keys() | {"copied", "drawn"} == {field.name for field in fields(Network)}


def test_keys_are_the_same_in_every_process():
    code = (
        "from fctransfer_utils.experiments.network import *\n"
        "print(Network(classes=Classes('random', 'B'), donor=Network(seed=3), copied=(1, 2), frozen=(1, 2)).key)"
    )
    here = Network(classes=Classes("random", "B"), donor=Network(seed=3), copied=(1, 2), frozen=(1, 2)).key
    for seed in "01":
        command = [sys.executable, "-c", code]
        said = subprocess.run(command, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}).stdout
        assert said == here + "\n"


def test_what_starts_from_a_donor_shares_all_draws_and_is_not_trained_on_the_batches_of_its_donor():
    heirs = [heir(B, donor, n, frozen=frozen) for donor in (A, B) for n in (1, 7) for frozen in (True, False)]
    for purpose in ("init", "order"):
        assert len({network.stream(purpose) for network in heirs}) == 1
        assert heirs[0].stream(purpose) not in (A.stream(purpose), B.stream(purpose))
    assert {network.stream("images") for network in heirs} == {B.stream("images")}
    assert A.stream("order") != B.stream("order") != replace(B, seed=1).stream("order")


def test_frozen_copies_of_one_donor_share_a_prefix_and_others_do_not():
    def prefix(donor, n, frozen):
        return heir(B, donor, n, frozen=frozen).shares_prefix

    assert len({prefix(A, n, True) for n in range(1, 8)}) == 1
    assert prefix(A, 3, True) != prefix(B, 3, True)
    assert len({prefix(A, n, False) for n in range(1, 8)}) == 7
    drawn = [replace(B, frozen=tuple(range(1, n + 1)), drawn="he") for n in (1, 4)]
    assert drawn[0].shares_prefix == drawn[1].shares_prefix != replace(drawn[1], drawn="gaussian").shares_prefix
    assert replace(B, frozen=(2,)).shares_prefix != replace(B, frozen=(3,)).shares_prefix
    assert replace(heir(B, A, 3, frozen=True), copied=(1,)).shares_prefix != prefix(A, 3, True)


def test_donors_come_first_and_once():
    middle = heir(B, A, 3, frozen=True)
    last = heir(A, middle, 2, frozen=False)
    order = donors_first([last, middle, A, last])
    assert order == [A, middle, last]


def test_a_description_says_everything_and_agrees_with_one_that_knew_less():
    network = heir(B, A, 3, frozen=True)
    described = network.described()
    assert json.loads(json.dumps(described)) == described
    assert described["donor"]["classes"]["half"] == "A"
    before = json.loads(json.dumps(described))
    del before["extra_test"], before["donor"]["recipe"]["crop"]
    assert agrees(before, described)
    before["donor"]["recipe"]["epochs"] += 1
    assert not agrees(before, described)


@pytest.mark.parametrize(
    ("made", "wrong", "named"),
    [
        (Network, {"copied": (1,)}, "donor"),
        (Network, {"frozen": (2, 1)}, "(2, 1)"),
        (Network, {"frozen": (0,)}, "(0,)"),
        (Network, {"drawn": "he"}, "no effect"),
        (Network, {"drawn": "uniform", "frozen": (1,)}, "'uniform'"),
        (Classes, {"split": "random", "half": "C"}, "'C'"),
    ],
)
def test_what_cannot_be_is_refused(made, wrong, named):
    with pytest.raises(InputError) as error:
        made(**wrong)
    assert named in str(error.value)
