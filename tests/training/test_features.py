"""The activations of named layers: which, in what order and shape, and that looking changes nothing."""

import pytest
import torch
from made_images import stripes

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build, state_of
from fctransfer_utils.training.execution import Execution
from fctransfer_utils.training.features import activations
from fctransfer_utils.training.loop import Pixels

NORM = {"mean": (0.4,) * 3, "std": (0.25,) * 3}


def net(**options):
    return build(NetSpec(width=12, **options), classes=4, image_size=32, seed=0)


def test_they_are_the_outputs_of_the_cut_network():
    model, images = net(), stripes().images[:7]
    found = activations(model, images, layers=("fc7", 2), **NORM, batch_size=3)
    assert list(found) == ["conv2", "fc7"]
    pixels = Pixels.of(NORM["mean"], NORM["std"], Execution())
    with torch.no_grad():
        for name, n in (("conv2", 2), ("fc7", 7)):
            torch.testing.assert_close(found[name], model.eval()[:n](pixels(images)).flatten(1))


def test_maps_can_be_pooled_to_bound_their_size():
    whole, pooled = (activations(net(), stripes().images[:2], layers=[1, 8], pool=k, **NORM) for k in (0, 2))
    assert whole["conv1"].shape == (2, 12 * 16 * 16)
    assert pooled["conv1"].shape == (2, 12 * 4)
    torch.testing.assert_close(whole["conv1"].view(2, 12, 256).mean(2), pooled["conv1"].view(2, 12, 4).mean(2))
    assert torch.equal(whole["fc8"], pooled["fc8"])


def test_looking_changes_neither_weights_nor_statistics_nor_mode():
    model = net(batch_norm=True).train()
    before = state_of(model)
    activations(model, stripes().images[:4], layers=[3], **NORM)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in state_of(model).items())


@pytest.mark.parametrize(
    ("options", "named"),
    [({"layers": ["conv9"]}, "conv9"), ({"layers": [0]}, "0"), ({"layers": []}, "no layer"),
     ({"layers": [1], "pool": -1}, "-1")],
)  # fmt: skip
def test_what_cannot_be_looked_at_is_named(options, named):
    with pytest.raises(InputError, match=named):
        activations(net(), stripes().images[:2], **options, **NORM)
    with pytest.raises(InputError, match="no images"):
        activations(net(), stripes().images[:0], layers=[1], **NORM)
