"""Maps of class probabilities over a mosaic: at its own place a picture is judged as by itself."""

import pytest
import torch
from torch import nn

from fctransfer_utils.data.augment import normalise
from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.training.class_maps import class_map_rows, mosaic

NORM = {"mean": (0.5,) * 3, "std": (0.3,) * 3}


def noise(count, side):
    stream = torch.Generator().manual_seed(4)
    return torch.randint(0, 256, (count, 3, side, side), generator=stream, dtype=torch.uint8)


def without_padding():
    """Places 4 pixels apart, windows of 16; nothing is padded."""
    convs = nn.Sequential(nn.Conv2d(3, 6, 5, stride=2), nn.ReLU(), nn.MaxPool2d(2))
    return nn.Sequential(convs, nn.Sequential(nn.Flatten(), nn.Linear(6 * 9, 8)), nn.Sequential(nn.Linear(8, 5)))


def test_a_mosaic_lays_pictures_row_by_row():
    pictures = noise(6, 4)
    whole = mosaic(pictures, columns=3)
    assert whole.shape == (3, 8, 12)
    assert torch.equal(whole[:, 4:, 4:8], pictures[4])
    apart = mosaic(pictures, columns=3, gap=2, ground=(1.0, 0.0, 0.0))
    assert apart.shape == (3, 14, 20)
    assert torch.equal(apart[:, 8:12, 8:12], pictures[4])
    assert apart[:, 6, 3].tolist() == [255, 0, 0]


@pytest.mark.parametrize("gap", [0, 8])
def test_at_its_own_place_a_picture_has_the_probability_that_it_has_by_itself(gap):
    torch.manual_seed(0)
    net, pictures, outputs = without_padding(), noise(4, 16), [0, 1, 2, 3]
    rows = class_map_rows(net, pictures, outputs, columns=2, gap=gap, **NORM)
    pixels = {name: torch.tensor(values) for name, values in NORM.items()}
    with torch.no_grad():
        alone = net(normalise(pictures, **pixels)).softmax(1)
    for tile, output in enumerate(outputs):
        own = next(r for r in rows if r["tile"] == tile and (r["row"], r["column"]) == (r["own_row"], r["own_column"]))
        assert (own["own_row"], own["own_column"]) == tuple((gap + (16 + gap) * n) // 4 for n in divmod(tile, 2))
        assert own["probability"] == pytest.approx(alone[tile, output].item(), rel=1e-4)
        assert own["right_in_map"] == own["right_alone"] == (alone[tile].argmax().item() == output)
        assert (own["stride"], own["window"]) == (4, 16)
    assert len(rows) == 4 * (5 + 3 * gap // 4) ** 2
    assert net.training


def test_our_network_gives_a_place_every_eight_pixels():
    net = build(NetSpec(width=12), classes=5, image_size=32, seed=0).eval()
    rows = class_map_rows(net, noise(9, 32), [0] * 9, columns=3, **NORM)
    assert {row["stride"] for row in rows} == {8}
    assert max(row["row"] for row in rows) == 8
    assert not net.training


def test_pictures_without_a_place_or_a_class_are_refused():
    with pytest.raises(InputError, match="5 pictures do not fill rows of 2"):
        mosaic(noise(5, 4), columns=2)
    with pytest.raises(InputError, match="4 pictures and 1 outputs"):
        class_map_rows(without_padding(), noise(4, 16), [0], columns=2, **NORM)
    with pytest.raises(InputError, match="gaps of 6.*multiples of 4"):
        class_map_rows(without_padding(), noise(1, 16), [0], columns=1, gap=6, **NORM)
    with pytest.raises(InputError, match="gap -1"):
        mosaic(noise(1, 4), columns=1, gap=-1)
    odd = nn.Sequential(nn.Sequential(nn.Conv2d(3, 2, 3, stride=3)), nn.Sequential(nn.Flatten(), nn.Linear(2 * 25, 4)))
    with pytest.raises(InputError, match="3 pixels apart.*16"):
        class_map_rows(odd, noise(1, 16), [0], columns=1, **NORM)
