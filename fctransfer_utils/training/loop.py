"""The training loop and the evaluation: one of each for every network, loss and device."""

from __future__ import annotations

import hashlib
import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.augment import augment, centre
from ..data.images import Images
from ..errors import InputError
from ..files import checksum, replacing
from ..models.surgery import frozen_layers, learning, train_mode
from ..seeds import generator
from .device import Setting, random_state, seeded, set_random_state
from .recipe import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass
class History:
    """How a training went. ``losses``: the mean loss of each epoch."""

    losses: list[float] = field(default_factory=list)
    diverged: bool = False
    seconds: float = 0.0


def train(net: nn.Sequential, learn: Images, recipe: Recipe, **options: object) -> History:
    """Train ``net`` in place on ``learn``; layers without a parameter that requires a gradient stand still.

    For the options see ``train_together``.
    """
    return train_together([net], learn, recipe, **options)[0]


def train_together(
    nets: Sequence[nn.Sequential],
    learn: Images,
    recipe: Recipe,
    *,
    seed: int = 0,
    loss: Loss = F.cross_entropy,
    setting: Setting | None = None,
    checkpoint: Path | None = None,
    save_every: float = 60.0,
    on_epoch: Callable[[int], None] | None = None,
) -> list[History]:
    """Train networks of one architecture that share their frozen first layers: these run once for every batch.

    Each ends as it would alone, bit for bit: all see the same batches and draw the same dropout, frozen layers
    included. ``loss`` takes scores (N, classes) and labels (N,), or targets of any other shape that ``learn.labels``
    has. ``checkpoint``: a file to go on from if this run is killed, written between epochs every ``save_every``
    seconds. Nothing but the end of an epoch waits for the device, and the random numbers of others stay as they are.
    Raises InputError for networks that share no frozen layers.
    """
    setting = setting or Setting()
    learn, device = learn.to(setting.device), setting.device
    cuts = [frozen_layers(net) for net in nets]
    members = [_Member(setting.place(net), n, recipe, len(learn)) for net, n in zip(nets, cuts, strict=True)]
    deepest = members[cuts.index(max(cuts))].net
    _check_shared(members, deepest)
    chance = generator(seed, device=device)
    began = saved = time.perf_counter()
    epochs, batches = recipe.epochs_for(len(learn)), recipe.batches(len(learn))
    about = ""
    if checkpoint:
        named = getattr(loss, "__qualname__", type(loss).__qualname__)
        told = {"recipe": asdict(recipe), "seed": seed, "setting": asdict(setting), "loss": named}
        about = _about(members, learn, **told)
    with seeded(seed, device):
        for epoch in range(_resume(checkpoint, about, members, chance, device), epochs):
            for member in members:
                train_mode(member.net)
            totals = torch.zeros(len(members), device=device)
            for chosen in torch.randperm(len(learn), generator=chance, device=device).tensor_split(batches):
                pixels, labels = learn.pixels[chosen], learn.labels[chosen]
                if not pixels.is_floating_point():
                    pixels = augment(pixels, shift=recipe.shift, flip=learn.flip, crop=recipe.crop, chance=chance)
                with setting.autocast(), torch.no_grad():
                    signals = _signals(deepest, learn.normalise(pixels), sorted(set(cuts)), device)
                for place, member in enumerate(members):
                    if not member.history.diverged:
                        signal, state = signals[member.n]
                        set_random_state(state, device)
                        with setting.autocast():
                            scores = member.above(signal)
                        value = loss(scores.float(), labels)
                        member.step(value, recipe.clip)
                        totals[place] += value.detach() * len(chosen)
            for member, total in zip(members, totals.tolist(), strict=True):
                member.end_epoch(total / len(learn))
            if on_epoch:
                on_epoch(epoch)
            if all(member.history.diverged for member in members):
                break
            if checkpoint and time.perf_counter() - saved >= save_every and epoch + 1 < epochs:
                saved = time.perf_counter()
                _save(checkpoint, about, epoch + 1, members, chance, device, saved - began)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)
    for member in members:
        member.history.seconds += time.perf_counter() - began
        member.net.eval()
    return [member.history for member in members]


class _Member:
    """A network on its way: its optimiser, its schedule and its history."""

    def __init__(self, net: nn.Sequential, n: int, recipe: Recipe, images: int) -> None:
        if n == len(net):
            raise InputError("every layer of this network is frozen, so there is nothing to train; leave one to learn.")
        train_mode(net)
        if not images:
            raise InputError("there are 0 images to learn; give at least one.")
        if images // recipe.batches(images) < 2 and any(
            isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training for m in net[n:].modules()
        ):
            raise InputError(
                f"{images} images in batches of {recipe.batch_size} leave a batch of one image, of which batch norm "
                "can take no statistics; give batches of 2 or more, or freeze the layers with batch norm."
            )
        self.net, self.n, self.above = net, n, net[n:]
        total = recipe.epochs_for(images) * recipe.batches(images)
        speed = {"lr": recipe.learning_rate, "momentum": recipe.momentum, "weight_decay": recipe.weight_decay}
        self.descent = torch.optim.SGD(_groups(net, recipe), **speed, fused=True)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.descent, lambda step: recipe.rate(min(step, total - 1), total)
        )
        self.history = History()

    def step(self, value: Tensor, clip: float) -> None:
        value.backward()
        if clip:
            nn.utils.clip_grad_norm_(learning(self.net), clip)
        self.descent.step()
        self.descent.zero_grad()
        self.schedule.step()

    def end_epoch(self, loss: float) -> None:
        if not self.history.diverged:
            self.history.losses.append(loss)
            self.history.diverged = not math.isfinite(loss)


