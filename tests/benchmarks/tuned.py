"""T: a PyTorch loop by someone who knows how: tensors in memory, transforms on batches, channels_last, fused SGD."""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.transforms import v2

from fctransfer_utils.training import Execution, probe

from .task import PADDING, Fitted, Task, decay_groups, freeze_prefix, keep_still, orders, rate_at


def fit(
    net: nn.Sequential, task: Task, *, half: str = "A", execution: Execution | None = None, stop: int = 0
) -> Fitted:
    """Train ``net`` in place in the fastest number format of this machine; ``stop`` > 0 ends after so many steps.

    torchvision's v2.RandomCrop draws one shift for a whole batch: fewer random numbers than the others', no less work.
    """
    train_set, test_set, images = task.halves(half)
    recipe, prefix = task.recipe, freeze_prefix(net, task.frozen)
    execution = execution or probe()
    net.to(memory_format=execution.memory_format)
    plain = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(images.mean, images.std)]
    shifted = [v2.RandomCrop(32, padding=PADDING, padding_mode="edge")] if task.augment else []
    for_learning, for_judging = v2.Compose(shifted + plain), v2.Compose(plain)
    options = {"lr": recipe.learning_rate, "momentum": recipe.momentum, "fused": True}
    optimiser = torch.optim.SGD(decay_groups(net, recipe), **options)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate_at(recipe, len(train_set.labels)).__getitem__)
    epochs, losses, top1 = orders(len(train_set.labels), task.seed), [], []
    start = time.perf_counter()
    for _ in range(recipe.epochs):
        net.train()
        keep_still(prefix)
        for chosen in torch.tensor(next(epochs)).split(recipe.batch_size):
            batch = for_learning(train_set.images[chosen]).contiguous(memory_format=execution.memory_format)
            with execution.autocast():
                outputs = net(batch)
            loss = F.cross_entropy(outputs.float(), train_set.labels[chosen])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.detach())
            if len(losses) == stop:
                return Fitted([each.item() for each in losses], top1, time.perf_counter() - start)
        net.eval()
        right = 0
        with torch.inference_mode(), execution.autocast():
            for batch, labels in zip(test_set.images.split(500), test_set.labels.split(500), strict=True):
                judged = for_judging(batch).contiguous(memory_format=execution.memory_format)
                right += (net(judged).argmax(1) == labels).sum().item()
        top1.append(right / len(test_set.labels))
    return Fitted([each.item() for each in losses], top1, time.perf_counter() - start)
