"""One loop for every network: what learns, what stands still, what is shared, and what the seed fixes."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from made_stripes import network, same_state, state, stripes, transplanted, with_batch_norm
from torch import nn

from fctransfer_utils.data.images import Images
from fctransfer_utils.errors import InputError
from fctransfer_utils.models.surgery import freeze
from fctransfer_utils.training import loop
from fctransfer_utils.training.device import Setting
from fctransfer_utils.training.loop import accuracy, train, train_together
from fctransfer_utils.training.recipe import Recipe

RECIPE = Recipe(epochs=3, batch_size=20, learning_rate=0.02, shift=2)
CUTS = (1, 4, 6, 7)
BFLOAT16 = Setting(dtype="bfloat16")


def plain_loop(net, images, *, epochs, batches, peak, warm, seed):
    """What ``train`` does, in the words of a first PyTorch tutorial."""
    steps = epochs * batches
    order = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.SGD(
        [p for p in net.parameters() if p.requires_grad], lr=peak, momentum=0.9, weight_decay=5e-4
    )
    mean, std = (torch.tensor(each)[:, None, None] for each in (images.mean, images.std))
    found, step = [], 0
    net.train()
    for _ in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(images), generator=order).tensor_split(batches):
            rising, falling = (step + 1) / (warm + 1), (steps - step) / (steps - warm)
            optimiser.param_groups[0]["lr"] = peak * (rising if step < warm else falling)
            value = F.cross_entropy(net((images.pixels[chosen] / 255 - mean) / std), images.labels[chosen])
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            total, step = total + value.item() * len(chosen), step + 1
        found.append(total / len(images))
    return found


@pytest.mark.parametrize("frozen", [0, 4, 7])
def test_it_is_the_plain_loop(frozen):
    ours, plain = transplanted(frozen), transplanted(frozen)
    history = train(ours, stripes(), replace(RECIPE, shift=0, warmup=0.2, learning_rate=0.002), seed=5)
    expected = plain_loop(plain, stripes(), epochs=3, batches=5, peak=0.002, warm=3, seed=5)
    assert history.losses == pytest.approx(expected, rel=1e-6)
    for one, other in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_biases_may_have_a_rate_of_their_own_and_do_not_decay():
    """One step from rest, frozen layers below: Caffe's rule, by its formula."""
    images, recipe = stripes(20), Recipe(steps=1, batch_size=20, learning_rate=0.02, warmup=0, shift=0, bias_rate=2)
    net, before = (network(seed=1, dropout=0.0) for _ in range(2))
    for each in (net, before):
        freeze(each, 4)
    train(net, images, recipe)
    F.cross_entropy(before(images.normalise(images.pixels)), images.labels).backward()
    for (name, after), start in zip(net.named_parameters(), before.parameters(), strict=True):
        step = torch.zeros(()) if start.grad is None else start.grad
        if start.grad is not None:
            step = 0.04 * step if name.endswith("bias") else 0.02 * (step + 5e-4 * start)
        torch.testing.assert_close(after, start - step, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("make", "cuts"), [(transplanted, CUTS), (with_batch_norm, (0, 1, 3))])
def test_each_network_of_a_crew_ends_as_it_would_alone(make, cuts, dtype):
    options = {"seed": 3, "setting": Setting(dtype=dtype)}
    learn, crew = replace(stripes(), flip=True), [make(n) for n in cuts]
    histories = train_together(crew, learn, RECIPE, **options)
    for n, member, history in zip(cuts, crew, histories, strict=True):
        lone = make(n)
        assert train(lone, learn, RECIPE, **options).losses == history.losses
        assert same_state(state(lone), state(member))
    assert len({history.losses[-1] for history in histories}) == len(cuts)


def test_a_crew_runs_its_frozen_layers_once_for_a_batch():
    crew, calls = [transplanted(n) for n in CUTS], []
    for number, net in enumerate(crew):
        for place, layer in enumerate(net, start=1):
            layer.register_forward_hook(lambda *_, place=place, number=number: calls.append((place, number)))
    train_together(crew, stripes(), replace(RECIPE, epochs=1))
    by_layer = [sum(place == layer for place, _ in calls) for layer in range(1, 9)]
    assert by_layer == [5 * count for count in (1, 2, 2, 2, 3, 3, 4, 4)]


def test_networks_with_other_frozen_layers_are_no_crew():
    other = network(seed=2)
    freeze(other, 2)
    with pytest.raises(InputError, match="network 2 of 2 has other frozen layers 1..2"):
        train_together([transplanted(4), other], stripes(), RECIPE)


@pytest.mark.parametrize("frozen", [(1,), (1, 2, 3, 4), (1, 2, 3, 6)], ids=str)  # the last is a rule of one's own
def test_frozen_layers_are_bit_equal_afterwards_and_all_others_have_moved(frozen):
    net = network()
    for n in frozen:
        net[n - 1].requires_grad_(False)
    before = state(net)
    train(net, stripes(), replace(RECIPE, weight_decay=0.1), seed=1)
    names = [name for name, _ in net.named_children()]
    for name, values in state(net).items():
        assert torch.equal(values, before[name]) == (names.index(name.split(".")[0]) + 1 in frozen), name


@pytest.mark.parametrize("frozen", [1, 2, 3])
def test_batch_norm_of_frozen_layers_keeps_its_statistics_and_of_others_does_not(frozen):
    net = with_batch_norm(frozen)
    before = state(net)
    train(net, stripes(), RECIPE)
    moved = {int(name[0]) for name, values in state(net).items() if not torch.equal(values, before[name])}
    assert moved == set(range(frozen, 4))


