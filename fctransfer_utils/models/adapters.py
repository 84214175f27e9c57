"""torchvision's AlexNet and VGG as a sequence of named layers, so that every cut is the slice ``net[:n]`` for them too.

AlexNet becomes conv1..conv5, fc6..fc8; VGG conv1_1..conv5_3 (conv5_4 for VGG-19) and fc6..fc8, the names of the papers.
torchvision is imported where it is used.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import InputError, unknown
from ..files import sha256_of
from .init import initialise

ADAPTED = ("alexnet", "vgg16", "vgg19")
FILES = {"alexnet": "alexnet-owt-7be5be79.pth", "vgg16": "vgg16-397923af.pth", "vgg19": "vgg19-dcbb9e9d.pth"}
"""torchvision's weights learnt on ImageNet; what stands before the ending begins the file's SHA-256."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.(?:pth|safetensors)$")
_PARTS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (nn.Conv2d, "conv"),
    (nn.Linear, "linear"),
    ((nn.BatchNorm1d, nn.BatchNorm2d), "norm"),
    (nn.ReLU, "relu"),
    ((nn.MaxPool2d, nn.AdaptiveAvgPool2d), "pool"),
    (nn.Dropout, "dropout"),
    (nn.Flatten, "flatten"),
)


def adapted(
    name: str,
    *,
    classes: int = 1000,
    weights: Path | str | None = None,
    sha256: str | None = None,
    device: str = "cpu",
    seed: int = 0,
) -> nn.Sequential:
    """torchvision's ``alexnet``, ``vgg16`` or ``vgg19`` as named layers; nothing is downloaded.

    Without ``weights`` the layers are drawn at random (He), fixed by ``seed``. ``weights`` is a file of the user's, of
    1000 classes, checked as ``read_weights`` says. On the device "meta" there are shapes and no numbers: free of cost.
    Images are (N, 3, 224, 224), normalised by IMAGENET_MEAN and IMAGENET_STD where the weights are the public ones.
    """
    if name not in ADAPTED:
        raise unknown("network of torchvision", name, ADAPTED)
    if weights is not None and device == "meta":
        raise InputError("the device 'meta' holds no numbers, so no weights can be loaded on it; use 'cpu'.")
    from torchvision import models

    with torch.device("meta"):
        source = getattr(models, name)(weights=None, num_classes=classes)
    if device == "meta":
        return named_layers(source)
    state = None if weights is None else read_weights(weights, sha256=sha256)
    source.to_empty(device=device)
    net = named_layers(source)
    if state is None:
        initialise(net, "he", biases=[0.0] * len(net), seed=seed)
    else:
        _load(source, state, Path(weights).name)
    return net


