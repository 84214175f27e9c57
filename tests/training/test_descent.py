"""Our descent is torch's: the same bits as ``torch.optim.SGD``, without the compiler that the latter imports."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from fctransfer_utils.training.descent import Descent, Group

RATES = (0.1, 0.05, 0.02, 0.02)


def made():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)).to(
        memory_format=torch.channels_last
    )


def backward(net, step):
    stream = torch.Generator().manual_seed(step)
    net(torch.randn(6, 3, 8, 8, generator=stream)).square().mean().backward()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_it_takes_the_steps_of_torch_bit_for_bit(fused, momentum):
    ours, torchs = made(), made()
    decay, share = 0.01, 2.0
    matrices, biases = ([p for p in ours.parameters() if (p.dim() > 1) is many] for many in (True, False))
    descent = Descent([Group(matrices, decay), Group(biases, share=share)], momentum=momentum, fused=fused)
    groups = [
        {"params": [p for p in torchs.parameters() if p.dim() > 1], "weight_decay": decay, "share": 1.0},
        {"params": [p for p in torchs.parameters() if p.dim() <= 1], "weight_decay": 0.0, "share": share},
    ]
    reference = torch.optim.SGD(groups, lr=0.0, momentum=momentum, fused=fused)
    for step, rate in enumerate(RATES):
        backward(ours, step)
        descent.step(rate)
        backward(torchs, step)
        for group in reference.param_groups:
            group["lr"] = rate * group["share"]
        reference.step()
        reference.zero_grad(set_to_none=True)
        for mine, theirs in zip(ours.parameters(), torchs.parameters(), strict=True):
            assert torch.equal(mine, theirs)
    assert all(parameter.grad is None for parameter in ours.parameters())


def test_a_parameter_without_a_gradient_keeps_its_value_and_gets_its_momentum_later():
    here, there = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    descent = Descent([Group([here, there])], momentum=0.5)
    here.square().sum().backward()
    descent.step(0.1)
    assert there.equal(torch.ones(3))
    assert descent.groups[0].momenta[1] is None
    for _ in range(2):
        (here.sum() + there.sum()).backward()
        descent.step(0.1)
    assert torch.allclose(there, torch.ones(3) - 0.1 - 0.1 * 1.5)
    assert torch.allclose(here, torch.ones(3) - 0.2 - 0.1 * 2 - 0.1 * 2)


def test_gradients_from_before_do_not_count():
    here = nn.Parameter(torch.ones(3))
    here.sum().backward()
    descent = Descent([Group([here])], momentum=0.0)
    assert here.grad is None
    here.sum().backward()
    descent.step(0.5)
    assert here.equal(torch.full((3,), 0.5))


def test_an_empty_group_is_left_out():
    assert Descent([Group([])], momentum=0.9).groups == []


TRAINS = """
import sys
import torch
from fctransfer_utils.data.image_set import Labelled
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.training import Execution, Recipe, train
net = build(NetSpec(width=12), classes=2, image_size=32, seed=0)
part = Labelled(torch.zeros(8, 3, 32, 32, dtype=torch.uint8), torch.arange(8) % 2)
train(net, part, part, recipe=Recipe(epochs=1), seed=0, flip=True, mean=(0.5,) * 3, std=(0.5,) * 3,
      execution=Execution())
print([name for name in sys.modules if name.startswith("torch._dynamo")])
"""


def test_a_process_that_trains_does_not_import_the_compiler():
    said = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
