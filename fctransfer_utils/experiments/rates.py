"""The search for the learning rate, on the first network of a study, as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.splits import make_split
from ..training.execution import probe
from ..training.learning_rate import GRID, best, search
from .run_network import half
from .study import Study
from .worker import load_images

if TYPE_CHECKING:
    from ..training.execution import Execution


def rate_lines(
    study: Study,
    *,
    data_root: Path | str | None = None,
    grid: Sequence[float] | None = None,
    execution: Execution | None = None,
) -> Iterator[str]:
    """Search with the network, recipe, images and first split of ``study``, on half A; a line per rate, then the best.

    See ``training.learning_rate``. Raises InputError for an unusable grid or unusable data.
    """
    first = study.runs[0]
    images = load_images(first.data, data_root)
    trials = search(
        images,
        half(make_split(first.split, images), "A"),
        net=first.net,
        recipe=first.recipe,
        execution=execution or probe(),
        grid=GRID if grid is None else tuple(grid),
        images_per_class=first.images_per_class,
        seed=first.seed,
    )
    for trial in trials:
        outcome = "diverged" if trial.diverged else f"validation top-1 {trial.validation_top1:.4f}"
        yield f"learning rate {trial.learning_rate:g}: {outcome}, training loss {trial.train_loss:.4f}"
    yield f"best: {best(trials).learning_rate:g}"
