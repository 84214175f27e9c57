"""Maps of the last convolution: what they are, whose class they speak for, and what a first gradient looks like."""

import copy

import pytest
import torch

from fctransfer_utils.analysis.concentration import spatial_entropy
from fctransfer_utils.data.image_set import Labelled
from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.training.execution import Execution
from fctransfer_utils.training.loop import Pixels
from fctransfer_utils.training.maps import (
    averages_last,
    class_activation_maps,
    first_gradient,
    gradient_class_maps,
    last_maps,
    new_last,
)
from tests.made_images import stripes

PIXELS = {"mean": (0.4,) * 3, "std": (0.25,) * 3}
ARMS = "ABCDE"


def arm(name, classes=5):
    return build(NetSpec(name="alexnet_map", width=12, arm=name), classes=classes, image_size=32, seed=3).eval()


@pytest.fixture(scope="module")
def nets():
    return {name: arm(name) for name in ARMS}


@pytest.fixture(scope="module")
def images():
    return stripes().images[:6]


def entering(images):
    return Pixels.of(PIXELS["mean"], PIXELS["std"], Execution())(images)


@pytest.mark.parametrize("name", ARMS)
def test_the_last_maps_are_rectified_and_eight_cells_a_side(nets, images, name):
    found = last_maps(nets[name], images, **PIXELS, batch_size=4)
    assert found.shape == (6, 96, 8, 8)
    assert found.dtype == torch.float32
    assert found.min() >= 0
    with torch.no_grad():
        torch.testing.assert_close(found, nets[name][:5](entering(images)))


def test_a_layer_without_maps_is_refused(nets, images):
    with pytest.raises(InputError, match="fc6 gives vectors"):
        last_maps(nets["B"], images, layer="fc6", **PIXELS)
    with pytest.raises(InputError, match="conv9"):
        last_maps(nets["B"], images, layer="conv9", **PIXELS)


@pytest.mark.parametrize("name", ["A", "E"])
def test_the_mean_of_a_class_activation_map_is_the_score_of_the_predicted_class(nets, images, name):
    net = copy.deepcopy(nets[name])
    net[-1].linear.weight.data.normal_(generator=torch.Generator().manual_seed(0))
    net[-1].linear.bias.data.normal_(generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores, classes = net(entering(images)).max(1)
    found = class_activation_maps(net, images, **PIXELS)
    assert found.shape == (6, 8, 8)
    torch.testing.assert_close(found.mean((1, 2)) + net[-1].linear.bias[classes].detach(), scores)


@pytest.mark.parametrize("name", ["B", "C", "D"])
def test_hidden_layers_or_places_leave_no_class_activation_map(nets, images, name):
    assert not averages_last(nets[name])
    with pytest.raises(InputError, match="need the last layer right behind an average"):
        class_activation_maps(nets[name], images, **PIXELS)


def test_by_gradients_arm_a_has_its_class_activation_map(nets, images):
    by_gradient = gradient_class_maps(nets["A"], images, **PIXELS, batch_size=4)
    torch.testing.assert_close(64 * by_gradient, class_activation_maps(nets["A"], images, **PIXELS))


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_has_a_map_by_gradients(nets, images, name):
    found = gradient_class_maps(nets[name], images, **PIXELS)
    assert found.shape == (6, 8, 8)
    assert torch.isfinite(found).all()
    assert not found.requires_grad
    assert (found.flatten(1).std(1) > 0).all()


def target(count=6, classes=3):
    return Labelled(stripes().images[:count], torch.arange(count) % classes)


def gradient(net, **options):
    return first_gradient(net, target(), classes=3, seed=0, **PIXELS, **options)


def test_an_average_sends_the_same_gradient_to_every_place(nets):
    """d loss / d map is the weights' answer to the error, divided by the number of places: flat by construction."""
    output = gradient(nets["A"]).output
    torch.testing.assert_close(output, output.mean((2, 3), keepdim=True).expand_as(output))
    assert spatial_entropy(output.abs().sum(1).numpy()) == pytest.approx(1, abs=1e-6)


def test_max_pooling_sends_it_to_one_place_of_four(nets):
    output = gradient(nets["D"]).output
    windows = (output != 0).unfold(2, 2, 2).unfold(3, 2, 2).sum((-1, -2))
    assert windows.max() == 1


@pytest.mark.parametrize("name", ARMS)
def test_what_passes_the_relu_is_zero_where_the_map_is(nets, images, name):
    found = gradient(nets[name])
    maps = last_maps(nets[name], target().images, **PIXELS)
    assert (found.behind_relu[maps == 0] == 0).all()
    assert torch.equal(found.behind_relu[maps > 0], found.output[maps > 0])
    assert found.behind_relu.abs().sum() > 0


def test_it_is_the_gradient_of_the_network_with_that_last_layer(nets):
    """The bias of conv5 is added at every place, so its gradient is the sum of what passes the ReLU."""
    net = new_last(nets["B"], classes=3, seed=0)
    assert net[-1].linear.weight.std().item() == pytest.approx(0.001, rel=0.15)
    torch.nn.functional.cross_entropy(net(entering(target().images)), target().labels, reduction="sum").backward()
    found = gradient(nets["B"], batch_size=4).behind_relu
    torch.testing.assert_close(found.sum((0, 2, 3)), net.conv5.conv.bias.grad, rtol=1e-4, atol=1e-9)


def test_looking_leaves_the_network_as_it_was(nets):
    net = nets["C"]
    before = state_of(net)
    first, again = gradient(net), gradient(net)
    assert torch.equal(first.output, again.output)
    assert all(torch.equal(before[name], value) for name, value in state_of(net).items())
    assert all(p.grad is None for p in net.parameters())


def test_labels_that_are_no_classes_and_no_image_are_refused(nets):
    with pytest.raises(InputError, match="labels reach 2, but there are 2 classes"):
        first_gradient(nets["A"], target(), classes=2, seed=0, **PIXELS)
    with pytest.raises(InputError, match="no images"):
        first_gradient(nets["A"], target(count=0), classes=2, seed=0, **PIXELS)
    with pytest.raises(InputError, match="classes = 0"):
        new_last(nets["A"], classes=0, seed=0)
