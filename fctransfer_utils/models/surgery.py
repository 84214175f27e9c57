"""Cut, copy, freeze: what the treatments of Yosinski et al. 2014 (Figure 1) do to a network of named layers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import torch
from torch import Tensor, nn

from ..errors import InputError

_DROPOUT = (nn.Dropout, nn.Dropout2d, nn.AlphaDropout)


def check_cut(net: nn.Sequential, n: int) -> int:
    """``n`` if it is a cut of ``net`` (0..number of layers); raises InputError otherwise."""
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= len(net):
        raise InputError(f"n = {n!r} is not a cut of this network; give a whole number in 0..{len(net)}.")
    return n


def layer_numbers(net: nn.Sequential, layers: int | Collection[int]) -> tuple[int, ...]:
    """Layer numbers from 1, ascending; a whole number n stands for 1..n. Raises InputError for what is no layer."""
    if not isinstance(layers, Collection) or isinstance(layers, str):
        return tuple(range(1, check_cut(net, layers) + 1))
    for number in layers:
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= len(net):
            raise InputError(f"layer {number!r} is not in this network; layers are numbered 1..{len(net)}.")
    return tuple(sorted(set(layers)))


def copy_prefix(donor: nn.Sequential, net: nn.Sequential, n: int) -> None:
    """Copy parameters and buffers of layers 1..``n`` of ``donor`` into ``net``, in place.

    Raises InputError when ``n`` is no cut or a layer has another shape in the donor.
    """
    copy_layers(donor, net, range(1, check_cut(net, n) + 1))


@torch.no_grad()
def copy_layers(donor: nn.Sequential, net: nn.Sequential, layers: Iterable[int]) -> None:
    """Copy parameters and buffers of the numbered ``layers`` (from 1) of ``donor`` into ``net``, in place.

    Raises InputError for a number that is no layer, or when a layer has another shape in the donor.
    """
    names = [name for name, _ in donor.named_children()]
    for number in layer_numbers(net, tuple(layers)):
        name, source, target = names[number - 1], donor[number - 1], net[number - 1]
        theirs, ours = source.state_dict(), target.state_dict()
        shapes = {key: tuple(value.shape) for key, value in theirs.items()}
        wanted = {key: tuple(value.shape) for key, value in ours.items()}
        if shapes != wanted:
            raise InputError(
                f"layer {name} of the donor has shapes {shapes}, the network needs {wanted};"
                " build both from the same network specification and image size."
            )
        target.load_state_dict(theirs)


def freeze(net: nn.Sequential, frozen: int | Collection[int]) -> None:
    """The ``frozen`` layers (their numbers, or n for 1..n) get no gradient; all others do."""
    still = layer_numbers(net, frozen)
    for number, layer in enumerate(net, start=1):
        layer.requires_grad_(number not in still)


def train_mode(net: nn.Sequential, frozen: int | Collection[int]) -> None:
    """Training mode; the ``frozen`` layers (numbers, or n for 1..n) in eval mode: batch-norm statistics stand still.

    Dropout stays on everywhere: in the paper a frozen FC layer has learning rate 0 but still drops its units.
    """
    net.train()
    for number in layer_numbers(net, frozen):
        layer = net[number - 1].eval()
        for part in layer.modules():
            if isinstance(part, _DROPOUT):
                part.train()


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers, on the CPU and contiguous, ready for safetensors."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in net.state_dict().items()}


def parameter_counts(net: nn.Sequential) -> dict[str, int]:
    """Number of parameters per named layer."""
    return {name: sum(p.numel() for p in layer.parameters()) for name, layer in net.named_children()}