def test_the_seed_fixes_everything_and_the_random_numbers_of_others_do_not_matter_and_go_on():
    found = []
    for seed in (0, 0, 1):
        torch.rand(7)
        net, others = network(), torch.get_rng_state()
        found.append((train(net, replace(stripes(), flip=True), RECIPE, seed=seed).losses, state(net)))
        assert torch.equal(torch.get_rng_state(), others)
    assert found[0][0] == found[1][0] != found[2][0]
    assert same_state(found[0][1], found[1][1])


def test_bfloat16_reaches_nearly_the_same_loss():
    recipe = replace(RECIPE, learning_rate=0.002)
    ended = [train(network(dropout=0.0), stripes(), recipe, setting=each).losses[-1] for each in (Setting(), BFLOAT16)]
    assert ended[1] == pytest.approx(ended[0], rel=0.03)
    assert ended[1] != ended[0]


def test_one_that_diverges_is_marked_and_the_others_go_on_as_alone():
    crew = [transplanted(n) for n in CUTS]
    with torch.no_grad():
        crew[3].fc8[0].weight.fill_(float("nan"))  # the one whose layers are run for all
    histories = train_together(crew, stripes(), RECIPE, seed=3)
    assert [history.diverged for history in histories] == [False, False, False, True]
    assert [len(history.losses) for history in histories] == [3, 3, 3, 1]
    for n, member in list(zip(CUTS, crew, strict=True))[:3]:
        lone = transplanted(n)
        train(lone, stripes(), RECIPE, seed=3)
        assert same_state(state(lone), state(member))


def test_a_long_gradient_is_shortened_and_keeps_its_direction():
    images = stripes()
    once = Recipe(steps=1, batch_size=len(images), learning_rate=0.1, momentum=0, weight_decay=0, warmup=0, shift=0)
    moves = []
    for clip in (0.0, 0.01):
        net = network()
        before = torch.cat([each.detach().flatten() for each in net.parameters()])
        train(net, images, replace(once, clip=clip))
        moves.append(torch.cat([each.detach().flatten() for each in net.parameters()]) - before)
    plain, clipped = moves
    assert plain.norm() > clipped.norm() == pytest.approx(0.1 * 0.01, rel=1e-3)
    torch.testing.assert_close(clipped / clipped.norm(), plain / plain.norm(), rtol=1e-3, atol=1e-4)


def test_no_batch_of_one_image_reaches_batch_norm():
    """33 images in batches of 32: as batches of 17 and 16, each of which has statistics."""
    history = train(with_batch_norm(), stripes(33), replace(RECIPE, batch_size=32))
    assert not history.diverged


@pytest.mark.parametrize(
    ("net", "images", "recipe", "said"),
    [
        (with_batch_norm(), stripes(8), replace(RECIPE, batch_size=1), "batch norm"),
        (with_batch_norm(frozen=4), stripes(8), RECIPE, "nothing to train"),
        (network(), stripes(0), RECIPE, "0 images"),
    ],
)
def test_what_cannot_be_trained_gets_one_error(net, images, recipe, said):
    with pytest.raises(InputError, match=said):
        train(net, images, recipe)


def test_regression_is_another_loss():
    learn = stripes()
    ratings = replace(learn, labels=learn.pixels.float().mean((1, 2, 3))[:, None] / 10)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Sequential(nn.Flatten(), nn.Linear(768, 16), nn.Tanh()), nn.Linear(16, 1))
    history = train(net, ratings, replace(RECIPE, epochs=15, shift=0), loss=F.mse_loss)
    assert history.losses[-1] < 0.1 * history.losses[0]


def test_floats_go_into_the_network_as_they_are():
    """Features instead of images: nothing to move, to mirror or to normalise."""
    chance = torch.Generator().manual_seed(0)
    rows = Images(torch.randn(60, 10, generator=chance), torch.arange(60) % 4, ("a", "b", "c", "d"))
    found = []
    for shift in (0, 4):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Sequential(nn.Linear(10, 8), nn.ReLU()), nn.Linear(8, 4))
        found.append(train(net, rows, replace(RECIPE, shift=shift)).losses)
    assert found[0] == found[1]


def test_scores_do_not_depend_on_the_batches_and_accuracy_counts_the_highest():
    net, images = network(), stripes(230)  # more than one batch
    whole, parts = loop.scores(net, images), [loop.scores(net, images.at(slice(k, k + 10))) for k in range(0, 230, 10)]
    torch.testing.assert_close(whole, torch.cat(parts))
    right = sum(int(row.argmax()) == int(label) for row, label in zip(whole, images.labels, strict=True))
    assert accuracy(net, images) == right / 230


def test_a_channel_without_variation_says_nothing():
    pixels = stripes().pixels.clone()
    pixels[:, 1] = 77
    images = replace(stripes(), pixels=pixels).measured()
    entering = images.normalise(images.pixels)
    assert entering[:, 1].abs().max() == 0
    for channel in (0, 2):
        assert entering[:, channel].mean().item() == pytest.approx(0, abs=1e-5)
        assert entering[:, channel].std(correction=0).item() == pytest.approx(1, abs=1e-4)
    assert not train(network(), images, replace(RECIPE, epochs=1)).diverged
