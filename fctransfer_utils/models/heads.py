"""The part behind the last convolution: 0 or more hidden FC layers and the last one, described as pure data."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from .. import seeds
from ..errors import InputError, unknown
from .init import draw_layer

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "identity": nn.Identity,
}
POOLS = ("flatten", "gap")
INITS = ("usual", "he", "xavier", "gaussian", "zero")
LAST_INITS = ("small", *INITS[1:])
MOST_UNITS = 65_536
_RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu")


@dataclass(frozen=True)
class HeadSpec:
    """FC layers behind a trunk, as pure data: the units of each hidden layer and what goes with them.

    ``pool``: "flatten" keeps the places of a map, "gap" averages over them. ``init`` draws the hidden layers: "he"
    (variance 2 / fan-in), "xavier" (2 / (fan-in + fan-out)), "gaussian" (standard deviation 0.01), "zero", or "usual":
    He for rectifiers and their smooth kin, Xavier for tanh, sigmoid and identity. ``last_init`` draws the last layer;
    "small" has standard deviation 0.001. All biases are 0.
    """

    hidden: tuple[int, ...] = ()
    activation: str = "relu"
    pool: str = "flatten"
    dropout: float = 0.0
    batch_norm: bool = False
    init: str = "usual"
    last_init: str = "small"

    def __post_init__(self) -> None:
        for kind, value, allowed in (
            ("activation", self.activation, ACTIVATIONS),
            ("pooling of a head", self.pool, POOLS),
            ("initialisation", self.init, INITS),
            ("initialisation of a last layer", self.last_init, LAST_INITS),
        ):
            if value not in allowed:
                raise unknown(kind, value, allowed)
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for units in self.hidden:
            if isinstance(units, bool) or not isinstance(units, int) or not 1 <= units <= MOST_UNITS:
                raise InputError(f"hidden layer of {units!r} units; give whole numbers in 1..{MOST_UNITS}.")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout {self.dropout} is outside 0 <= p < 1; use 0 for none.")

    @property
    def label(self) -> str:
        """A short name such as ``linear``, ``2 x 128 relu`` or ``64-32 tanh``, with what departs from the defaults."""
        if not self.hidden:
            name = "linear"
        elif len(set(self.hidden)) == 1:
            name = f"{len(self.hidden)} x {self.hidden[0]} {self.activation}"
        else:
            name = f"{'-'.join(map(str, self.hidden))} {self.activation}"
        extras = ["gap"] if self.pool == "gap" else []
        extras += [f"dropout {self.dropout:g}"] if self.dropout and self.hidden else []
        extras += ["batch norm"] if self.batch_norm and self.hidden else []
        extras += [self.init] if self.init != "usual" and self.hidden else []
        extras += [f"last {self.last_init}"] if self.last_init != "small" else []
        return ", ".join([name, *extras])


def build_head(
    spec: HeadSpec, *, features: int | Sequence[int], classes: int, seed: int, first: int = 6
) -> nn.Sequential:
    """A freshly drawn head of named layers ``fc6``, ``fc7``, ... (from ``first``): features to (N, ``classes``).

    ``features`` is the size of what comes in without the batch: 512, or (32, 4, 4) for maps, which "gap" needs. Each
    layer has its own stream of ``seed``. Raises InputError when sizes make no sense.
    """
    size = (features,) if isinstance(features, int) else tuple(features)
    if classes < 1 or not size or min(size) < 1:
        raise InputError(f"a head from features {size} to {classes} classes has no weights; give sizes from 1 on.")
    if spec.pool == "gap" and len(size) != 3:
        raise InputError(
            f"features of size {size} are no maps (C, h, w), so there is nothing to average; use 'flatten'."
        )
    inputs = size[0] if spec.pool == "gap" else math.prod(size)
    widths = [*spec.hidden, classes]
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    with torch.random.fork_rng([]):  # modules draw weights when they are made; ours are drawn below
        for number, width in enumerate(widths):
            last = number == len(widths) - 1
            name = f"fc{first + number}"
            parts: OrderedDict[str, nn.Module] = OrderedDict()
            if number == 0 and spec.pool == "gap":
                parts["pool"] = nn.AdaptiveAvgPool2d(1)
            if number == 0:
                parts["flatten"] = nn.Flatten()
            norm = spec.batch_norm and not last
            parts["linear"] = nn.Linear(inputs, width, bias=not norm)
            if norm:
                parts["norm"] = nn.BatchNorm1d(width)
            if not last:
                parts[spec.activation] = ACTIVATIONS[spec.activation]()
            if spec.dropout and not last:
                parts["dropout"] = nn.Dropout(spec.dropout)
            layers[name] = nn.Sequential(parts)
            _draw(parts["linear"], spec.last_init if last else spec.init, spec.activation, seed, number)
            inputs = width
    return nn.Sequential(layers)


def attach(trunk: nn.Sequential, head: nn.Sequential, *, image_size: int) -> nn.Sequential:
    """``trunk`` with ``head`` behind it, sharing their modules; images (N, 3, S, S) to (N, classes).

    Raises InputError, naming the sizes, when the head does not fit what the trunk gives for that image, and when both
    have a layer of the same name.
    """
    shared = {name for name, _ in trunk.named_children()} & {name for name, _ in head.named_children()}
    if shared:
        raise InputError(f"trunk and head both have a layer {min(shared)}; cut the trunk below, as in net[:5].")
    weights = next((part for part in head.modules() if isinstance(part, nn.Linear)), None)
    if weights is None:
        raise InputError("the head has no linear layer; build it with build_head.")
    gives = feature_size(trunk, image_size=image_size)
    pooled = any(isinstance(part, nn.AdaptiveAvgPool2d) for part in head.modules())
    taken = gives[0] if pooled else math.prod(gives)
    if taken != weights.in_features:
        shown = "x".join(map(str, gives))
        raise InputError(
            f"the head does not fit: from an image of {image_size} pixels the trunk gives {shown} = {taken} features,"
            f" the head takes {weights.in_features}; build it for {taken} or use the image size of its own network."
        )
    return nn.Sequential(OrderedDict([*trunk.named_children(), *head.named_children()]))


def feature_size(trunk: nn.Sequential, *, image_size: int) -> tuple[int, ...]:
    """What ``trunk`` gives for one image (3, S, S), without the batch: (C, h, w) for maps. Nothing is computed.

    Raises InputError when the image is too small.
    """
    from .cost import shapes_only

    try:
        with torch.no_grad():
            return tuple(shapes_only(trunk)(torch.zeros(1, 3, image_size, image_size, device="meta")).shape[1:])
    except RuntimeError as error:
        raise InputError(
            f"an image of {image_size} pixels does not fit the trunk ({str(error).splitlines()[0]}); give a larger one."
        ) from error


def _draw(layer: nn.Linear, init: str, activation: str, seed: int, number: int) -> None:
    if init == "usual":
        init = "he" if activation in _RECTIFIERS else "xavier"
    draw_layer(layer, init, generator=seeds.generator(seed, "head", number))
