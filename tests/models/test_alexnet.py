"""The eight-layer networks: the papers' sizes, what a head is, and weights that depend on their seed alone."""

import pytest
import torch
from made_families import batch, family
from made_stripes import same_state, state
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models.alexnet import build, caffenet, mini, redraw
from fctransfer_utils.models.heads import head_layers
from fctransfer_utils.models.layers import blocks
from fctransfer_utils.models.spec import NetSpec


def count(net):
    return sum(values.numel() for values in net.parameters())


def outputs(net):
    return [next(p.weight.shape[0] for p in layer.modules() if isinstance(p, nn.Conv2d | nn.Linear)) for layer in net]


def weights(layer):
    return next(part.weight for part in layer.modules() if isinstance(part, nn.Conv2d | nn.Linear))


def test_caffenet_has_the_published_size_and_maps():
    with torch.device("meta"):
        net = caffenet()
        signal, sides = torch.empty(2, 3, 227, 227), []
        for layer in net[:5]:
            signal = layer(signal)
            sides.append(signal.shape[-1])
    assert count(net) == 60_965_224
    assert sides == [27, 13, 13, 13, 6]
    assert outputs(net) == [96, 256, 384, 384, 256, 4096, 4096, 1000]


def test_a_small_network_keeps_the_papers_proportions():
    with torch.device("meta"):
        assert outputs(mini(NetSpec(width=96), classes=1000, size=227)) == outputs(caffenet())
    assert outputs(build(NetSpec(width=12), classes=7, size=32)) == [12, 32, 48, 48, 32, 512, 512, 7]


@pytest.mark.parametrize("size", [16, 31, 32, 63, 64, 75, 96])
@pytest.mark.parametrize(
    "spec",
    [NetSpec(width=6), *(NetSpec(kind="map", width=6, head=head) for head in ("fc", "gap", "gap_fc"))],
    ids=["mini", "map fc", "map gap", "map gap_fc"],
)
def test_every_size_of_image_gives_scores(spec, size):
    assert build(spec, classes=4, size=size).eval()(batch(size, count=2)).shape == (2, 4)


def test_caffenet_takes_the_smallest_image_that_it_says_and_none_smaller():
    spec = NetSpec(kind="caffenet")
    with pytest.raises(InputError, match="at least") as caught:
        build(spec, classes=2, size=20)
    smallest = int(str(caught.value).split("at least ")[1].split()[0])
    trunk = caffenet(classes=2, size=smallest)[:4]
    with torch.no_grad():
        assert trunk(torch.zeros(1, 3, smallest, smallest)).shape[-1] == 3
        assert trunk(torch.zeros(1, 3, smallest - 1, smallest - 1)).shape[-1] < 3


def test_a_global_average_needs_no_hidden_layers_and_fewer_parameters_on_the_same_draw_of_the_trunk():
    spec = {head: NetSpec(kind="map", width=12, head=head) for head in ("fc", "gap", "gap_fc")}
    nets = {head: build(each, classes=10, size=32, seed=2) for head, each in spec.items()}
    assert [len(net) for net in nets.values()] == [8, 6, 8]
    for net in nets.values():
        assert all(map(torch.equal, net[:5].parameters(), nets["fc"][:5].parameters()))
    assert count(nets["gap"][5:]) == 32 * 10 + 10
    assert count(nets["fc"]) > count(nets["gap_fc"]) > count(nets["gap"])


@torch.no_grad()
def test_a_flattening_head_knows_places_and_an_averaging_one_does_not():
    maps = torch.randn(2, 8, 4, 4)
    moved = maps.flip(3)
    for kind, same in (("flat", False), ("fc", False), ("gap", True), ("gap_fc", True)):
        head = nn.Sequential(head_layers(kind, channels=8, side=4, classes=3, hidden=16)).eval()
        assert torch.allclose(head(maps), head(moved), atol=1e-6) == same


def test_weights_depend_on_the_seed_and_on_their_layer_alone():
    spec = NetSpec(width=6)
    first, other = (build(spec, classes=3, size=16, seed=seed) for seed in (0, 1))
    torch.manual_seed(5)  # the random numbers of others
    assert same_state(build(spec, classes=3, size=16).state_dict(), first.state_dict())
    assert not any(torch.equal(weights(one), weights(two)) for one, two in zip(first, other, strict=True))
    redraw(other, [3, 7], seed=0)  # alone, or with all the others: the same draw
    drawn = [n for n in range(1, 9) if torch.equal(weights(other[n - 1]), weights(first[n - 1]))]
    assert drawn == [3, 7]


def test_initialisations_have_the_spread_that_their_authors_state():
    """He et al. 2015: variance 2 / inputs. Yosinski et al.: 0.01 and 0.005. torch: uniform within 1 / sqrt(inputs)."""
    nets = {init: build(NetSpec(width=24, init=init), classes=20, size=32) for init in ("he", "gaussian", "torch")}
    for place, layer in enumerate(nets["he"][:-1]):
        inputs = weights(layer)[0].numel()
        spread = {
            "he": (2 / inputs) ** 0.5,
            "gaussian": 0.005 if place in (5, 6) else 0.01,
            "torch": (3 * inputs) ** -0.5,
        }
        for init, net in nets.items():
            assert weights(net[place]).std().item() == pytest.approx(spread[init], rel=0.1)
        assert weights(nets["torch"][place]).abs().max() <= inputs**-0.5
    ones = [next(p.bias for p in layer.modules() if hasattr(p, "bias")).unique() for layer in nets["gaussian"]]
    assert [values.item() for values in ones] == [0, 1, 0, 1, 1, 1, 1, 0]


def test_redraw_works_on_blocks_with_norms_and_refuses_what_it_cannot_draw():
    net = blocks(family("torchvision ResNet")[0])
    redraw(net, [2], seed=1)
    norms = [part for part in net[1].modules() if isinstance(part, nn.BatchNorm2d)]
    assert norms
    assert all(part.weight.eq(1).all() and part.running_var.eq(1).all() for part in norms)
    vit = blocks(family("torchvision VisionTransformer")[0])
    before = state(vit)
    with pytest.raises(InputError, match="another seed"):
        redraw(vit, range(1, len(vit) + 1))
    assert same_state(vit.state_dict(), before)


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (NetSpec, {"kind": "alexnet"}, "'alexnet'.*mini"),
        (NetSpec, {"init": "He"}, "'He'.*he"),
        (NetSpec, {"kind": "map", "head": "none"}, "'none'.*gap"),
        (NetSpec, {"head": "gap"}, "map"),
        (NetSpec, {"width": 2}, "width 2"),
        (NetSpec, {"dropout": 1.0}, "dropout 1.0"),
        (NetSpec, {"dropout": -0.1}, "dropout -0.1"),
        (build, {"spec": NetSpec(), "classes": 1, "size": 32}, "1 class"),
        (build, {"spec": NetSpec(), "classes": 3, "size": 8}, "8 pixels"),
        (head_layers, {"kind": "fc", "channels": 4, "side": 1, "classes": 3, "hidden": 8}, "1 x 1"),
        (head_layers, {"kind": "GAP", "channels": 4, "side": 1, "classes": 3, "hidden": 8}, "'GAP'.*gap"),
    ],
)
def test_what_cannot_be_names_the_value(make, options, said):
    with pytest.raises(InputError, match=said):
        make(**options)
