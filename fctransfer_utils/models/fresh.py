"""Keep the first layers of a network and draw new ones above them: with the old hidden sizes, others, or none.

How new layers are drawn is said in ``models.init``; what stands in the kept ones is a copy, so that nothing that learns
later changes the network they come from.
"""

from __future__ import annotations

import copy
import math
from collections import OrderedDict
from collections.abc import Collection, Sequence

import torch
from torch import nn

from .. import seeds
from ..errors import InputError, unknown
from .heads import feature_size
from .init import draw_layer, weight_layer

HIDDEN = ("none", "new")


def fc_layers(net: nn.Sequential) -> tuple[str, ...]:
    """The names of the fully connected layers of ``net``, in order; the last of them gives the classes."""
    return tuple(
        name for name, layer in net.named_children() if any(isinstance(part, nn.Linear) for part in layer.modules())
    )


def cut_number(net: nn.Sequential, cut: str | int) -> int:
    """How many layers stand up to and with the layer ``cut`` (a name such as "fc6", or already a number from 1).

    The last layer cannot be kept: its outputs are the old classes. Raises InputError for another layer, and says so
    where an FC layer is asked of a network that has no hidden one.
    """
    names = [name for name, _ in net.named_children()]
    if isinstance(cut, int) and not isinstance(cut, bool) and 1 <= cut < len(names):
        return cut
    if cut in names[:-1]:
        return names.index(cut) + 1
    if isinstance(cut, str) and cut.startswith("fc") and len(fc_layers(net)) < 2:
        raise InputError(
            f"there is no cut {cut!r}: this network has no hidden fully connected layer; cut it after one of"
            f" {', '.join(names[:-1])}."
        )
    raise unknown("cut", cut, names[:-1], mend=f"Numbers 1..{len(names) - 1} are allowed, too.")


def keep_layers(
    donor: nn.Sequential,
    cut: str | int,
    *,
    classes: int,
    image_size: int,
    hidden: str | Sequence[int] = "none",
    init: str = "he",
    last_init: str = "small",
    seed: int = 0,
) -> nn.Sequential:
    """A copy of the layers of ``donor`` up to ``cut`` with a new head; images (N, 3, S, S) to (N, ``classes``).

    ``hidden`` is "none" (a linear layer right on the cut), "new" (the donor's remaining hidden FC layers, drawn by
    ``init``), or the units of other hidden layers such as (256,). The last layer is drawn by ``last_init``. Raises
    InputError for a cut that is none, and with both sizes named where the old FC layers do not fit the image.
    """
    number = cut_number(donor, cut)
    if isinstance(hidden, str) and hidden not in HIDDEN:
        raise unknown("hidden part of a head", hidden, HIDDEN, mend="Or give the units of each layer, such as (256,).")
    if classes < 1:
        raise InputError(f"classes = {classes}; a head needs at least 1 output.")
    gives = feature_size(donor[:number], image_size=image_size)
    kept = OrderedDict((name, copy.deepcopy(layer)) for name, layer in list(donor.named_children())[:number])
    with torch.random.fork_rng([]):  # modules draw weights when they are made; ours are drawn below
        if hidden == "new":
            head = _old_hidden(donor, number, gives, image_size)
            width = weight_layer(head[next(reversed(head))]).out_features if head else math.prod(gives)
        else:
            head, width = _other_hidden(() if hidden == "none" else hidden, math.prod(gives))
        flatten = {} if head else {"flatten": nn.Flatten()}
        last = [name for name, _ in donor.named_children()][-1]
        head[last] = nn.Sequential(OrderedDict(**flatten, linear=nn.Linear(width, classes)))
    net = nn.Sequential(kept | head).requires_grad_(True)
    redraw(net, list(head), init=init, last_init=last_init, seed=seed)
    return net


def redraw(
    net: nn.Sequential, layers: Collection[str], *, init: str = "he", last_init: str = "small", seed: int = 0
) -> None:
    """Draw the named ``layers`` of ``net`` anew in place, each from its own stream of ``seed``; batch norms restart.

    The last layer of ``net`` is drawn by ``last_init``, the others by ``init``. Raises InputError for no such layer.
    """
    there = dict(net.named_children())
    last = next(reversed(there))
    for name in layers:
        if name not in there:
            raise unknown("layer", name, there)
        draw_layer(
            weight_layer(there[name]),
            last_init if name == last else init,
            generator=seeds.generator(seed, "new layer", name),
        )
        for part in there[name].modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.reset_parameters()
                part.reset_running_stats()


def _old_hidden(donor: nn.Sequential, number: int, gives: tuple[int, ...], image_size: int) -> OrderedDict:
    """The donor's hidden FC layers above ``number``, to be drawn; convolutions in between are an error."""
    above = list(donor.named_children())[number:-1]
    convs = [name for name, layer in above if isinstance(weight_layer(layer), nn.Conv2d)]
    if convs:
        raise InputError(
            f"between the cut and the head lie the convolutions {', '.join(convs)}; cut after the last of them, or give"
            " hidden='none'."
        )
    if above:
        wanted, first = weight_layer(above[0][1]).in_features, above[0][0]
        try:
            with torch.no_grad():
                nn.Sequential(*_before_weights(above[0][1]))(torch.zeros(1, *gives)).reshape(1, wanted)
        except RuntimeError as error:
            shown = "x".join(map(str, gives))
            raise InputError(
                f"the head does not fit: from an image of {image_size} pixels the cut gives {shown} ="
                f" {math.prod(gives)} features, {first} takes {wanted}; use the image size of its own network, or give"
                " the units of new hidden layers."
            ) from error
    return OrderedDict((name, copy.deepcopy(layer)) for name, layer in above)


def _before_weights(layer: nn.Module) -> list[nn.Module]:
    parts = list(layer.children())
    return parts[: next(place for place, part in enumerate(parts) if isinstance(part, nn.Linear))]


def _other_hidden(widths: Sequence[int], features: int) -> tuple[OrderedDict, int]:
    """New hidden layers of these widths, named apart from the donor's; and the features that come out."""
    head: OrderedDict[str, nn.Module] = OrderedDict()
    for number, units in enumerate(widths, start=1):
        if isinstance(units, bool) or not isinstance(units, int) or units < 1:
            raise InputError(f"hidden layer of {units!r} units; give whole numbers from 1 on.")
        flatten = {"flatten": nn.Flatten()} if number == 1 else {}
        head[f"new{number}"] = nn.Sequential(OrderedDict(**flatten, linear=nn.Linear(features, units), relu=nn.ReLU()))
        features = units
    return head, features
