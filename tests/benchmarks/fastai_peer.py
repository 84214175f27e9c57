"""fastai: a Learner on its own DataLoaders and transforms, in float32 (its mixed precision is for GPUs)."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import torch
from fastai.callback.core import Callback, CancelFitException
from fastai.callback.progress import ProgressCallback
from fastai.data.core import DataLoaders, Datasets, TfmdDL
from fastai.data.transforms import IntToFloatTensor, Normalize, ToTensor
from fastai.learner import Learner
from fastai.optimizer import OptimWrapper
from fastai.vision.augment import CropPad, PadMode, RandomCrop
from fastai.vision.core import PILImage
from torch import nn

from .task import PADDING, Fitted, Task, decay_groups, freeze_prefix, keep_still, orders, rate_at


class Keeping(Callback):
    """Sets the rate of every step, keeps frozen layers still and notes losses; ends after ``stop`` steps."""

    def __init__(self, task: Task, prefix: nn.Sequential, rates: list[float], stop: int) -> None:
        super().__init__()
        self.task, self.prefix, self.rates, self.stop = task, prefix, rates, stop
        self.losses, self.top1, self.right = [], [], []

    def before_batch(self) -> None:
        if self.training:
            keep_still(self.prefix)
            self.opt.set_hypers(lr=self.task.recipe.learning_rate * self.rates[len(self.losses)])

    def after_batch(self) -> None:
        if self.training:
            self.losses.append(self.loss.detach().clone())
            if len(self.losses) == self.stop:
                raise CancelFitException

    def after_pred(self) -> None:
        if not self.training:
            self.right.append((self.pred.argmax(1) == self.yb[0]).float())

    def after_validate(self) -> None:
        self.top1.append(torch.cat(self.right).mean().item())
        self.right = []


def data(task: Task, half: str) -> DataLoaders:
    """fastai's pipeline: PIL images, transforms of items, then of batches."""
    train_set, test_set, images = task.halves(half)
    arrays = [part.images.permute(0, 2, 3, 1).numpy() for part in (train_set, test_set)]
    labels = [part.labels.tolist() for part in (train_set, test_set)]
    made = []
    for place in (0, 1):
        tfms = [[partial(_picture, arrays[place])], [partial(_label, labels[place])]]
        dataset = Datasets(list(range(len(labels[place]))), tfms=tfms)
        shifted = (
            [CropPad(32 + 2 * PADDING, pad_mode=PadMode.Border), RandomCrop(32)] if task.augment and not place else []
        )
        of_batch = [IntToFloatTensor(), Normalize.from_stats(images.mean, images.std, cuda=False)]
        made.append(
            TfmdDL(
                dataset, bs=(task.recipe.batch_size, 500)[place], after_item=[*shifted, ToTensor()],
                after_batch=of_batch, num_workers=0, shuffle=False, device=torch.device("cpu"),
            )
        )  # fmt: skip
    epochs = orders(len(labels[0]), task.seed)
    made[0].get_idxs = lambda: next(epochs)
    return DataLoaders(*made, device=torch.device("cpu"))


def _picture(arrays: np.ndarray, index: int) -> PILImage:
    return PILImage.create(arrays[index])


def _label(labels: list[int], index: int) -> torch.Tensor:
    return torch.tensor(labels[index])


def fit(net: nn.Sequential, task: Task, *, half: str = "A", stop: int = 0) -> Fitted:
    """Train ``net`` in place; ``stop`` > 0 ends after so many steps."""
    recipe, prefix, loaders = task.recipe, freeze_prefix(net, task.frozen), data(task, half)
    keeping = Keeping(task, prefix, rate_at(recipe, len(loaders.train_ds)), stop)

    def optimiser(params, lr, **_):
        groups = decay_groups(net, recipe)
        return OptimWrapper(opt=torch.optim.SGD(groups, lr=lr, momentum=recipe.momentum))

    learner = Learner(loaders, net, loss_func=nn.CrossEntropyLoss(), opt_func=optimiser, cbs=[keeping], train_bn=False)
    start = time.perf_counter()
    learner.remove_cb(ProgressCallback)
    with learner.no_logging():
        learner.fit(recipe.epochs, lr=recipe.learning_rate)
    seconds = time.perf_counter() - start
    return Fitted([each.item() for each in keeping.losses], keeping.top1, seconds)
