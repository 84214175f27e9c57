"""Cut, copy, freeze: what the treatments of Yosinski et al. 2014 (Figure 1) do to a network of named layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import InputError

_DROPOUT = (nn.Dropout, nn.Dropout2d, nn.AlphaDropout)


def check_cut(net: nn.Sequential, n: int) -> int:
    """``n`` if it is a cut of ``net`` (0..number of layers); raises InputError otherwise."""
    if isinstance(n, bool) or not isinstance(n, int) or not 0 <= n <= len(net):
        raise InputError(f"n = {n!r} is not a cut of this network; give a whole number in 0..{len(net)}.")
    return n


@torch.no_grad()
def copy_prefix(donor: nn.Sequential, net: nn.Sequential, n: int) -> None:
    """Copy parameters and buffers of layers 1..``n`` of ``donor`` into ``net``, in place.

    Raises InputError when ``n`` is no cut or a layer has another shape in the donor.
    """
    for (name, source), target in zip(list(donor.named_children())[: check_cut(net, n)], net, strict=False):
        theirs, ours = source.state_dict(), target.state_dict()
        shapes = {key: tuple(value.shape) for key, value in theirs.items()}
        wanted = {key: tuple(value.shape) for key, value in ours.items()}
        if shapes != wanted:
            raise InputError(
                f"layer {name} of the donor has shapes {shapes}, the network needs {wanted};"
                " build both from the same network specification and image size."
            )
        target.load_state_dict(theirs)


def freeze(net: nn.Sequential, n: int) -> None:
    """Layers 1..``n`` get no gradient; all others do."""
    check_cut(net, n)
    for index, layer in enumerate(net):
        layer.requires_grad_(index >= n)


def train_mode(net: nn.Sequential, frozen: int) -> None:
    """Training mode above the cut; layers 1..``frozen`` in eval mode, so that batch-norm statistics stand still.

    Dropout stays on everywhere: in the paper a frozen FC layer has learning rate 0 but still drops its units.
    """
    net.train()
    for layer in net[: check_cut(net, frozen)]:
        layer.eval()
        for part in layer.modules():
            if isinstance(part, _DROPOUT):
                part.train()


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """A copy of all parameters and buffers, on the CPU and contiguous, ready for safetensors."""
    return {name: value.detach().cpu().contiguous().clone() for name, value in net.state_dict().items()}


def parameter_counts(net: nn.Sequential) -> dict[str, int]:
    """Number of parameters per named layer."""
    return {name: sum(p.numel() for p in layer.parameters()) for name, layer in net.named_children()}
