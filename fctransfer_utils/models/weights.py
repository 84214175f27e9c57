"""Weights from a file, in the forms in which people have them. Nothing in a file is ever run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import InputError, one_line
from ..files import sha256_of

WRAPPERS = ("state_dict", "model_state_dict", "model", "net")
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")


def read_tensors(path: Path | str, *, sha256: str = "") -> dict[str, Tensor]:
    """The tensors of a file by name: .pth, .pt, .bin, .tar as torch writes them, or .safetensors.

    A state_dict may lie within a checkpoint ("state_dict", "model", ...) and its names behind "module." and the like.
    ``sha256``: that of the file, where it is known. Raises InputError for a missing, damaged or other file, and for one
    that would need code to be run, such as a whole pickled network.
    """
    return named_tensors(_content(path, sha256=sha256), Path(path).name)


def reading(path: Path | str) -> str:
    """The code that gives ``read_tensors(path)``: that of torch or safetensors where the file holds no more."""
    content, file = _content(path), str(Path(path).expanduser())
    if not isinstance(content, Mapping) or list(content) != list(named_tensors(content, file)):
        return f"read_tensors({file!r})"
    if file.endswith(".safetensors"):
        return f"load_file({file!r})"
    return f'torch.load({file!r}, map_location="cpu", weights_only=True)'


def _content(path: Path | str, *, sha256: str = "") -> object:
    """What a file holds, which may be wrapped."""
    path = Path(path).expanduser()
    if not path.is_file():
        raise InputError(f"there is no file of weights at {path}; give the path of one.")
    if sha256 and (found := sha256_of(path)) != sha256:
        raise InputError(
            f"{path.name} has the SHA-256 {found}, not {sha256}: it is damaged or another file; get it anew."
        )
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a file that is something else raises nearly anything
        # torch's own advice, which comes before it, is to run it all
        said = one_line(error).rpartition("WeightsUnpickler error: ")[2]
        if foreign := re.search(r"GLOBAL ([\w.]+)|TorchScript", said):
            raise InputError(
                f"{path.name} holds more than tensors ({foreign[1] or foreign[0]}), and nothing in a file is run. "
                "Where it comes from, save the tensors alone: torch.save(net.state_dict(), path)."
            ) from error
        raise InputError(
            f"{path.name} is damaged or no file of weights ({said[:120]}); fetch or save it again, as .pth or "
            ".safetensors."
        ) from error


def named_tensors(content: object, file: str) -> dict[str, Tensor]:
    """The tensors in what a ``file`` held, without what training tools wrap around them."""
    while isinstance(content, Mapping) and (
        within := [content[key] for key in WRAPPERS if isinstance(content.get(key), Mapping)]
    ):
        content = within[0]
    pairs = content.items() if isinstance(content, Mapping) else ()
    found = {str(name): values for name, values in pairs if isinstance(values, Tensor)}
    if not found:
        raise InputError(f"{file} holds no tensors by name; give the state_dict of a network.")
    while prefix := next((each for each in PREFIXES if all(name.startswith(each) for name in found)), ""):
        found = {name.removeprefix(prefix): values for name, values in found.items()}
    broken = [name for name, values in found.items() if values.is_floating_point() and not values.isfinite().all()]
    if broken:
        raise InputError(
            f"{file} holds values that are no numbers, in {len(broken)} tensors ({broken[0]}, ...): the training that "
            "wrote it had diverged; give an earlier file."
        )
    # torchvision's public files of DenseNet have the names of an old version
    return {re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])", r"\1\2", name): each for name, each in found.items()}


def fit(net: nn.Module, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Fill ``net``, a network as timm or torchvision has it, with ``tensors``, which come from ``source``.

    All have to fit, or InputError names what does not and nothing is loaded.
    """
    own = net.state_dict()
    misfits = {
        # which a file from before torch 0.4.1 does not have
        "missing": [n for n in own if n not in tensors and not n.endswith("num_batches_tracked")],
        "unexpected": [n for n in tensors if n not in own],
        "of another shape": [
            f"{n} {tuple(tensors[n].shape)}, expected {tuple(values.shape)}"
            for n, values in own.items()
            if n in tensors and tensors[n].shape != values.shape
        ],
    }
    found = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for what, names in misfits.items()
        if names
    ]
    if found:
        raise InputError(
            f"{source} does not fit {type(net).__name__}, which has {len(own)} tensors: {'; '.join(found)}. Name the "
            "network that it belongs to; timm's and torchvision's of one name may differ ('torchvision:vgg16')."
        )
    net.load_state_dict(tensors, strict=False)
