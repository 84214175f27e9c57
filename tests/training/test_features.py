"""The signal behind every cut, whatever its shape, as rows of features."""

import pytest
import torch
import torch.nn.functional as F
from made_stripes import network, stripes
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.training.features import features

IMAGES = stripes(10)


def by_hand(net, images=IMAGES):
    """The raw signal behind each layer."""
    signal, found = images.normalise(images.pixels), {}
    with torch.no_grad():
        for n, layer in enumerate(net.eval(), start=1):
            signal = layer(signal)
            found[n] = signal.clone()
    return found


@pytest.mark.parametrize("pool", [1, 2])
def test_maps_are_averaged_and_vectors_stay(pool):
    net = network(dropout=0.5).train()
    signals = by_hand(network(dropout=0.5))
    found = features(net, IMAGES, cuts=None if pool == 1 else [1, 2, 3, 4, 5, 8], pool=pool, batch_size=4)
    assert list(found) == (list(range(1, 9)) if pool == 1 else [1, 2, 3, 4, 5, 8])
    for n, values in found.items():
        assert values.dtype == torch.float32
        assert not values.requires_grad
        expected = F.adaptive_avg_pool2d(signals[n], pool).flatten(1) if n <= 5 else signals[n]
        torch.testing.assert_close(values, expected)
    torch.testing.assert_close(found[1][:, : pool**2].mean(1), signals[1][:, 0].mean((1, 2)))  # channel by channel


class Tokens(nn.Module):
    """Patches of 4 x 4 pixels as tokens (N, prefix + 16, 48), those of ``prefix`` in front."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = nn.Parameter(torch.arange(prefix)[None, :, None].expand(1, prefix, 48) + 100.0)

    def forward(self, x):
        patches = F.pixel_unshuffle(x, 4).flatten(2).movedim(2, 1)
        return torch.cat([self.prefix.expand(len(x), -1, -1), patches], 1)


@pytest.mark.parametrize(("prefix", "said"), [(0, None), (1, None), (0, 0), (1, 1), (5, 5)])
def test_of_tokens_the_class_token_comes_first_and_then_the_average_of_the_places(prefix, said):
    net = nn.Sequential(Tokens(prefix), nn.Identity())
    if said is not None:
        net.num_prefix_tokens = said
    maps = F.pixel_unshuffle(IMAGES.normalise(IMAGES.pixels), 4)
    for pool in (1, 2):
        found = features(net, IMAGES, pool=pool)[2]
        if prefix:
            assert (found[:, :48] == 100).all()
        torch.testing.assert_close(found[:, 48 * min(prefix, 1) :], F.adaptive_avg_pool2d(maps, pool).flatten(1))


def test_tokens_that_may_be_anything_are_asked_about():
    with pytest.raises(InputError, match="21 tokens behind layer 1.*num_prefix_tokens"):
        features(nn.Sequential(Tokens(5)), IMAGES)


class ChannelsLast(nn.Module):
    def forward(self, x):
        return x.movedim(1, 3)


@pytest.mark.parametrize("said", [False, True])
def test_maps_whose_channels_are_last_give_the_same_features(said):
    conv = nn.Conv2d(3, 16 if said else 5, 1)  # as many channels as places a side: only a word tells them apart
    first, last = nn.Sequential(conv), nn.Sequential(nn.Sequential(conv, ChannelsLast()))
    if said:
        last[0].output_fmt = "NHWC"
    assert torch.equal(features(first, IMAGES, pool=2)[1], features(last, IMAGES, pool=2)[1])


def test_a_layer_that_works_in_place_does_not_change_what_was_taken_before_it():
    net = nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(768, 4)), nn.ReLU(inplace=True))
    found = features(net, IMAGES)
    assert found[1].min() < 0 <= found[2].min()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"pool": 4}, "behind layer 5 has 2 x 2 places"),
        ({"cuts": [0, 3]}, "from 1 to 8"),
        ({"cuts": [9]}, "from 1 to 8"),
        ({"cuts": []}, "from 1 to 8"),
        ({"pool": 0}, "pool = 0"),
    ],
    ids=str,
)
def test_what_cannot_be_taken_gets_one_error(options, said):
    with pytest.raises(InputError, match=said):
        features(network(), IMAGES, **options)
