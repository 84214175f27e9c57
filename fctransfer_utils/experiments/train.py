"""Train the networks that specifications describe: one function for every study."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load as unpack
from safetensors.torch import save as pack
from torch import Tensor, nn

from .. import __version__
from ..data.images import Images
from ..data.spec import DataSpec
from ..errors import InputError
from ..files import checksum
from ..models.alexnet import build, redraw
from ..training.device import Setting
from ..training.loop import History, accuracy, train_together
from .loader import Files, Loader
from .network import Network
from .store import Record

if TYPE_CHECKING:
    from ..data.sources import Source


FILES = Files()  # the images that are rendered, with no folder of the reader's


@lru_cache(maxsize=4)
def loaded(load: Loader, spec: DataSpec) -> tuple[Source, str]:
    """The images of ``spec`` and their fingerprint, read once in a process."""
    source = load(spec)
    return source, checksum([source.train.fingerprint(), source.test.fingerprint()])


def train_networks(
    networks: Sequence[Network],
    load: Loader,
    donors: Mapping[str, bytes],
    *,
    setting: Setting | None = None,
    keep: Sequence[str] = (),
    checkpoint: Path | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> list[tuple[Record, bytes | None]]:
    """Train networks that share their frozen first layers (``Network.shares_prefix``), or a single one.

    ``load`` gives the images of a ``DataSpec``; ``donors``: key of each donor -> its weights as safetensors. Returns
    the record of each network, and its weights if its key is among ``keep``. A network ends as it would alone.
    """
    setting = setting or Setting()
    first = networks[0]
    learn, validation, test = images_of(first, load)
    donor = unpack(donors[first.donor.key]) if first.donor else None
    nets = [start(network, learn, donor) for network in networks]
    histories = [History([math.nan], diverged=True) for _ in nets]
    if donor is None or all(values.isfinite().all() for values in donor.values()):  # else its heirs are lost, too
        histories = train_together(
            nets, learn, first.recipe, seed=first.stream("order"), setting=setting, checkpoint=checkpoint,
            on_epoch=on_epoch,
        )  # fmt: skip
    found = []
    for network, net, history in zip(networks, nets, histories, strict=True):
        began = time.perf_counter()
        parts = {"top1": test, "train_top1": learn} | ({"validation_top1": validation} if network.held_out else {})
        measures = {}
        if not history.diverged:
            measures = {"loss": history.losses[-1]} | {
                name: accuracy(net, images, device=setting.device, crop=network.recipe.crop)
                for name, images in parts.items()
            }
        weights = None
        if network.key in keep:
            weights = pack({name: values.cpu().contiguous() for name, values in net.state_dict().items()})
        seconds = history.seconds / len(nets) + time.perf_counter() - began
        record = Record(
            key=network.key,
            network=network.described(),
            measures=measures,
            curve={"loss": [loss if math.isfinite(loss) else None for loss in history.losses]},
            diverged=history.diverged,
            seconds=round(seconds, 2),
            setting=asdict(setting),
            images=loaded(load, network.data)[1],
            version=__version__,
            torch=torch.__version__,
            weights=hashlib.sha256(weights).hexdigest() if weights else "",
        )
        found.append((record, weights))
    return found


def images_of(network: Network, load: Loader = FILES) -> tuple[Images, Images, Images]:
    """What ``network`` learns, what recipes are chosen by, and what it is tested on.

    All are normalised by the images that the first donor learnt, as its layers expect them and as published.
    """
    source, _ = loaded(load, network.data)
    members = _members(network, source)
    given, test = source.train.of_classes(members), source.test.of_classes(members)
    seed, aside = network.stream("images"), network.held_out + network.extra_test
    learn = given.draw(network.per_class, seed=seed, skip=aside) if aside or network.per_class else given
    learn = learn.normalised_like(images_of(network.donor, load)[0]) if network.donor else learn.measured()
    if network.net.kind == "caffenet":  # its mean is taken away, and values stay those of 0 to 255, as in Caffe
        learn = replace(learn, std=(1 / 255,) * 3)
    validation = given.draw(network.held_out, seed=seed) if network.held_out else learn
    if network.extra_test:
        more = given.draw(network.extra_test, seed=seed, skip=network.held_out)
        pixels, labels = torch.cat([test.pixels, more.pixels]), torch.cat([test.labels, more.labels])
        test = replace(test, pixels=pixels, labels=labels)
    return learn, validation.normalised_like(learn), test.normalised_like(learn)


def check_images(networks: Sequence[Network], load: Loader) -> None:
    """Raise InputError, before anything is trained, for classes or numbers of images that there are not."""
    for network in networks:
        source, _ = loaded(load, network.data)
        counts = torch.bincount(source.train.labels.cpu(), minlength=len(source.train.classes)).tolist()
        member = min(_members(network, source), key=lambda each: counts[each])
        there, aside = counts[member], network.held_out + network.extra_test
        if aside + max(network.per_class, 1) > there:
            said = f" behind {network.held_out} to choose recipes by and {network.extra_test} to test on" * bool(aside)
            mend = f"learn {there - aside} or fewer" if there > aside else "set fewer aside, since none would be left"
            raise InputError(
                f"{network.per_class or 'all'} images a class cannot be learnt{said}: class "
                f"{source.train.classes[member]!r} of {network.data.name!r} has {there}; {mend}."
            )


def _members(network: Network, source: Source) -> Sequence[int]:
    """The classes that ``network`` learns."""
    where = network.classes
    if where.split == "all":
        return range(len(source.train.classes))
    return source.halves(where.split, each=where.each, replicate=where.replicate)["AB".index(where.half)]


def start(network: Network, learn: Images, donor: Mapping[str, Tensor] | None = None) -> nn.Sequential:
    """The network before its first step; ``donor``: the weights by name, without which nothing is copied."""
    size, seed = network.recipe.crop or learn.size, network.stream("init")
    net = build(network.net, classes=len(learn.classes), size=size, seed=seed)
    if network.drawn:
        untrained = [number for number in network.frozen if number not in network.copied]
        redraw(net, untrained, init=network.drawn, seed=seed)
    names = [name for name, _ in net.named_children()]
    for number in network.copied if donor else ():
        name = names[number - 1] + "."
        layer = {each.removeprefix(name): values for each, values in donor.items() if each.startswith(name)}
        net[number - 1].load_state_dict(layer)
    for number in network.frozen:
        net[number - 1].requires_grad_(False)
    return net


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread a network: two cost several times the work on a busy machine, and give other last digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
