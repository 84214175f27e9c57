"""First gradients: where there are none, why, and what a head sends into the trunk."""

import copy

import pytest
import torch

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.fresh import keep_layers, redraw
from fctransfer_utils.models.heads import HeadSpec, build_head
from fctransfer_utils.training.gradients import first_gradients, first_steps, into_trunk, moved_share
from fctransfer_utils.training.heads import Features
from tests.made_images import stripes

PIXELS = {"mean": (0.5,) * 3, "std": (0.25,) * 3}


def clusters(count=80, size=12):
    stream = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 4
    centres = torch.randn(4, size, generator=stream)
    return Features((centres[labels] + 0.3 * torch.randn(count, size, generator=stream)).relu(), labels)


def run(init, last, steps=30):
    spec = HeadSpec(hidden=(16, 16), init=init, last_init=last)
    head = build_head(spec, features=12, classes=4, seed=0)
    return first_steps(head, clusters(), steps=steps, batch_size=20, learning_rate=0.1)


def test_he_layers_learn_at_once():
    steps = run("he", "small")
    assert steps[-1].loss < 0.3 * steps[0].loss
    assert [step.step for step in steps] == list(range(30))
    assert set(steps[0].norms) == {"fc6", "fc7", "fc8"}


def test_hidden_layers_of_zeros_never_get_a_gradient():
    """Their outputs are 0, so nothing above has an input to learn from, and nothing below gets an error."""
    steps = run("zero", "he")
    assert all(norm == 0 for step in steps for norm in step.norms.values())
    assert steps[-1].loss > 1.38  # ln 4 = 1.386: only the bias of the last layer could move


def test_a_last_layer_of_zeros_gets_a_gradient_and_passes_none_on_at_first():
    first, second = run("he", "zero")[:2]
    assert first.norms["fc8"] > 0
    assert first.norms["fc7"] == first.norms["fc6"] == 0
    assert second.norms["fc6"] > 0
    assert run("he", "zero")[-1].loss < 0.3 * first.loss


def test_first_steps_leave_the_head_as_it_was():
    head = build_head(HeadSpec(hidden=(8,), dropout=0.5), features=12, classes=4, seed=0)
    before = copy.deepcopy(head.state_dict())
    first, again = (first_steps(head, clusters(), steps=3) for _ in range(2))
    assert first == again
    assert all(torch.equal(before[name], value) for name, value in head.state_dict().items())


@pytest.fixture(scope="module")
def donor():
    return build(NetSpec(width=12, dropout=0.2), classes=6, image_size=32, seed=5)


def gradients(donor, last_init):
    net = keep_layers(donor, "fc7", classes=4, image_size=32, last_init=last_init)
    return net, first_gradients(net, stripes(24), kept=7, batch_size=10, **PIXELS)


def test_the_gradient_into_the_trunk_grows_with_the_new_last_layer(donor):
    sizes = [into_trunk(gradients(donor, init)[1]) for init in ("zero", "small", "he")]
    assert sizes[0] == 0
    assert 0 < 20 * sizes[1] < sizes[2]


def test_the_gradient_is_that_of_the_whole_set_in_one_batch(donor):
    net, found = gradients(donor, "he")
    part = stripes(24)
    pixels = (part.images.float() / 255 - 0.5) / 0.25
    torch.nn.functional.cross_entropy(net.eval()(pixels), part.labels).backward()
    by_name = {gradient.layer: gradient for gradient in found}
    assert by_name["conv2"].norm == pytest.approx(net.conv2.conv.weight.grad.norm().item(), rel=1e-3)
    assert by_name["conv2"].relative == by_name["conv2"].norm / by_name["conv2"].weight_norm
    assert [gradient.layer for gradient in found if gradient.new] == ["fc8"]
    assert {name: by_name[name].new for name in ("conv1", "fc7")} == {"conv1": False, "fc7": False}


def test_moving_is_measured_in_shares_of_the_first_length(donor):
    moved = copy.deepcopy(donor)
    assert moved_share(donor, moved) == 0
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter.mul_(1.5)
    assert moved_share(donor, moved) == pytest.approx(0.5, rel=1e-5)
    redraw(moved, ["fc8"])
    with pytest.raises(InputError, match="the two networks have other parameters"):
        moved_share(donor, moved[:5])


def test_nothing_to_look_at_is_said(donor):
    with pytest.raises(InputError, match="0 steps on 80 features"):
        run("he", "small", steps=0)
    with pytest.raises(InputError, match="no images to take a gradient from"):
        first_gradients(donor, stripes(0), kept=5, **PIXELS)
