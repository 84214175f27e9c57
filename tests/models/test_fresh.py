"""Kept layers are the donor's, new ones are drawn as asked, and what does not fit is one clear error."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.adapters import adapted
from fctransfer_utils.models.fresh import cut_number, fc_layers, keep_layers, redraw
from fctransfer_utils.models.init import DRAWS, deviation, draw_layer, weight_layer


@pytest.fixture(scope="module")
def donor():
    return build(NetSpec(width=12, dropout=0.2), classes=9, image_size=32, seed=3).eval()


def no_fc():
    """All convolutions, global average pooling and one convolution to the classes."""
    layers = OrderedDict(
        conv1=nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 3, padding=1), relu=nn.ReLU())),
        conv2=nn.Sequential(OrderedDict(conv=nn.Conv2d(4, 5, 1), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten())),
    )
    return nn.Sequential(layers)


def weights(net, name):
    return weight_layer(getattr(net, name)).weight


@pytest.mark.parametrize(
    ("cut", "hidden", "names"),
    [
        ("conv5", "none", ["fc8"]),
        ("conv5", "new", ["fc6", "fc7", "fc8"]),
        ("fc6", "none", ["fc8"]),
        ("fc6", "new", ["fc7", "fc8"]),
        ("fc7", "none", ["fc8"]),
        ("conv4", (20, 10), ["new1", "new2", "fc8"]),
    ],
)
def test_layers_up_to_the_cut_are_copies_and_the_rest_is_new(donor, cut, hidden, names):
    net = keep_layers(donor, cut, classes=4, image_size=32, hidden=hidden, seed=1)
    kept = cut_number(donor, cut)
    found = [name for name, _ in net.named_children()]
    assert found[kept:] == names
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.equal(net.eval()[:kept](images), donor[:kept](images))
        assert net(images).shape == (2, 4)
    assert weights(net, "conv1").data_ptr() != weights(donor, "conv1").data_ptr()
    for name in set(names) & {"fc6", "fc7"}:
        assert weights(net, name).shape == weights(donor, name).shape
        assert not torch.equal(weights(net, name), weights(donor, name))
    assert all(parameter.requires_grad for parameter in net.parameters())


def test_old_hidden_layers_keep_their_dropout_and_the_seed_fixes_the_draw(donor):
    first, again, other = (
        keep_layers(donor, 5, classes=4, image_size=32, hidden="new", seed=seed) for seed in (1, 1, 2)
    )
    assert first.fc6.dropout.p == donor.fc6.dropout.p == 0.2
    assert torch.equal(weights(first, "fc6"), weights(again, "fc6"))
    assert not torch.equal(weights(first, "fc6"), weights(other, "fc6"))


@pytest.mark.parametrize("draw", DRAWS)
def test_a_layer_is_drawn_with_the_deviation_of_its_name(draw):
    layer = nn.Linear(300, 500)
    draw_layer(layer, draw, generator=torch.Generator().manual_seed(0))
    wanted = {"he": (2 / 300) ** 0.5, "xavier": (2 / 800) ** 0.5, "gaussian": 0.01, "small": 0.001, "zero": 0.0}[draw]
    assert deviation(draw, fan_in=300, fan_out=500) == wanted
    assert layer.weight.std().item() == pytest.approx(wanted, rel=0.01)
    assert not layer.bias.any()


def test_the_fans_of_a_convolution_count_its_window():
    layer = nn.Conv2d(6, 40, 5)
    draw_layer(layer, "xavier", generator=torch.Generator().manual_seed(0))
    assert layer.weight.std().item() == pytest.approx((2 / (25 * 46)) ** 0.5, rel=0.03)


def test_redrawing_restarts_batch_norm_and_leaves_other_layers():
    net = build(NetSpec(width=12, batch_norm=True), classes=3, image_size=32, seed=0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    net.fc7.norm.running_mean += 5
    redraw(net, ["fc7", "fc8"], init="zero", last_init="zero")
    after = net.state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"fc7", "fc8"}
    assert not weights(net, "fc7").any()
    assert not net.fc7.norm.running_mean.any()


def test_the_same_code_cuts_vgg19_on_meta():
    net = adapted("vgg19", device="meta")
    assert fc_layers(net) == ("fc6", "fc7", "fc8")
    assert (cut_number(net, "conv5_4"), cut_number(net, "fc7")) == (16, 18)


def test_a_small_vgg_keeps_its_hidden_layers_at_any_image_size():
    """torchvision's VGG pools adaptively before fc6, so the old hidden layers fit every image."""
    from torchvision.models import VGG
    from torchvision.models.vgg import make_layers

    from fctransfer_utils.models.adapters import named_layers

    reference = VGG(make_layers([4, "M", 6, "M"]), num_classes=3)
    reference.classifier[0] = nn.Linear(6 * 49, 10)
    reference.classifier[3] = nn.Linear(10, 8)
    reference.classifier[6] = nn.Linear(8, 3)
    donor = named_layers(reference.eval())
    images = torch.zeros(2, 3, 32, 32)
    for cut, hidden in (("conv2_1", "new"), ("conv2_1", (5,)), ("fc6", "none"), ("fc7", "none")):
        net = keep_layers(donor, cut, classes=4, image_size=32, hidden=hidden)
        assert net.eval()(images).shape == (2, 4)


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (
            lambda d: cut_number(no_fc(), "fc7"),
            "no cut 'fc7': this network has no hidden fully connected layer; .*conv1",
        ),
        (lambda d: cut_number(d, "fc8"), "unknown cut 'fc8'; allowed: conv1.*fc7"),
        (lambda d: cut_number(d, 8), "unknown cut 8"),
        (lambda d: cut_number(d, True), "unknown cut True"),
        (
            lambda d: keep_layers(d, 5, classes=2, image_size=64, hidden="new"),
            "from an image of 64 pixels the cut gives 32x8x8 = 2048 features, fc6 takes 512",
        ),
        (lambda d: keep_layers(d, 5, classes=2, image_size=32, hidden="old"), "unknown hidden part of a head 'old'"),
        (lambda d: keep_layers(d, 5, classes=2, image_size=32, hidden=(0,)), "hidden layer of 0 units"),
        (lambda d: keep_layers(d, 5, classes=0, image_size=32), "classes = 0"),
        (lambda d: keep_layers(d, 3, classes=2, image_size=32, hidden="new"), "lie the convolutions conv4, conv5"),
        (lambda d: redraw(d, ["fc9"]), "unknown layer 'fc9'"),
        (lambda d: deviation("lecun", fan_in=1, fan_out=1), "unknown initialisation 'lecun'"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(donor, ask, words):
    with pytest.raises(InputError, match=words):
        ask(donor)


def test_an_image_too_small_for_the_trunk_is_said():
    donor = adapted("alexnet", classes=2, device="meta")
    with pytest.raises(InputError, match="image of 20 pixels"):
        keep_layers(donor, "conv5", classes=2, image_size=20)
