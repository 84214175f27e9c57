"""A network cut, its layers copied into another and frozen. Layers count from 1; "n" means layers 1..n.

Any ``nn.Sequential`` of layers will do: those of ``models.alexnet``, or another network as ``models.layers`` gives it.
"""

from __future__ import annotations

from torch import nn


def cut(net: nn.Sequential, n: int) -> tuple[nn.Sequential, nn.Sequential]:
    """The first ``n`` layers of ``net`` and the others. Both share their weights with ``net``."""
    if not 0 <= n <= len(net):
        raise ValueError(f"there is no cut at n = {n} in a network of {len(net)} layers; choose n from 0 to {len(net)}")
    return net[:n], net[n:]


def transplant(donor: nn.Sequential, net: nn.Sequential, n: int) -> None:
    """Copy layers 1..n of ``donor`` into ``net``, with their batch-norm statistics."""
    cut(net, n)[0].load_state_dict(cut(donor, n)[0].state_dict())


def freeze(net: nn.Sequential, n: int) -> None:
    """Layers 1..n stand still from now on, the others learn."""
    below, above = cut(net, n)
    below.requires_grad_(False)
    above.requires_grad_(True)


def freeze_batch_norm(net: nn.Module) -> None:
    """Batch norm keeps its weights, and so its statistics (``train_mode``)."""
    for part in net.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.requires_grad_(False)


def learning(net: nn.Module) -> list[nn.Parameter]:
    """What an optimiser may hold. A frozen parameter in it would still be moved by momentum and weight decay."""
    return [parameter for parameter in net.parameters() if parameter.requires_grad]


def train_mode(net: nn.Sequential) -> None:
    """Training mode, in which batch norm of a frozen layer keeps its statistics.

    Dropout stays on in frozen layers too, as in the paper, where frozen means a learning rate of 0.
    """
    net.train()
    for layer in net:
        for part in layer.modules():
            if getattr(part, "running_mean", None) is not None and not learning(
                part if len([*part.parameters()]) else layer
            ):
                part.eval()


def frozen_layers(net: nn.Sequential) -> int:
    """How many first layers stand still: the n of the cut below which nothing learns."""
    for number, layer in enumerate(net):
        if learning(layer):
            return number
    return len(net)
