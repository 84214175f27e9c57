"""Classifiers of timm and torchvision as numbered blocks, on which ``models.surgery`` works as on our own layers."""

from __future__ import annotations

import copy
from bisect import bisect_left
from collections import OrderedDict

import torch
from torch import Tensor, nn

from ..errors import InputError, one_line
from ..seeds import generator
from .families import FAMILIES, Enlarge

LARGEST = 1024  # pixels; beyond it no smallest size of image is looked for


def blocks(net: nn.Module) -> nn.Sequential:
    """``net`` as named blocks that share its weights: the same function of the same images (N, 3, H, W).

    A block is a unit that one would cut behind: the stem, each residual, MBConv, transformer or dense layer, each
    change of resolution, the norm or convolution before the pooling ("norm", "last"), a hidden layer behind it
    ("hidden"), and as the last one pooling and classifier ("head"). VGG and AlexNet have the papers' layers instead:
    conv1_1 or conv1 to fc8. Blocks of convolutional networks and of Swin give maps (N, C, H, W), those of ViT tokens
    (N, T, C). Activations no longer work in place, here and in ``net``: what is taken out of the middle stays what it
    was. Raises InputError for other families, and for subclasses, which may compute something else.
    """
    kind = type(net).__module__.partition(".")[0], type(net).__name__
    if kind not in FAMILIES:
        names = ", ".join(sorted({name for _, name in FAMILIES}))
        raise InputError(
            f"no blocks are known for {'.'.join(kind)}; known are, of timm and torchvision: {names}. "
            "Give one of these, or write the network as an nn.Sequential of layers."
        )
    for part in net.modules():
        if getattr(part, "inplace", False):
            part.inplace = False
    layers = nn.Sequential(OrderedDict(FAMILIES[kind](net))).train(net.training)
    if kind[1] == "VisionTransformer":  # how many first tokens stand for no place: of torchvision's, the class token
        for layer in layers:
            layer.num_prefix_tokens = getattr(net, "num_prefix_tokens", 1)
    return layers


def new_last_layer(net: nn.Module, classes: int, *, seed: int = 0) -> nn.Module:
    """Put a new last layer for ``classes`` classes into ``net``, in place; returns ``net``.

    Weights N(0, 0.001), as Zhang et al. draw it, and biases 0, so that all first scores are near zero.
    """
    if classes < 1:
        raise InputError(f"a last layer of {classes} outputs scores nothing; give 1 or more.")
    name = last_linear(net)
    old = net.get_submodule(name)
    new = nn.Linear(old.in_features, classes, device=old.weight.device, dtype=old.weight.dtype)
    drawn = torch.empty(classes, old.in_features).normal_(0, 0.001, generator=generator(seed, "last layer"))
    with torch.no_grad():
        new.weight.copy_(drawn)
        new.bias.zero_()
    above, _, place = name.rpartition(".")
    setattr(net.get_submodule(above), place, new)
    return net


def last_linear(net: nn.Module) -> str:
    """The name within ``net`` of the linear layer that gives the scores; of blocks, it lies in the last one."""
    linear = [name for name, part in net.named_modules() if isinstance(part, nn.Linear)]
    if not linear or (isinstance(net, nn.Sequential) and linear[-1].split(".")[0] != [*net._modules][-1]):
        raise InputError(f"the end of this {type(net).__name__} holds no linear layer; give a classifier.")
    return linear[-1]


def check_size(net: nn.Sequential, size: int) -> None:
    """Raise InputError if images of ``size`` pixels are too small for ``net``, or not what it was made for.

    Too small: a window exceeds its map, or adaptive pooling makes more places than its map has. torchvision's AlexNet
    and VGG make 36 or 49 equal places of a map of 1 x 1, so fc6 reads each value many times. The error says what fc6
    would read and the smallest size that the network takes.
    """
    trouble = _trouble(shapes := _shapes_only(net), size)
    if not trouble:
        return
    if _trouble(shapes, LARGEST):
        raise InputError(
            f"images of {size} pixels do not fit this network ({trouble}); create it for them: "
            f"create(name, size={size}), or use images of its own size."
        )
    smallest = bisect_left(range(LARGEST), True, key=lambda side: not _trouble(shapes, side))
    raise InputError(f"images of {size} pixels are too small: {trouble}. Give at least {smallest} pixels.")


def _trouble(shapes: nn.Module, size: int) -> str:
    """What is wrong with images of ``size`` pixels, or "": found without numbers, from shapes alone."""
    signal = torch.empty(1, 3, max(size, 0), max(size, 0), device="meta")
    for name, layer in shapes.named_children():
        try:
            signal = layer(signal)
        except InputError as error:
            return f"{name} {error}"
        except Exception as error:  # each library has its own way to say it
            return f"{name}: {one_line(error)}"
        if not signal.numel():
            return f"{name} has no place left on its map"
    return ""


def _shapes_only(net: nn.Module) -> nn.Module:
    """A copy of ``net`` in evaluation mode on the device "meta": shapes without numbers, free of memory and work.

    It raises InputError where adaptive pooling would make more places than its map has.
    """

    def watch(part: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        wanted = part.at_least if isinstance(part, Enlarge) else part.output_size
        wanted, side = wanted if isinstance(wanted, int) else wanted[0], inputs[0].shape[-1]
        if side < wanted:
            raise InputError(f"would read {wanted} x {wanted} places a channel, made of a map of only {side} x {side}")

    known = {id(values): values.detach().to("meta") for values in (*net.parameters(), *net.buffers())}
    shapes = copy.deepcopy(net, known).eval()
    for part in shapes.modules():
        if isinstance(part, nn.AdaptiveAvgPool2d | Enlarge):
            part.register_forward_pre_hook(watch)
    return shapes
