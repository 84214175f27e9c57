"""Made ratings and a moment of training on them: for the network that has no convolution at all."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import seeds
from ..errors import InputError

TASTES = 3


class Ratings(NamedTuple):
    """Who rated what and whether they liked it: ``users``, ``items`` int64 (N,), ``liked`` 0.0 or 1.0 (N,).

    ``chance`` (N,) is the probability with which it was drawn; nobody but the maker knows it.
    """

    users: Tensor
    items: Tensor
    liked: Tensor
    chance: Tensor

    def part(self, rows: Tensor) -> Ratings:
        """The ratings in these rows."""
        return Ratings(*(column[rows] for column in self))


def made_ratings(users: int, items: int, *, count: int, seed: int = 0, strength: float = 2.0) -> Ratings:
    """``count`` different pairs of a user and an item, each rated once; those that share tastes go together.

    Each has ``TASTES`` numbers of tastes; a rating is "liked" with probability sigmoid(``strength`` x their product).
    Raises InputError for counts below 1 and for more ratings than there are pairs.
    """
    if min(users, items, count) < 1 or count > users * items:
        raise InputError(
            f"{users} users, {items} items, {count} ratings; give at least 1 of each and at most one rating per pair."
        )
    stream = seeds.generator(seed, "ratings")
    of_users = torch.randn(users, TASTES, generator=stream)
    of_items = torch.randn(items, TASTES, generator=stream)
    pairs = torch.randperm(users * items, generator=stream)[:count]
    who, what = pairs // items, pairs % items
    chance = torch.sigmoid(strength * (of_users[who] * of_items[what]).sum(1))
    liked = (torch.rand(count, generator=stream) < chance).float()
    return Ratings(who, what, liked, chance)


def floor(ratings: Ratings) -> float:
    """The mean cross-entropy (nats) of one who knows every chance: on average nobody can do better."""
    return F.binary_cross_entropy(ratings.chance, ratings.liked).item()


def train_ratings(
    net: nn.Module,
    learn: Ratings,
    judge: Ratings,
    *,
    epochs: int,
    batch_size: int = 128,
    rate: float = 0.01,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Train ``net`` in place by Adam on (users, items) -> probability of "liked"; a dict per epoch.

    Keys ``epoch, train_loss, validation_loss`` (cross-entropy in nats, eval mode), ``validation_right`` (share). Raises
    InputError when the net does not give one probability per rating.
    """
    with torch.no_grad():
        net.eval()
        first = net(learn.users[:2], learn.items[:2])
    if first.shape not in ((2,), (2, 1)) or not ((first >= 0) & (first <= 1)).all():
        raise InputError(
            f"the network gives {tuple(first.shape)} for 2 ratings, or values outside 0..1; end it with one output and"
            " a sigmoid."
        )
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    order = seeds.generator(seed, "order")
    rows = []
    with torch.random.fork_rng([]):
        torch.manual_seed(seeds.derive(seed, "dropout"))
        for epoch in range(1, epochs + 1):
            net.train()
            for chosen in torch.randperm(len(learn.liked), generator=order).split(batch_size):
                batch = learn.part(chosen)
                loss = F.binary_cross_entropy(net(batch.users, batch.items).flatten(), batch.liked)
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
            (train_loss, _), (loss, right) = _score(net, learn), _score(net, judge)
            rows.append({"epoch": epoch, "train_loss": train_loss, "validation_loss": loss, "validation_right": right})
            if not math.isfinite(train_loss):
                break
    return rows


@torch.no_grad()
def _score(net: nn.Module, ratings: Ratings) -> tuple[float, float]:
    net.eval()
    found = net(ratings.users, ratings.items).flatten()
    right = ((found > 0.5).float() == ratings.liked).float().mean()
    return F.binary_cross_entropy(found, ratings.liked).item(), right.item()
