"""Maps of where a network looks: the identities that define them."""

import pytest
import torch
import torch.nn.functional as F
from made_stripes import network, state, stripes
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.training import maps
from fctransfer_utils.training.maps import channel_sum, class_activation, class_score, grad_cam, gradient

IMAGES = stripes(6)


def net_with(head):
    """Its last layer drawn large, so that classes differ."""
    net = network(kind="map", head=head)
    with torch.no_grad():
        for parameter in net.fc8.parameters():
            parameter.normal_(generator=torch.Generator().manual_seed(0))
    return net.eval()


def entering():
    return IMAGES.normalise(IMAGES.pixels)


def test_the_mean_of_a_class_activation_map_is_the_score_without_bias():
    net = net_with("gap")
    bias = net.fc8[-1].bias.detach()
    with torch.no_grad():
        scores = net(entering())
    predicted = class_activation(net, IMAGES)
    assert predicted.shape == (6, 4, 4)
    best, label = scores.max(1)
    torch.testing.assert_close(predicted.mean((1, 2)) + bias[label], best)
    asked = class_activation(net, IMAGES, labels=IMAGES.labels)
    torch.testing.assert_close((asked.mean((1, 2)) + bias[IMAGES.labels]).sum(), class_score(scores, IMAGES.labels))


def test_behind_an_average_grad_cam_is_the_class_activation_map_over_the_places():
    net = net_with("gap")
    for labels in (None, IMAGES.labels):
        expected = class_activation(net, IMAGES, labels=labels) / 16
        torch.testing.assert_close(grad_cam(net, IMAGES, n=5, labels=labels, rectify=False), expected)
        torch.testing.assert_close(grad_cam(net, IMAGES, n=5, labels=labels), expected.relu())


@pytest.mark.parametrize("head", ["fc", "gap_fc"])
def test_hidden_layers_leave_no_class_activation_map_but_a_grad_cam(head):
    net = net_with(head)
    with pytest.raises(InputError, match="Use grad_cam"):
        class_activation(net, IMAGES)
    assert grad_cam(net, IMAGES, n=5).shape == (6, 4, 4)


def test_the_gradient_is_the_slope_of_the_score_by_finite_differences():
    net = net_with("fc").double()
    pixels = torch.randn(2, 3, 16, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    images = type(IMAGES)(pixels, IMAGES.labels[1:3], IMAGES.classes)
    slope = gradient(net, images, labels=images.labels)
    assert slope.shape == pixels.shape
    chance = torch.Generator().manual_seed(1)
    for _ in range(5):
        way = torch.randn(pixels.shape, dtype=torch.float64, generator=chance)
        with torch.no_grad():
            ends = [class_score(net(pixels + step * way), images.labels) for step in (1e-6, -1e-6)]
        assert ((ends[0] - ends[1]) / 2e-6).item() == pytest.approx((slope * way).sum().item(), rel=1e-4)


def test_the_gradient_of_a_loss_at_a_map_moves_the_bias_below_it():
    """The bias of conv5 is added at every place: its gradient is the sum of what passes the ReLU."""
    net = net_with("fc")

    def loss(scores, labels):
        return F.cross_entropy(scores, labels, reduction="sum")

    slope = gradient(net, IMAGES, n=5, labels=IMAGES.labels, value=loss)
    loss(net(entering()), IMAGES.labels).backward()
    with torch.no_grad():
        passed = slope * (net[:5](entering()) > 0)
    torch.testing.assert_close(passed.sum((0, 2, 3)), net.conv5[0].bias.grad, rtol=1e-4, atol=1e-6)


def test_the_sum_of_the_channels_has_the_shape_of_the_map():
    net = net_with("gap")
    with torch.no_grad():
        expected = sum(net[:3](entering()).unbind(1))
    torch.testing.assert_close(channel_sum(net, IMAGES, n=3), expected)
    with pytest.raises(InputError, match="layer 6 gives"):
        channel_sum(net, IMAGES, n=6)


def test_looking_leaves_the_network_as_it_was_and_does_not_depend_on_batches(monkeypatch):
    net = net_with("fc").requires_grad_(False)
    before, whole = state(net), [gradient(net, IMAGES), grad_cam(net, IMAGES, n=4), channel_sum(net, IMAGES, n=2)]
    monkeypatch.setattr(maps, "BATCH", 4)
    parts = [gradient(net, IMAGES), grad_cam(net, IMAGES, n=4), channel_sum(net, IMAGES, n=2)]
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other)
    assert all(torch.equal(values, before[name]) for name, values in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_layer_that_works_in_place_is_no_obstacle():
    plain, in_place = (
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(inplace=each), nn.Sequential(nn.Flatten(), nn.Linear(784, 3)))
        for each in (False, True)
    )
    in_place.load_state_dict(plain.state_dict())
    torch.testing.assert_close(gradient(plain, IMAGES, n=1), gradient(in_place, IMAGES, n=1))
    torch.testing.assert_close(grad_cam(plain, IMAGES, n=1), grad_cam(in_place, IMAGES, n=1))
