"""What a step costs is counted from shapes, and it is what a real step does and saves."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from fctransfer_utils.models import NetSpec, build, freeze
from fctransfer_utils.training import Execution, Recipe
from fctransfer_utils.training.speed import training_speed
from fctransfer_utils.training.work import FLOAT, memory_of, work_per_image

CUTS = [0, 1, 4, 5, 7]


def net(device="cpu", **options):
    with torch.device(device):
        return build(NetSpec(**{"width": 12, **options}), classes=5, image_size=32, seed=0)


def a_step(model, frozen, images):
    """One forward and backward pass as training makes them."""
    freeze(model, frozen)
    with torch.no_grad():
        signal = model[:frozen](images)
    F.cross_entropy(model[frozen:](signal), torch.zeros(len(images), dtype=torch.int64)).backward()


@pytest.mark.parametrize("frozen", CUTS)
def test_the_count_is_that_of_torchs_own_counter(frozen):
    work = work_per_image(net("meta"), frozen, image_size=32)
    model = net().train()
    with FlopCounterMode(display=False) as counter:
        a_step(model, frozen, torch.randn(4, 3, 32, 32))
    assert counter.get_total_flops() == 2 * 4 * (work.forward + work.backward)


def test_grouped_convolutions_count_as_what_they_are():
    with torch.device("meta"):
        caffenet = build(NetSpec("caffenet", init="gaussian"), classes=1000, image_size=227, seed=0)
    work = work_per_image(caffenet, 0, image_size=227)
    assert work.forward == 724_406_816
    first = 55 * 55 * 96 * 3 * 11 * 11
    assert work.backward == 2 * work.forward - first  # images need no gradient
    assert sum(parameter.numel() for parameter in caffenet.parameters()) == 60_965_224


def test_layers_above_one_that_learns_need_gradients_of_their_input_only():
    plain = work_per_image(net("meta"), 0, image_size=32)
    stitch = work_per_image(net("meta"), (1, 2, 3, 5, 6, 7, 8), image_size=32)
    above = work_per_image(net("meta"), 4, image_size=32)
    assert stitch.forward == plain.forward
    assert stitch.backward < plain.backward
    fourth = 8 * 8 * 48 * 48 * 9  # its weights learn, and nothing is asked of its input
    layers_behind = (above.backward + (8 * 8 * 48 * 32 * 9)) // 2
    assert stitch.backward == fourth + layers_behind


def test_a_prefix_can_be_kept_up_to_the_first_dropout():
    kept = {n: work_per_image(net("meta", dropout=0.5), n, image_size=32) for n in (3, 5, 7)}
    assert kept[3].kept == 48 * 8 * 8 * FLOAT
    assert kept[7].prefix == kept[5].prefix > kept[3].prefix > 0
    assert work_per_image(net("meta", dropout=0.0), 7, image_size=32).prefix > kept[7].prefix


@pytest.mark.parametrize("frozen", CUTS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_memory_is_what_a_real_step_saves(frozen, batch_norm):
    model = net(batch_norm=batch_norm).train()
    told = memory_of(model, frozen, image_size=32, batch=6)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    saved = {}

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in own:
            saved[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        a_step(model, frozen, torch.randn(6, 3, 32, 32))
    real = sum(tensor.untyped_storage().nbytes() for tensor in saved.values())
    assert told.activations == pytest.approx(real, rel=0.02)
    parameters = list(model.parameters())
    assert told.weights == FLOAT * sum(parameter.numel() for parameter in parameters)
    assert told.gradients == 2 * FLOAT * sum(p.numel() for p in parameters if p.requires_grad)
    assert told.total == told.weights + told.gradients + told.activations


def test_memory_of_activations_grows_with_the_batch_and_falls_with_the_cut():
    few, many = (memory_of(net("meta"), 0, image_size=32, batch=batch).activations for batch in (8, 80))
    assert 9 < many / few < 11
    cuts = [memory_of(net("meta"), n, image_size=32, batch=8).activations for n in (0, 3, 7)]
    assert cuts == sorted(cuts, reverse=True)


def test_the_probe_measures_a_speed_and_counts_its_operations():
    work = work_per_image(net("meta"), 3, image_size=32)
    speed = training_speed(
        net(), image_size=32, recipe=Recipe(batch_size=8), execution=Execution(), frozen=3, seconds=0.0
    )
    assert speed.images > 0
    assert speed.operations == pytest.approx(2 * (work.forward + work.backward) * speed.images)
