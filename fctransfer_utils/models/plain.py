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

WITHOUT_WEIGHTS = (nn.Flatten, nn.ReLU, nn.Dropout, nn.AdaptiveAvgPool2d)
POOLED = {2: "out", 4: "out.mean((2, 3))"}  # by the dimensions of a signal


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


class _NotPlain(Exception):
    """A part of the network is no module of its library, so that the code has to use this package."""


def fine_tuned(source: Source, fitted: nn.Sequential, *, frozen: int) -> Plain:
    """All blocks of a network with a new last layer; the first ``frozen`` of them stand still."""
    net = as_published(source.name, size=source.size)
    classes = fitted.get_submodule(last_linear(fitted)).out_features
    if _needs_blocks(source, net):
        code = [*_begin(source, net, blocks=True), f"new_last_layer(net, {classes})", f"freeze(net, {frozen})"]
        return _end(source, code, fitted.state_dict(), "net")
    new_last_layer(net, classes)
    own = blocks(net)
    own.load_state_dict(fitted.state_dict())
    still = _longest(net, own[:frozen])
    code = _begin(source, net, classes=classes)
    if still and find(source.name)[0] == "timm" and not set(still) & {name for name, _ in net.named_parameters()}:
        code.append(f"timm.utils.freeze(net, {still!r})")
    elif still:
        parts = "".join(f"{_dotted(name)}, " for name in still)
        code.append(f"for part in ({parts}): part.requires_grad_(False)  # and part.eval() after each net.train()")
    return _end(source, code, net.state_dict(), "net")


def cut(source: Source, fitted: nn.Sequential, *, frozen: bool) -> Plain:
    """``fitted``: the first blocks of a network and behind them "head", which is pooling and a new last layer."""
    net, n = as_published(source.name, size=source.size), len(fitted) - 1
    (dims,), own, last = _dims(source, fitted[:n], [n]), blocks(net)[:n], fitted.head[-1]
    own.load_state_dict(fitted[:n].state_dict())
    head, side = f"nn.Linear({last.in_features}, {last.out_features})", fitted.head[0].pool
    still = ".requires_grad_(False).eval()" if frozen else ""
    code = _begin(source, net)
    if dims == 3 and find(source.name)[0] == "timm":
        if n < len(net.blocks) + 2:  # the stem, the blocks, the norm
            net.blocks, net.norm = net.blocks[: n - 1], nn.Identity()
            code.append(f"net.blocks, net.norm = net.blocks[:{n - 1}], nn.Identity()")
        if frozen:
            code.append(f"net{still}")
        pooled = _tokens("(out := net.forward_features(x))", fitted.head[0].prefix)
        code.append(f"head = {head}; model = lambda x: head({pooled})")
        return _end(source, code, nn.ModuleList([net, last]).state_dict(), "nn.ModuleList([net, head])")
    try:
        if _needs_blocks(source, net):
            raise _NotPlain
        parts = _joined(net, list(_parts(own, {id(part): name for name, part in net.named_modules() if name})))
    except _NotPlain:
        code = _begin(source, net, blocks=True)
        code += [f"trunk = net[:{n}]{still}", f"model = nn.Sequential(trunk, Pooled(trunk, {side}), {head})"]
        return _end(source, code, nn.Sequential(own, fitted.head[0], last).state_dict(), "model")
    modules = [net.get_submodule(part) if isinstance(part, str) else part for part in parts]
    trunk = ", ".join(_dotted(part) if isinstance(part, str) else f"nn.{part}" for part in parts)
    pool = [nn.AdaptiveAvgPool2d(side), nn.Flatten()] if dims == 4 else []
    said = f"nn.AdaptiveAvgPool2d({side}), nn.Flatten(), " if pool else ""
    code += [f"trunk = nn.Sequential({trunk}){still}", f"model = nn.Sequential(trunk, {said}{head})"]
    return _end(source, code, nn.Sequential(nn.Sequential(*modules), *pool, last).state_dict(), "model")


def together(source: Source, net: nn.Sequential, head: nn.Linear, *, cuts: Sequence[int]) -> Plain:
    """A frozen network and a new last layer that reads the pooled signals behind all of ``cuts``."""
    theirs = as_published(source.name, size=source.size)
    own = blocks(theirs)
    own[:-1].load_state_dict(net[:-1].state_dict())  # the last layer, which may be for other classes, is not read
    names = {id(part): name for name, part in theirs.named_modules() if name}
    said, dims = f"head = nn.Linear({head.in_features}, {head.out_features})", _dims(source, own, cuts)
    try:
        if _needs_blocks(source, theirs):
            raise _NotPlain
        ends = tuple([list(_parts(own[n - 1], names))[-1] for n in cuts])
        if not all(isinstance(end, str) for end in ends) or not set(dims) <= set(POOLED):
            raise _NotPlain
    except _NotPlain:
        code = [
            *_begin(source, theirs, blocks=True), "net.requires_grad_(False).eval()",
            f"{said}; cuts = {[*cuts]}; pools = [Pooled(net[:n]) for n in cuts]",
            "model = lambda x: head(torch.cat([pool(net[:n](x)) for n, pool in zip(cuts, pools)], 1))",
        ]  # fmt: skip
        return _end(source, code, nn.ModuleList([own, head]).state_dict(), "nn.ModuleList([net, head])")
    code = [*_begin(source, theirs), "seen = {}; net.requires_grad_(False).eval()"]
    for dim in sorted(set(dims), reverse=True):
        hooked = tuple(end for end, its in zip(ends, dims, strict=True) if its == dim)
        keeps = f"lambda part, _, out: seen.update({{part: {POOLED[dim]}}})"
        code.append(f"for name in {hooked!r}: net.get_submodule(name).register_forward_hook({keeps})")
    code.append(f"{said}; model = lambda x: (net(x), head(torch.cat([*seen.values()], 1)))[1]")
    return _end(source, code, nn.ModuleList([theirs, head]).state_dict(), "nn.ModuleList([net, head])")


