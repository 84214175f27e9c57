"""What every layer of a network says of images, in one pass: the features that probes are fitted to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from math import isqrt

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..data.images import Images
from ..errors import InputError
from ..files import build_folder, replacing
from ..models.pretrained import BUNDLED, preprocessing


def for_bundled(images: Images) -> Images:
    """``images``, to be normalised as the bundled ImageNet network expects them."""
    mean, std, _ = preprocessing(BUNDLED)
    return replace(images, mean=mean, std=std)


@torch.no_grad()
def features(
    net: nn.Sequential,
    images: Images,
    *,
    cuts: Sequence[int] | None = None,
    pool: int = 1,
    device: str = "cpu",
    progress: bool = False,
) -> dict[int, Tensor]:
    """The signal behind each of ``cuts`` (all: 1 to the number of layers), float32 (N, F) on the CPU.

    Maps are averaged to ``pool`` x ``pool`` places and flattened channel by channel. Of tokens the class token comes
    first and then the average of the others, as of a map. Vectors stay as they are. ``net`` is left in evaluation mode.
    Raises InputError for a cut that ``net`` does not have, and for a map smaller than ``pool``.
    """
    wanted = sorted(set(range(1, len(net) + 1) if cuts is None else cuts))
    if not wanted or not 1 <= wanted[0] <= wanted[-1] <= len(net):
        raise InputError(f"cuts {wanted} of a network of {len(net)} layers; give numbers from 1 to {len(net)}.")
    if pool < 1 or not len(images):
        raise InputError(f"pool = {pool} of {len(images)} images gives no features; both have to be 1 or more.")
    net.to(device).eval()
    found: dict[int, Tensor] = {}
    starts = range(0, len(images), images.at_once)
    if progress:
        from tqdm.auto import tqdm

        starts = tqdm(starts, desc="features", unit="batch", leave=False)
    for start in starts:
        signal = images.normalise(images.pixels[start : start + images.at_once].to(device))
        for n, layer in enumerate(net[: wanted[-1]], start=1):
            signal = layer(signal)
            if n in wanted:
                part = pooled(signal.float(), n=n, prefix=prefix_tokens(layer), pool=pool)
                if n not in found:
                    found[n] = torch.empty(len(images), part.shape[1])
                found[n][start : start + len(part)] = part  # a copy: the next layer may work in place
    return found


def kept_features(
    net: nn.Sequential, images: Images, *, pool: int = 1, device: str = "cpu", progress: bool = False
) -> dict[int, Tensor]:
    """``features``, kept in ``build_folder()/features`` by the content of ``net`` and ``images``.

    Behind every cut; for a ``pool`` above 1 behind those with a map of so many places a side, of which there may be
    none.
    """
    cuts = [*range(1, len(net) + 1)] if pool == 1 else _with_places(net, images, pool, device)
    about = f"{[*net.named_children()]}{images.fingerprint()}{images.mean}{images.std}{'' if pool == 1 else pool}"
    digest = hashlib.sha256(about.encode())
    for name, values in net.state_dict().items():
        digest.update(name.encode())
        digest.update(values.cpu().contiguous().flatten().view(torch.uint8).numpy())
    path = build_folder() / "features" / f"{digest.hexdigest()[:16]}.safetensors"
    try:
        kept = load_file(path)
        return {n: kept[f"{n}"] for n in cuts}
    except (OSError, SafetensorError, KeyError):  # none yet, or one that is damaged
        pass
    found = features(net, images, cuts=cuts, pool=pool, device=device, progress=progress) if cuts else {}
    with replacing(path) as temporary:
        save_file({f"{n}": each for n, each in found.items()}, temporary)
    return found


@torch.no_grad()
def _with_places(net: nn.Sequential, images: Images, pool: int, device: str) -> list[int]:
    """The cuts behind which there is a map of ``pool`` x ``pool`` places or more."""
    signal, found = images.normalise(images.pixels[:1].to(device)), []
    for n, layer in enumerate(net.to(device).eval(), start=1):
        signal = layer(signal)
        if signal.dim() == 4 and min(signal.shape[2:]) >= pool:
            found.append(n)
    return found


def prefix_tokens(layer: nn.Module) -> int:
    """How many first tokens of the signal (N, T, C) behind ``layer`` stand for no place; the class token is the first.

    The layer says so by ``num_prefix_tokens``, timm's word for it, as those of ``models.layers.blocks`` do; without a
    word all tokens are places.
    """
    return getattr(layer, "num_prefix_tokens", 0)


def pooled(signal: Tensor, *, n: int, prefix: int = 0, pool: int = 1) -> Tensor:
    """``signal`` behind layer ``n`` as (N, F), see ``features``: the first ``prefix`` of tokens stand for no place."""
    if signal.dim() == 2:
        return signal
    if signal.dim() not in (3, 4):
        raise InputError(f"layer {n} gives {tuple(signal.shape)}, which is neither maps nor tokens nor vectors.")
    maps, class_token = signal, []
    if signal.dim() == 3:
        places = signal[:, prefix:].movedim(2, 1)
        side = isqrt(places.shape[2])
        shape = (side, side) if side**2 == places.shape[2] else (1, -1)  # a row, of which only the average is asked
        maps, class_token = places.unflatten(2, shape), [signal[:, : min(prefix, 1)].flatten(1)]
    height, width = maps.shape[2:]
    if pool > min(height, width):
        raise InputError(
            f"the map behind layer {n} has {height} x {width} places, too few to average to {pool} x {pool}; take a "
            "smaller pool, fewer cuts or larger images."
        )
    return torch.cat([*class_token, F.adaptive_avg_pool2d(maps, pool).flatten(1)], 1)