def _groups(net: nn.Sequential, recipe: Recipe) -> list[Any]:
    """What learns, as the optimiser takes it; biases apart where they have a rate of their own."""
    if not recipe.bias_rate:
        return learning(net)
    parts: dict[bool, list[nn.Parameter]] = {False: [], True: []}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            parts[name.endswith("bias")].append(parameter)
    of_biases = {"lr": recipe.bias_rate * recipe.learning_rate, "weight_decay": 0.0}
    return [{"params": parts[False]}, {"params": parts[True]} | of_biases]


def _signals(net: nn.Sequential, batch: Tensor, cuts: list[int], device: str) -> dict[int, tuple[Tensor, Tensor]]:
    """The signal behind each cut, and the state of dropout's generator there."""
    found, below = {}, 0
    for n in cuts:
        batch, below = net[below:n](batch), n
        found[n] = batch, random_state(device)
    return found


def _check_shared(members: list[_Member], deepest: nn.Sequential) -> None:
    """The frozen layers of the network with most of them are run for all, so they have to be those of all."""
    shared = deepest.state_dict()
    for number, member in enumerate(members, start=1):
        for name, values in member.net[: member.n].state_dict().items():
            if name not in shared or not torch.equal(values, shared[name]):
                raise InputError(
                    f"network {number} of {len(members)} has other frozen layers 1..{member.n} than the one that "
                    f"{len(members)} networks are to share; train it in a call of its own."
                )


def _about(members: list[_Member], learn: Images, **told: object) -> str:
    """A checksum of what is ``told`` of a training, its images and the weights that it starts from."""
    weights = hashlib.sha256()
    for member in members:
        for name, values in member.net.state_dict().items():
            weights.update(f"{name} {tuple(values.shape)}".encode())
            weights.update(values.cpu().flatten().view(torch.uint8).numpy())
    return checksum(told | {
        "frozen": [member.n for member in members],
        "images": [learn.fingerprint(), learn.mean, learn.std, learn.flip],
        "weights": weights.hexdigest(),
    })  # fmt: skip


def _save(
    path: Path, about: str, epoch: int, members: list[_Member], chance: torch.Generator, device: str, seconds: float
) -> None:
    parts = []
    for m in members:
        history = asdict(m.history) | {"seconds": m.history.seconds + seconds}
        optimiser = {"descent": m.descent.state_dict(), "schedule": m.schedule.last_epoch}
        parts.append({"net": m.net.state_dict(), **optimiser, **history})
    state = {"epoch": epoch, "members": parts, "chance": chance.get_state(), "dropout": random_state(device)}
    content = io.BytesIO()
    torch.save(state, content)
    with replacing(path) as temporary:
        temporary.write_bytes(_digest(about, content.getvalue()) + content.getvalue())


def _digest(about: str, content: bytes) -> bytes:
    """What a checkpoint begins with: a truncated, a damaged or another training's begins with something else."""
    return hashlib.sha256(about.encode() + content).digest()


def _resume(path: Path | None, about: str, members: list[_Member], chance: torch.Generator, device: str) -> int:
    """The epoch to go on from; 0, and nothing touched, without a whole checkpoint of this very training."""
    stored = path.read_bytes() if path and path.is_file() else b""
    digest, content = stored[:32], stored[32:]
    if digest != _digest(about, content):
        return 0
    state = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    for member, kept in zip(members, state["members"], strict=True):
        member.net.load_state_dict(kept["net"])
        member.descent.load_state_dict(kept["descent"])
        member.schedule.last_epoch = kept["schedule"]
        member.history = History(kept["losses"], kept["diverged"], kept["seconds"])
    chance.set_state(state["chance"].cpu())
    set_random_state(state["dropout"].cpu(), device)
    return state["epoch"]


@torch.no_grad()
def scores(net: nn.Module, images: Images, *, device: str = "cpu", crop: int = 0) -> Tensor:
    """Scores (N, classes) of ``images`` in float32, on the CPU; ``net`` is left in evaluation mode."""
    net.to(device).eval()
    batches = images.pixels.split(images.at_once)
    parts = [net(images.normalise(centre(batch.to(device), crop))).float() for batch in batches]
    return torch.cat(parts).cpu()


def accuracy(net: nn.Module, images: Images, *, device: str = "cpu", crop: int = 0) -> float:
    """Top-1: the share of ``images``, 0 to 1, whose highest score is that of their class."""
    found = scores(net, images, device=device, crop=crop).argmax(1)
    return (found == images.labels.cpu()).double().mean().item()
