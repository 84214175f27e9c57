"""Where a network learns, and in which numbers: measured without leaving a trace, and not chosen by noise."""

import copy
import random
import time
import warnings

import pytest
import torch
from made_stripes import same_state, state, stripes, with_batch_norm
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.training.device import Setting, best_device, checked, probe, seeded

BATCH = stripes().normalise(stripes().pixels[:16])


def test_measuring_leaves_no_trace():
    net = with_batch_norm(frozen=1)
    net[1].eval()
    net[3][0].weight.grad = torch.ones_like(net[3][0].weight)
    before, twin, random_before = state(net), copy.deepcopy(net), torch.get_rng_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert probe(net, BATCH, rounds=2).device == "cpu"
    assert same_state(before, state(net))
    assert [p.requires_grad for p in net.parameters()] == [p.requires_grad for p in twin.parameters()]
    assert [p.stride() for p in net.parameters()] == [p.stride() for p in twin.parameters()]
    assert [part.training for part in net.modules()] == [part.training for part in twin.modules()]
    assert torch.equal(net[3][0].weight.grad, torch.ones_like(net[3][0].weight))
    assert sum(p.grad is not None for p in net.parameters()) == 1
    assert torch.equal(random_before, torch.get_rng_state())


def test_a_network_that_only_looks_is_measured_too():
    assert probe(with_batch_norm(frozen=4), BATCH, rounds=1) in (Setting(), Setting(dtype="bfloat16"))


class Clocked(nn.Module):
    """A network whose steps take ``seconds`` of a clock of its own, and ``gain`` times less in bfloat16."""

    def __init__(self, gain, noise, seed):
        super().__init__()
        self.gain, self.noise, self.chance = gain, noise, random.Random(seed)
        self.weight = nn.Parameter(torch.ones(1))

    now = 0.0

    def __deepcopy__(self, memo):
        return self

    def forward(self, batch):
        seconds = 1 / self.gain if torch.is_autocast_enabled("cpu") else 1
        Clocked.now += seconds * (1 + self.noise * self.chance.paretovariate(1.5))  # now and then another is in the way
        return batch[:, :1, 0, 0] * self.weight


@pytest.mark.parametrize(("gain", "least", "most"), [(1.0, 0, 1), (0.5, 0, 0), (3.0, 36, 40)])
def test_bfloat16_is_chosen_for_a_gain_and_not_for_noise(monkeypatch, gain, least, most):
    monkeypatch.setattr(time, "process_time", lambda: Clocked.now)
    chosen = [probe(Clocked(gain, 0.3, seed), BATCH).dtype for seed in range(40)]
    assert least <= chosen.count("bfloat16") <= most


def test_draws_inside_come_from_the_seed_and_those_outside_go_on():
    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    first = torch.rand(2)
    for _ in range(2):
        with seeded(5, "cpu"):
            inside = torch.rand(3)
        assert torch.equal(inside, torch.rand(3, generator=torch.Generator().manual_seed(5)))
    with pytest.raises(RuntimeError), seeded(5, "cpu"):
        raise RuntimeError
    assert torch.equal(torch.cat([first, torch.rand(2)]), expected)


def test_what_this_machine_does_not_have_is_refused():
    assert checked(best_device()) == best_device()
    for device in ("cuda:99", "meta", "toaster"):
        with pytest.raises(InputError, match=device):
            checked(device)
    with pytest.raises(InputError, match="bf16"):
        Setting(dtype="bf16")