def named_layers(net: nn.Module) -> nn.Sequential:
    """A torchvision AlexNet or VGG as named layers that share its weights; the same function of the same images.

    Each weight layer takes along what follows it; what stands between the last convolution's and the first FC layer
    (adaptive pooling, flattening) belongs to fc6. ReLUs no longer work in place: a map taken out of the middle stays
    what it was. Raises InputError for any other module.
    """
    from torchvision.models import VGG, AlexNet

    if not isinstance(net, AlexNet | VGG):
        raise InputError(
            f"{type(net).__name__} is neither torchvision's AlexNet nor its VGG; build another network as an"
            " nn.Sequential of named layers, as models.build does."
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    names = _conv_names(net, blocks=isinstance(net, VGG))
    for part in net.features:
        if isinstance(part, nn.Conv2d):
            layers[names.pop(0)] = current = nn.Sequential()
        _append(current, part)
    before: list[nn.Module] = [net.avgpool, nn.Flatten()]
    number = 5
    for part in net.classifier:
        if isinstance(part, nn.Linear):
            number += 1
            layers[f"fc{number}"] = current = nn.Sequential()
            for earlier in before:
                _append(current, earlier)
            before = []
        if before:
            before.append(part)
        else:
            _append(current, part)
    return nn.Sequential(layers).train(net.training)


def find_weights(name: str, *, folder: Path | str | None = None) -> Path | None:
    """The public ImageNet weights of ``name`` if the user has them, else None; nothing is downloaded.

    Looked for in ``folder``, by default where torchvision itself would have put them.
    """
    if name not in ADAPTED:
        raise unknown("network of torchvision", name, ADAPTED)
    place = Path(folder) if folder is not None else Path(torch.hub.get_dir()) / "checkpoints"
    path = place.expanduser() / FILES[name]
    return path if path.is_file() else None


def read_weights(path: Path | str, *, sha256: str | None = None) -> dict[str, Tensor]:
    """The tensors of a ``.pth`` file (read without running any code in it) or a ``.safetensors`` file.

    The file's SHA-256 must begin with ``sha256``, by default with the digits in its name, as torchvision writes them
    (``vgg16-397923af.pth``). Raises InputError for a missing file, another ending, no checksum or a wrong one.
    """
    path = Path(path).expanduser()
    if path.suffix not in (".pth", ".safetensors"):
        raise InputError(f"weights {path.name} have the ending {path.suffix!r}; give a .pth or .safetensors file.")
    if not path.is_file():
        raise InputError(f"there are no weights at {path}; give the path of a file that you have, or leave it out.")
    named = _IN_NAME.search(path.name)
    wanted = (sha256 or (named[1] if named else "")).lower()
    if not re.fullmatch(r"[0-9a-f]{8,64}", wanted):
        raise InputError(
            f"nothing says what {path.name} should hold; pass sha256 (8 digits or more of the checksum that its"
            " publisher states)."
        )
    found = sha256_of(path)
    if not found.startswith(wanted):
        raise InputError(
            f"{path.name} has the SHA-256 {found[: len(wanted)]}, not {wanted}; it is damaged or another file: fetch it"
            " again."
        )
    try:
        content = _tensors(path)
    except MemoryError:
        raise
    except Exception as error:  # a file that is no table of tensors raises nearly anything
        raise InputError(
            f"{path.name} holds something else than tensors, and nothing in it is run; give the tensors of a network"
            " (its state_dict)."
        ) from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise InputError(f"{path.name} is no table of tensors by name; give the state_dict of a network.")
    return content


def _tensors(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _load(source: nn.Module, state: dict[str, Tensor], file: str) -> None:
    """Fill torchvision's module; its tensors are those of the named layers."""
    wanted = {name: tuple(value.shape) for name, value in source.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in state.items()}
    if wanted != found:
        odd = next(name for name in (*wanted, *found) if wanted.get(name) != found.get(name))
        raise InputError(
            f"{file} does not fit: {odd} has shape {found.get(odd, 'none')}, the network needs"
            f" {wanted.get(odd, 'none')}; choose the network that the file belongs to, with 1000 classes."
        )
    source.load_state_dict(state)


def _conv_names(net: nn.Module, *, blocks: bool) -> list[str]:
    """conv1, conv2, ... or, with ``blocks`` (ended by pooling), conv1_1, conv1_2, conv2_1, ..."""
    if not blocks:
        count = sum(isinstance(part, nn.Conv2d) for part in net.features)
        return [f"conv{number}" for number in range(1, count + 1)]
    names, block, place = [], 1, 0
    for part in net.features:
        if isinstance(part, nn.Conv2d):
            place += 1
            names.append(f"conv{block}_{place}")
        elif isinstance(part, nn.MaxPool2d):
            block, place = block + 1, 0
    return names


def _append(layer: nn.Sequential, part: nn.Module) -> None:
    """Add ``part`` under its usual name: conv, norm, relu, pool, flatten, linear, dropout (dropout2, ...)."""
    if isinstance(part, nn.ReLU):
        part = nn.ReLU()
    name = next((name for kind, name in _PARTS if isinstance(part, kind)), type(part).__name__.lower())
    there = [other for other, _ in layer.named_children()]
    place = 2
    unique = name
    while unique in there:
        unique, place = f"{name}{place}", place + 1
    layer.add_module(unique, part)
