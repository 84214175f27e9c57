"""S: the PyTorch loop of the tutorials: a Dataset of PIL images, torchvision transforms, a DataLoader, float32."""

from __future__ import annotations

import time

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from .task import PADDING, Fitted, Task, decay_groups, freeze_prefix, keep_still, orders, rate_at


class Pictures(Dataset):
    """Images and labels as torchvision's CIFAR10 gives them: an array in memory, a PIL image for the transforms."""

    def __init__(self, part, transform) -> None:
        self.arrays = part.images.permute(0, 2, 3, 1).numpy()
        self.labels = part.labels.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(Image.fromarray(self.arrays[index])), self.labels[index]


class InOrder(torch.utils.data.Sampler):
    """Every epoch in the order that everyone has."""

    def __init__(self, images: int, seed: int) -> None:
        self.images, self.orders = images, orders(images, seed)

    def __len__(self) -> int:
        return self.images

    def __iter__(self):
        return iter(next(self.orders))


def loaders(task: Task, half: str, workers: int) -> tuple[DataLoader, DataLoader]:
    """DataLoaders of the training images (augmented) and of the test images."""
    train_set, test_set, images = task.halves(half)
    plain = [transforms.ToTensor(), transforms.Normalize(images.mean, images.std)]
    shifted = [transforms.RandomCrop(32, padding=PADDING, padding_mode="edge")] if task.augment else []
    options = {"num_workers": workers, "persistent_workers": workers > 0}
    size = task.recipe.batch_size
    learn = Pictures(train_set, transforms.Compose(shifted + plain))
    judge = Pictures(test_set, transforms.Compose(plain))
    return (
        DataLoader(learn, batch_size=size, sampler=InOrder(len(learn), task.seed), **options),
        DataLoader(judge, batch_size=500, **options),
    )


def fit(net: nn.Sequential, task: Task, *, half: str = "A", workers: int = 0, stop: int = 0) -> Fitted:
    """Train ``net`` in place; ``stop`` > 0 ends after so many steps."""
    learn, judge = loaders(task, half, workers)
    recipe, prefix = task.recipe, freeze_prefix(net, task.frozen)
    optimiser = torch.optim.SGD(decay_groups(net, recipe), lr=recipe.learning_rate, momentum=recipe.momentum)
    shares = rate_at(recipe, len(learn.dataset))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, shares.__getitem__)
    criterion, losses, top1 = nn.CrossEntropyLoss(), [], []
    start = time.perf_counter()
    for _ in range(recipe.epochs):
        net.train()
        keep_still(prefix)
        for images, labels in learn:
            optimiser.zero_grad()
            loss = criterion(net(images), labels)
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            if len(losses) == stop:
                return Fitted(losses, top1, time.perf_counter() - start)
        net.eval()
        with torch.no_grad():
            right = sum((net(images).argmax(1) == labels).sum().item() for images, labels in judge)
        top1.append(right / len(judge.dataset))
    return Fitted(losses, top1, time.perf_counter() - start)
