"""Lightning: a LightningModule and a Trainer on the DataLoaders of S, in the fastest number format of this machine."""

from __future__ import annotations

import logging
import time
import warnings

import lightning
import torch
import torch.nn.functional as F
from torch import nn

from fctransfer_utils.training import Execution, probe

from .stock import loaders
from .task import Fitted, Task, decay_groups, freeze_prefix, keep_still, rate_at


class Module(lightning.LightningModule):
    """The network with its loss, optimiser and schedule."""

    def __init__(self, net: nn.Sequential, task: Task, images: int) -> None:
        super().__init__()
        self.net, self.task, self.images = net, task, images
        self.prefix = freeze_prefix(net, task.frozen)
        self.losses, self.top1, self.right = [], [], []

    def configure_optimizers(self):
        recipe = self.task.recipe
        optimiser = torch.optim.SGD(decay_groups(self.net, recipe), lr=recipe.learning_rate, momentum=recipe.momentum)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate_at(recipe, self.images).__getitem__)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        keep_still(self.prefix)

    def training_step(self, batch, _):
        images, labels = batch
        loss = F.cross_entropy(self.net(images), labels)
        self.losses.append(loss.detach())
        return loss

    def validation_step(self, batch, _) -> None:
        images, labels = batch
        self.right.append((self.net(images).argmax(1) == labels).float())

    def on_validation_epoch_end(self) -> None:
        self.top1.append(torch.cat(self.right).mean().item())
        self.right = []


def fit(
    net: nn.Sequential,
    task: Task,
    *,
    half: str = "A",
    workers: int = 0,
    execution: Execution | None = None,
    stop: int = 0,
) -> Fitted:
    """Train ``net`` in place; ``stop`` > 0 ends after so many steps."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    execution = execution or probe()
    learn, judge = loaders(task, half, workers)
    net.to(memory_format=execution.memory_format)
    module = Module(net, task, len(learn.dataset))
    trainer = lightning.Trainer(
        accelerator="cpu", max_epochs=task.recipe.epochs, max_steps=stop or -1, logger=False, num_sanity_val_steps=0,
        precision="32-true" if execution.precision == "float32" else "bf16-mixed", enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    start = time.perf_counter()
    trainer.fit(module, learn, judge)
    seconds = time.perf_counter() - start
    return Fitted([each.item() for each in module.losses], module.top1, seconds)
