"""The signal behind every cut, whatever its shape, as rows of features."""

import pytest
import torch
import torch.nn.functional as F
from made_families import family
from made_stripes import network, stripes
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.errors import InputError
from fctransfer_utils.models.layers import blocks
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
def test_maps_are_averaged_and_vectors_stay(pool, monkeypatch):
    monkeypatch.setattr(Images, "at_once", 4)
    net = network(dropout=0.5).train()
    signals = by_hand(network(dropout=0.5))
    found = features(net, IMAGES, cuts=None if pool == 1 else [1, 2, 3, 4, 5, 8], pool=pool)
    assert list(found) == (list(range(1, 9)) if pool == 1 else [1, 2, 3, 4, 5, 8])
    for n, values in found.items():
        assert values.dtype == torch.float32
        assert not values.requires_grad
        expected = F.adaptive_avg_pool2d(signals[n], pool).flatten(1) if n <= 5 else signals[n]
        torch.testing.assert_close(values, expected)
    torch.testing.assert_close(found[1][:, : pool**2].mean(1), signals[1][:, 0].mean((1, 2)))  # channel by channel


def test_large_images_are_shown_in_batches_of_as_many_numbers_as_small_ones():
    """Evaluation at 200 images of 128 pixels at once took 700 MB where training takes 100."""
    shown = {size: Images(torch.zeros(1, 3, size, size), torch.zeros(1), ("a",)).at_once for size in (64, 96, 128, 160)}
    numbers = [count * 3 * size**2 for size, count in shown.items()]
    assert max(numbers) < 1.1 * min(numbers)
    assert Images(torch.zeros(0, 3, 9000, 12000), torch.zeros(0), ("a",)).at_once >= 1


class Tokens(nn.Module):
    """Patches of 4 x 4 pixels as tokens (N, prefix + 16, 48), those of ``prefix`` in front."""

    def __init__(self, prefix):
        super().__init__()
        self.prefix = nn.Parameter(torch.arange(prefix)[None, :, None].expand(1, prefix, 48) + 100.0)

    def forward(self, x):
        patches = F.pixel_unshuffle(x, 4).flatten(2).movedim(2, 1)
        return torch.cat([self.prefix.expand(len(x), -1, -1), patches], 1)


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_of_tokens_the_class_token_comes_first_and_then_the_average_of_the_places(prefix):
    net = nn.Sequential(Tokens(prefix), nn.Identity())
    for layer in net:
        layer.num_prefix_tokens = prefix
    maps = F.pixel_unshuffle(IMAGES.normalise(IMAGES.pixels), 4)
    for pool in (1, 2):
        found = features(net, IMAGES, pool=pool)[2]
        if prefix:
            assert (found[:, :48] == 100).all()
        torch.testing.assert_close(found[:, 48 * min(prefix, 1) :], F.adaptive_avg_pool2d(maps, pool).flatten(1))


@pytest.mark.parametrize(("name", "prefix"), [("torchvision VisionTransformer", 1), ("timm VisionTransformer", 3)])
def test_the_tokens_of_a_known_network_are_known(name, prefix):
    net, size = family(name)
    net, images = blocks(net), stripes(4, size=size)
    tokens = by_hand(net, images)[2]
    expected = torch.cat([tokens[:, 0], tokens[:, prefix:].mean(1)], 1)
    torch.testing.assert_close(features(net, images, cuts=[2])[2], expected)


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
