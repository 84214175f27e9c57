"""The contestants by name, and the grid of 30 networks as a user of theirs would write it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from .task import Fitted, Task

MODULES = {"ours": "ours", "stock": "stock", "tuned": "tuned", "lightning": "lightning_peer", "fastai": "fastai_peer"}
PEERS = tuple(name for name in MODULES if name != "ours")
FLOAT32 = ("stock", "fastai")  # they have no number format to choose here
WITH_LOADERS = ("stock", "lightning")
LAYERS = 8


def fit_of(name: str) -> Callable[..., Fitted]:
    """The function that trains one network as ``name`` does. ImportError when its package is not installed."""
    return importlib.import_module(f".{MODULES[name]}", __package__).fit


def missing() -> dict[str, str]:
    """Peers whose package is not installed, with the reason."""
    found = {}
    for name in PEERS:
        try:
            fit_of(name)
        except ImportError as error:
            found[name] = str(error)
    return found


def options_of(name: str, *, workers: int, execution: Any) -> dict[str, Any]:
    """What ``fit`` of ``name`` takes beside the task: DataLoader workers, or the number format."""
    options: dict[str, Any] = {"workers": workers} if name in WITH_LOADERS else {}
    return options if name in FLOAT32 else {**options, "execution": execution}


def plan() -> list[tuple[str, int]]:
    """What follows the two bases in the grid: the four treatments at seven cuts."""
    return [(treatment, cut) for cut in range(1, LAYERS) for treatment in ("BnB", "BnB+", "AnB", "AnB+")]


def train_bases(name: str, task: Task, halves: tuple[str, ...], folder: Path, **options: Any) -> dict[str, float]:
    """Train the bases of ``halves`` and keep their weights in ``folder``; their top-1."""
    found = {}
    for half in halves:
        net = task.network(seed="AB".index(half))
        found[half] = fit_of(name)(net, task, half=half, **options).top1[-1]
        torch.save(net.state_dict(), folder / f"{half}.pt")
    return found


def train_rest(name: str, task: Task, part: slice, folder: Path, **options: Any) -> list[tuple[str, float]]:
    """Train the networks ``part`` of the plan from the bases in ``folder``; treatment and top-1 of each."""
    fit, found = fit_of(name), []
    donors = {half: torch.load(folder / f"{half}.pt", weights_only=True) for half in "AB"}
    for treatment, cut in plan()[part]:
        net = task.network(seed=2)
        donor = task.network()
        donor.load_state_dict(donors[treatment[0]])
        for number in range(cut):
            net[number].load_state_dict(donor[number].state_dict())
        own = replace(task, seed=task.seed + 2, frozen=0 if treatment.endswith("+") else cut)
        found.append((treatment, fit(net, own, half="B", **options).top1[-1]))
    return found
