"""Made ratings can be learnt, and no better than the chances from which they were drawn."""

import pytest
import torch
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.training.ratings import floor, made_ratings, train_ratings


class Pairs(nn.Module):
    def __init__(self, users, items, outputs=1):
        super().__init__()
        self.users, self.items = nn.Embedding(users, 8), nn.Embedding(items, 8)
        self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, outputs)

    def forward(self, users, items):
        joined = torch.cat([self.users(users), self.items(items)], 1)
        return torch.sigmoid(self.out(torch.relu(self.hidden(joined))))


@pytest.fixture
def ratings():
    return made_ratings(80, 60, count=4000, seed=1, strength=3.0)


def test_ratings_are_fixed_by_the_seed_and_follow_their_chances(ratings):
    again, other = made_ratings(80, 60, count=4000, seed=1, strength=3.0), made_ratings(80, 60, count=4000, seed=2)
    assert torch.equal(ratings.liked, again.liked)
    assert not torch.equal(ratings.liked, other.liked)
    assert ratings.users.max() < 80
    assert ratings.items.max() < 60
    likely, unlikely = ratings.liked[ratings.chance > 0.8].mean(), ratings.liked[ratings.chance < 0.2].mean()
    assert len(set(zip(ratings.users.tolist(), ratings.items.tolist(), strict=True))) == 4000
    assert likely > 0.85
    assert unlikely < 0.15


def test_a_net_of_embeddings_learns_them_but_not_below_the_floor(ratings):
    rows = torch.arange(4000)
    learn, judge = ratings.part(rows[:3200]), ratings.part(rows[3200:])
    torch.manual_seed(0)
    curve = train_ratings(Pairs(80, 60), learn, judge, epochs=20, batch_size=64, rate=0.02)
    constant = -torch.log(torch.tensor(0.5)).item()
    assert floor(judge) < min(row["validation_loss"] for row in curve) < 0.9 * constant
    assert curve[-1]["validation_right"] > 0.65
    assert [row["epoch"] for row in curve] == list(range(1, 21))


def test_bad_nets_and_counts_are_refused(ratings):
    with pytest.raises(InputError, match=r"\(2, 3\)"):
        train_ratings(Pairs(80, 60, outputs=3), ratings, ratings, epochs=1)
    with pytest.raises(InputError, match="0 users"):
        made_ratings(0, 3, count=5)
    with pytest.raises(InputError, match="at most one rating per pair"):
        made_ratings(2, 3, count=7)
