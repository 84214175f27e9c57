"""Where in an image a network looks: maps of a layer and of a class, and what a gradient says of every place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from ..data.images import Images
from ..errors import InputError
from ..models.surgery import cut
from .features import as_maps

BATCH = 100  # images at a time


def channel_sum(net: nn.Sequential, images: Images, *, n: int, device: str = "cpu") -> Tensor:
    """The sum over the channels of the map behind layer ``n``: (N, h, w), by which SCDA finds the object (Wei 2017)."""
    return torch.cat([_maps(net, n, signal).sum(1).cpu() for signal, _ in _signals(net, images, n, None, device)])


def class_activation(
    net: nn.Sequential, images: Images, *, labels: Tensor | None = None, device: str = "cpu"
) -> Tensor:
    """The class activation map (N, h, w) of each image's class in ``labels``, by default the predicted (Zhou 2016).

    The channels of the last map, weighted by the class's weights in the last layer: its mean over the places is the
    score of the class, less the bias. Raises InputError for a network whose last layer is not global average pooling
    and one linear layer; ``grad_cam`` takes any.
    """
    parts = [part for part in net[-1].modules() if not [*part.children()]]
    pooled = isinstance(parts[0], nn.AdaptiveAvgPool2d) and parts[0].output_size in (1, (1, 1))
    plain = all(isinstance(part, nn.Flatten | nn.Dropout | nn.Identity) for part in parts[1:-1])
    if not (pooled and plain and isinstance(parts[-1], nn.Linear)):
        raise InputError(
            "class activation maps need a last layer of global average pooling and one linear layer; this one has "
            f"{', '.join(type(part).__name__ for part in parts)}. Use grad_cam, which takes any network."
        )
    found = []
    for signal, chosen in _signals(net, images, len(net) - 1, labels, device):
        with torch.no_grad():
            chosen = net[-1](signal).argmax(1) if chosen is None else chosen
            maps = _maps(net, len(net) - 1, signal)
            found.append(torch.einsum("nchw,nc->nhw", maps, parts[-1].weight[chosen].float()).cpu())
    return torch.cat(found)


def grad_cam(
    net: nn.Sequential,
    images: Images,
    *,
    n: int,
    labels: Tensor | None = None,
    rectify: bool = True,
    device: str = "cpu",
) -> Tensor:
    """Grad-CAM (N, h, w): the map behind layer ``n``, its channels weighted by their mean gradient (Selvaraju 2017).

    The gradient is that of the score of each image's class in ``labels``, by default the predicted. ``rectify`` keeps
    what speaks for the class, as the paper does.
    """
    found = []
    for signal, slope in _slopes(net, images, n, labels, class_score, device):
        weights = _maps(net, n, slope).mean((2, 3))
        found.append(torch.einsum("nchw,nc->nhw", _maps(net, n, signal), weights).cpu())
    return torch.cat(found).relu() if rectify else torch.cat(found)


def class_score(scores: Tensor, labels: Tensor) -> Tensor:
    """The sum over the images of the score (N, classes) of each one's class in ``labels`` (N,)."""
    return scores.gather(1, labels[:, None]).sum()


def gradient(
    net: nn.Sequential,
    images: Images,
    *,
    n: int = 0,
    labels: Tensor | None = None,
    value: Callable[[Tensor, Tensor], Tensor] = class_score,
    device: str = "cpu",
) -> Tensor:
    """The gradient of ``value`` for the signal behind layer ``n``, in its shape: at 0 for the normalised image.

    ``value`` takes scores (N, classes) and ``labels`` (N,), by default the predicted classes, and sums over the images.
    At n = 0 with the score this is the saliency of Simonyan 2014; with cross-entropy, what training sends to a layer.
    """
    return torch.cat([slope.cpu() for _, slope in _slopes(net, images, n, labels, value, device)])


def _signals(
    net: nn.Sequential, images: Images, n: int, labels: Tensor | None, device: str
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """The signal behind layer ``n`` and the labels asked about, batch by batch; ``net`` is in evaluation mode."""
    below, _ = cut(net.to(device).eval(), n)
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        with torch.no_grad():
            signal = below(images.normalise(images.pixels[part].to(device)))
        yield signal, None if labels is None else labels[part].to(device)


def _slopes(
    net: nn.Sequential, images: Images, n: int, labels: Tensor | None, value: Callable, device: str
) -> Iterator[tuple[Tensor, Tensor]]:
    """The signal behind layer ``n`` and the gradient of ``value`` for it, batch by batch."""
    for signal, chosen in _signals(net, images, n, labels, device):
        signal.requires_grad_(True)
        with torch.enable_grad():
            scores = cut(net, n)[1](signal.clone()).float()  # a clone: the next layer may work in place
            (slope,) = torch.autograd.grad(value(scores, scores.argmax(1) if chosen is None else chosen), signal)
        yield signal.detach(), slope


def _maps(net: nn.Sequential, n: int, signal: Tensor) -> Tensor:
    if signal.dim() != 4:
        raise InputError(f"layer {n} gives {tuple(signal.shape)}, not maps (N, C, H, W); name a layer that does.")
    return as_maps(net, n, signal).float()
