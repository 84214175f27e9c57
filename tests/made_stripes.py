"""Small images whose class is the direction of their stripes, and small networks for them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.models.alexnet import build
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.models.surgery import freeze, transplant

torch.set_num_threads(1)


def stripes(count: int = 96, *, size: int = 16, seed: int = 0) -> Images:
    """``count`` images of 4 classes; ``seed`` draws phase and noise."""
    chance = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    turn = (labels * math.pi / 4)[:, None, None]
    phase = 6 * torch.rand(count, 1, 1, generator=chance)
    waves = torch.sin(rows * turn.cos() + columns * turn.sin() + phase)
    noise = 20 * torch.randn(count, 3, size, size, generator=chance)
    pixels = (128 + 60 * waves[:, None] + noise).clamp(0, 255).to(torch.uint8)
    return Images(pixels, labels, ("a", "b", "c", "d"), flip=False).measured()


def network(*, seed: int = 0, dropout: float = 0.3, **of_spec: object) -> nn.Sequential:
    """The eight layers at a sixteenth of the paper's width."""
    return build(NetSpec(width=6, dropout=dropout, **of_spec), classes=4, size=16, seed=seed)


def transplanted(n: int) -> nn.Sequential:
    """A network whose layers 1..n come from one donor and stand still."""
    net = network(seed=1)
    transplant(network(seed=9), net, n)
    freeze(net, n)
    return net


def with_batch_norm(frozen: int = 0) -> nn.Sequential:
    """Four layers, two of them with batch norm."""
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        nn.Sequential(nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Dropout(0.2)),
        nn.Sequential(nn.Flatten(), nn.Linear(294, 8), nn.BatchNorm1d(8), nn.ReLU()),
        nn.Sequential(nn.Linear(8, 4)),
    )
    freeze(net, frozen)
    return net


def state(net: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers."""
    return {name: values.detach().clone() for name, values in net.state_dict().items()}


def same_state(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether two states are bit-equal."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