def _begin(source: Source, net: nn.Module, *, classes: int = 0, blocks: bool = False) -> list[str]:
    """Code for ``net`` with its first weights, as ``blocks`` of this package if need be, else as its library has it.

    ``classes``: of a new last layer.
    """
    library, model = find(source.name)
    public = not source.saved and not source.weights and source.name != BUNDLED
    if blocks:
        file = str(Path(source.weights).expanduser())
        which = "" if source.saved else f", weights={file!r}" if source.weights else ", pretrained=True"
        return [f"net = create({source.name!r}, size={source.size}{which})"]
    count = f", num_classes={source.given}" if source.weights and not source.saved else ""
    if library == "torchvision":
        said = ', weights="DEFAULT"' if public else count
        code = [f"net = torchvision.models.get_model({model!r}{said}){_loaded(source)}"]
        if classes:
            last = last_linear(net)
            code.append(f"{_dotted(last)} = nn.Linear({net.get_submodule(last).in_features}, {classes})")
        return code
    if classes and (public or source.saved):
        count = f", num_classes={classes}"
    code = [f"net = timm.create_model({model!r}{', pretrained=True' * public}{count}){_loaded(source)}"]
    if _resized(source, net):  # as it was measured: the windows of a Swin follow its size
        code.append(f"net.set_input_size(img_size={source.size})")
    if source.name == BUNDLED and not source.saved and not source.weights:
        code.append(
            "net.load_state_dict(dict(zip(net.state_dict(), torch.load(bundled_file(), weights_only=True).values())))"
        )
    return code + [f"net.reset_classifier({classes})"] * bool(classes and not public and not source.saved)


def _resized(source: Source, net: nn.Module) -> bool:
    """Whether a network whose places are numbered is fitted to another size than its own."""
    places = hasattr(net, "set_input_size") or type(net).__name__ == "VisionTransformer"
    return places and source.size != preprocessing(source.name)[2]


def _needs_blocks(source: Source, net: nn.Module) -> bool:
    """Whether only this package fits the network to the size of the images: torchvision has no call for that."""
    return find(source.name)[0] == "torchvision" and _resized(source, net)


def _loaded(source: Source) -> str:
    """The end of a line that makes ``net``: its weights are those of a file."""
    return f"; net.load_state_dict({reading(source.weights)})" if source.weights and not source.saved else ""


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
def _dims(source: Source, layers: nn.Sequential, cuts: Sequence[int]) -> list[int]:
    """How many dimensions the signal has behind each of ``cuts``: 2 for vectors, 3 for tokens, 4 for maps."""
    signal, found = torch.zeros(1, 3, source.size, source.size, device=next(layers.parameters()).device), {}
    for n, layer in enumerate(layers.eval(), start=1):
        signal = layer(signal)
        found[n] = signal.dim()
    return [found[n] for n in cuts]


def _tokens(signal: str, prefix: int) -> str:
    mean = f"out[:, {prefix}:].mean(1)" if prefix else f"{signal}.mean(1)"
    return f"torch.cat([{signal}[:, 0], {mean}], 1)" if prefix else mean


def _dotted(name: str) -> str:
    """The module "layer1.0" as code: net.layer1[0]."""
    return "net" + "".join(f"[{each}]" if each.isdecimal() else f".{each}" for each in name.split("."))


def _parts(part: nn.Module, names: dict[int, str]) -> Iterator[str | nn.Module]:
    """The names of the library's modules that run one after the other in ``part``, and modules without weights."""
    if id(part) in names:
        yield names[id(part)]
    elif type(part) is nn.Sequential:
        for below in part:
            yield from _parts(below, names)
    elif isinstance(part, WITHOUT_WEIGHTS):
        yield part
    else:
        raise _NotPlain


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
    for path, part in net.named_modules():
        covered = any(path.startswith(f"{each}.") for each in found)
        own = [id(values) for values in part.parameters()]
        if path and own and not covered and inside.issuperset(own):
            found.append(path)
    alone = [
        name
        for name, values in net.named_parameters()
        if id(values) in inside and not name.startswith(tuple(f"{each}." for each in found))
    ]
    return [*alone, *found]
