"""Networks that share a donor's frozen layers learn side by side, and each becomes what it would have become alone."""

import pytest
import torch
from made_images import stripes

from fctransfer_utils.models import NetSpec, build, copy_layers, state_of
from fctransfer_utils.training import Execution, Recipe, train, train_crew

RECIPE = Recipe(epochs=2, batch_size=20, learning_rate=0.01, crop_padding=2)
CUTS = (1, 3, 5, 7)


def options(recipe=RECIPE, precision="float32", layout=False):
    execution = Execution("cpu", precision, layout)
    return {"recipe": recipe, "seed": 3, "flip": True, "mean": (0.4,) * 3, "std": (0.25,) * 3, "execution": execution}


def copies(cuts=CUTS, **of_net):
    """Networks with the first layers of one donor."""
    spec = NetSpec(**{"width": 12, "dropout": 0.3, **of_net})
    donor, made = build(spec, classes=4, image_size=32, seed=9), []
    for cut in cuts:
        made.append(build(spec, classes=4, image_size=32, seed=1))
        copy_layers(donor, made[-1], range(1, cut + 1))
    return made


def outcome(net, result):
    return state_of(net), [(point.train_loss, point.test_loss, point.test_top1) for point in result.curve]


def alone(net, cut, **changes):
    return outcome(net, train(net, stripes(), stripes(seed=1), frozen=cut, **options(**changes)))


def together(nets, cuts=CUTS, **changes):
    results = train_crew(nets, stripes(), stripes(seed=1), frozen=cuts, **options(**changes))
    return [outcome(net, result) for net, result in zip(nets, results, strict=True)]


def same(one, other):
    return one[1] == other[1] and all(torch.equal(one[0][name], other[0][name]) for name in one[0])


@pytest.mark.parametrize("changes", [{}, {"precision": "bfloat16"}, {"layout": True}])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_crew_gives_bit_for_bit_what_each_network_gets_alone(changes, batch_norm):
    found = together(copies(batch_norm=batch_norm), **changes)
    for net, cut, mine in zip(copies(batch_norm=batch_norm), CUTS, found, strict=True):
        assert same(alone(net, cut, **changes), mine)
    assert not same(found[0], found[1])


def test_the_order_and_the_size_of_the_crew_change_nothing():
    few, many = together(copies((5, 1)), (5, 1)), together(copies())
    assert same(few[0], many[CUTS.index(5)])
    assert same(few[1], many[CUTS.index(1)])


def test_a_donor_is_run_once_for_all():
    nets, calls = copies(), []
    for net in nets:
        net.conv1.register_forward_hook(lambda *_: calls.append(1))
    together(nets)
    assert len(calls) == 2 * (5 + 1)  # epochs x (batches of 96 images, and one of the test images)


def test_without_augmentation_they_learn_as_alone_too():
    still = Recipe(epochs=1, batch_size=24, learning_rate=0.01, crop_padding=0)  # 96 images: all batches are full
    nets = copies()
    results = train_crew(nets, stripes(), stripes(seed=1), frozen=CUTS, **{**options(still), "flip": False})
    for net, cut, other, result in zip(copies(), CUTS, nets, results, strict=True):
        lone = train(net, stripes(), stripes(seed=1), frozen=cut, **{**options(still), "flip": False})
        assert same(outcome(net, lone), outcome(other, result))


def test_one_that_diverges_ends_alone():
    nets = copies()
    with torch.no_grad():
        nets[1].fc8.linear.weight.fill_(float("nan"))
    results = train_crew(nets, stripes(), stripes(seed=1), frozen=CUTS, **options())
    assert [result.diverged for result in results] == [False, True, False, False]
    assert [len(result.curve) for result in results] == [2, 1, 2, 2]
    for place in (0, 2, 3):
        assert same(alone(copies()[place], CUTS[place]), outcome(nets[place], results[place]))
