"""A network that was cut or frozen, said in a few lines of torch and of the library that it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .layers import blocks, last_linear, new_last_layer
from .pretrained import BUNDLED, as_published, find, preprocessing
from .weights import reading


class Plain(NamedTuple):
    """``code`` builds the network; ``tensors`` are its weights by the names that they have there."""

    code: str
    tensors: dict[str, Tensor]


class Source(NamedTuple):
    """Which network it was: its ``name``, the ``size`` of its images, a file of ``weights`` if they are not public, for
    how many classes these are (``given``), and the file ``saved`` from which the code loads what was fitted."""

    name: str
    size: int
    given: int
    weights: str = ""
    saved: str = ""


def fine_tuned(source: Source, fitted: nn.Sequential, *, frozen: int) -> Plain:
    """All blocks of a network with a new last layer; the first ``frozen`` of them stand still."""
    net = as_published(source.name, size=source.size)
    classes = fitted.get_submodule(last_linear(fitted)).out_features
    if _needs_blocks(source, net):
        code = [_created(source), f"new_last_layer(net, {classes})", f"freeze(net, {frozen})"]
        return _end(source, code, fitted.state_dict(), "net")
    new_last_layer(net, classes)
    own = blocks(net)
    own.load_state_dict(fitted.state_dict())
    still, code = _longest(net, own[:frozen]), _begin(source, net, classes=classes)
    if still and find(source.name)[0] == "timm" and not set(still) & {name for name, _ in net.named_parameters()}:
        code.append(f"timm.utils.freeze(net, {still!r})")
    elif still:
        parts = "".join(f"{_dotted(name)}, " for name in still)
        code.append(f"for part in ({parts}): part.requires_grad_(False)  # and part.eval() after each net.train()")
    return _end(source, code, net.state_dict(), "net")


def cut(source: Source, fitted: nn.Sequential, *, frozen: bool) -> Plain:
    """``fitted``: the first blocks of a network and behind them "head", which is pooling and a new last layer."""
    net, n = as_published(source.name, size=source.size), len(fitted) - 1
    own, (pooling, last) = blocks(net)[:n], fitted.head
    own.load_state_dict(fitted[:n].state_dict())
    dims = _dims(source, own)[-1]
    head = f"nn.Linear({last.in_features}, {last.out_features})"
    still = ".requires_grad_(False).eval()" if frozen else ""
    if dims == 3 and find(source.name)[0] == "timm":
        code = _begin(source, net)
        if n < len(net.blocks) + 2:  # the stem, the blocks, the norm
            net.blocks, net.norm = net.blocks[: n - 1], nn.Identity()
            code.append(f"net.blocks, net.norm = net.blocks[:{n - 1}], nn.Identity()")
        if frozen:
            code.append(f"net{still}")
        tokens, prefix = "net.forward_features(x)", pooling.prefix
        mean = f"torch.cat([(out := {tokens})[:, 0], out[:, {prefix}:].mean(1)], 1)" if prefix else f"{tokens}.mean(1)"
        code.append(f"head = {head}; model = lambda x: head({mean})")
        return _end(source, code, nn.ModuleList([net, last]).state_dict(), "nn.ModuleList([net, head])")
    parts = list(_parts(own, _names(net)))
    if _needs_blocks(source, net) or None in parts:
        code = [_created(source), f"trunk = net[:{n}]{still}"]
        code.append(f"model = nn.Sequential(trunk, Pooled(trunk, {pooling.pool}), {head})")
        return _end(source, code, nn.Sequential(own, pooling, last).state_dict(), "model")
    parts = _joined(net, parts)
    modules = [net.get_submodule(part) if isinstance(part, str) else part for part in parts]
    trunk = ", ".join(_dotted(part) if isinstance(part, str) else f"nn.{part}" for part in parts)
    pool = [nn.AdaptiveAvgPool2d(pooling.pool), nn.Flatten()] if dims == 4 else []
    said = f"nn.AdaptiveAvgPool2d({pooling.pool}), nn.Flatten(), " if pool else ""
    code = [*_begin(source, net), f"trunk = nn.Sequential({trunk}){still}"]
    code.append(f"model = nn.Sequential(trunk, {said}{head})")
    return _end(source, code, nn.Sequential(nn.Sequential(*modules), *pool, last).state_dict(), "model")


def together(source: Source, net: nn.Sequential, head: nn.Linear, *, cuts: Sequence[int]) -> Plain:
    """A frozen network and a new last layer that reads the pooled signals behind all of ``cuts``."""
    theirs = as_published(source.name, size=source.size)
    own, names = blocks(theirs), _names(theirs)
    own[:-1].load_state_dict(net[:-1].state_dict())  # the last layer, which may be for other classes, is not read
    said, every = f"head = nn.Linear({head.in_features}, {head.out_features})", _dims(source, own)
    dims, parts = [every[n - 1] for n in cuts], [list(_parts(own[n - 1], names)) for n in cuts]
    plain = all(isinstance(its[-1], str) and None not in its for its in parts)
    if _needs_blocks(source, theirs) or 3 in dims or not plain:
        code = [
            _created(source), "net.requires_grad_(False).eval()",
            f"{said}; cuts = {[*cuts]}; pools = [Pooled(net[:n]) for n in cuts]",
            "model = lambda x: head(torch.cat([pool(net[:n](x)) for n, pool in zip(cuts, pools)], 1))",
        ]  # fmt: skip
        return _end(source, code, nn.ModuleList([own, head]).state_dict(), "nn.ModuleList([net, head])")
    code = [*_begin(source, theirs), "seen = {}; net.requires_grad_(False).eval()"]
    for dim, out in ((4, "out.mean((2, 3))"), (2, "out")):
        if hooked := tuple(its[-1] for its, its_dim in zip(parts, dims, strict=True) if its_dim == dim):
            keeps = f"lambda part, _, out: seen.update({{part: {out}}})"
            code.append(f"for name in {hooked!r}: net.get_submodule(name).register_forward_hook({keeps})")
    code.append(f"{said}; model = lambda x: (net(x), head(torch.cat([*seen.values()], 1)))[1]")
    return _end(source, code, nn.ModuleList([theirs, head]).state_dict(), "nn.ModuleList([net, head])")


def _created(source: Source) -> str:
    """Code for the network as blocks of this package, with its first weights."""
    file = str(Path(source.weights).expanduser())
    weights = "" if source.saved else f", weights={file!r}" if source.weights else ", pretrained=True"
    return f"net = create({source.name!r}, size={source.size}{weights})"


def _begin(source: Source, net: nn.Module, *, classes: int = 0) -> list[str]:
    """Code for ``net`` with its first weights, as its library has it. ``classes``: of a new last layer."""
    library, model = find(source.name)
    weights = "" if source.saved else source.weights
    bundled = source.name == BUNDLED and not source.saved and not weights
    public = not source.saved and not weights and not bundled
    count = f", num_classes={source.given}" if weights else ""
    loaded = f"; net.load_state_dict({reading(weights)})" if weights else ""
    if library == "torchvision":
        public_weights = ', weights="DEFAULT"' if public else ""
        code = [f"net = torchvision.models.get_model({model!r}{public_weights}{count}){loaded}"]
        if classes:
            last = last_linear(net)
            code.append(f"{_dotted(last)} = nn.Linear({net.get_submodule(last).in_features}, {classes})")
        return code
    if classes and (public or source.saved):
        count = f", num_classes={classes}"
    code = [f"net = timm.create_model({model!r}{', pretrained=True' * public}{count}){loaded}"]
    if _resized(source, net):  # as it was measured: the windows of a Swin follow its size
        code.append(f"net.set_input_size(img_size={source.size})")
    if bundled:
        code.append(
            "net.load_state_dict(dict(zip(net.state_dict(), torch.load(bundled_file(), weights_only=True).values())))"
        )
    if classes and (weights or bundled):
        code.append(f"net.reset_classifier({classes})")
    return code


def _resized(source: Source, net: nn.Module) -> bool:
    """Whether a network whose places are numbered is fitted to another size than its own."""
    places = hasattr(net, "set_input_size") or type(net).__name__ == "VisionTransformer"
    return places and source.size != preprocessing(source.name)[2]


def _needs_blocks(source: Source, net: nn.Module) -> bool:
    """Whether only this package fits the network to the size of the images: torchvision has no call for that."""
    return find(source.name)[0] == "torchvision" and _resized(source, net)


def _end(source: Source, code: list[str], tensors: dict[str, Tensor], model: str) -> Plain:
    if source.saved:
        code.append(f"{model}.load_state_dict(load_file({source.saved!r}))")
    text = "\n".join(code)
    imports = ["import torch"] + [f"import {name}" for name in ("timm", "torchvision") if f"{name}." in text]
    imports.append("from torch import nn")
    for word, line in {
        "load_file(": "from safetensors.torch import load_file",
        "read_tensors(": "from fctransfer_utils.models.weights import read_tensors",
        "bundled_file(": "from fctransfer_utils.models.pretrained import bundled_file",
        "new_last_layer(": "from fctransfer_utils.models.layers import new_last_layer",
        "\nfreeze(net": "from fctransfer_utils.models.surgery import freeze",
        " create(": "from fctransfer_utils.models.pretrained import create",
        "Pooled(": "from fctransfer_utils.training.choices import Pooled",
    }.items():
        imports += [line] * (word in text)
    return Plain("\n".join(imports) + "\n\n" + text, {name: each.contiguous() for name, each in tensors.items()})


@torch.no_grad()
def _dims(source: Source, layers: nn.Sequential) -> list[int]:
    """How many dimensions the signal has behind each of ``layers``: 2 for vectors, 3 for tokens, 4 for maps."""
    signal, found = torch.zeros(1, 3, source.size, source.size), []
    for layer in layers.eval():
        signal = layer(signal)
        found.append(signal.dim())
    return found


def _dotted(name: str) -> str:
    """The module "layer1.0" as code: net.layer1[0]."""
    return "net" + "".join(f"[{each}]" if each.isdecimal() else f".{each}" for each in name.split("."))


def _names(net: nn.Module) -> dict[int, str]:
    """The names of all modules in ``net``, by their identity."""
    return {id(part): name for name, part in net.named_modules() if name}


def _parts(part: nn.Module, names: dict[int, str]) -> Iterator[str | nn.Module | None]:
    """What runs one after the other in ``part``: names of the library's modules, and modules without weights.

    None stands for a part that is neither, so that the code has to use this package.
    """
    if id(part) in names:
        yield names[id(part)]
    elif type(part) is nn.Sequential:
        for below in part:
            yield from _parts(below, names)
    else:
        yield part if isinstance(part, nn.Flatten | nn.ReLU | nn.Dropout | nn.AdaptiveAvgPool2d) else None


def _joined(net: nn.Module, parts: list[str | nn.Module]) -> list[str | nn.Module]:
    """``parts`` with the name of a sequence in place of all its parts."""
    for path, part in reversed([*net.named_modules()]):
        below = [f"{path}.{name}" for name, _ in part.named_children()]
        if path and below and type(part) is nn.Sequential and below[0] in parts:
            at = parts.index(below[0])
            if parts[at : at + len(below)] == below:
                parts[at : at + len(below)] = [path]
    return parts


def _longest(net: nn.Module, layers: nn.Sequential) -> list[str]:
    """The parameters of ``layers`` by names: of the largest modules of ``net`` with no others in them, or their own."""
    inside = {id(values) for values in layers.parameters()}
    found: list[str] = []
    for path, part in net.named_modules():  # the outer ones first
        own = {id(values) for values in part.parameters()}
        if path and own and own <= inside:
            found.append(path)
            inside -= own
    return [*(name for name, values in net.named_parameters() if id(values) in inside), *found]
