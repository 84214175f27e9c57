"""The small experiments of notebook 11 with other losses: the rotation or size of a glyph, and several labels at once.

The images are glyphs whose making is known (``data.glyph_targets``), at the size of the run's images, whatever set the
donor learnt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from torch import Tensor

    from ..data.glyph_targets import GlyphTargets
    from ..models.heads import HeadSpec
    from ..training.recipe import Recipe
    from .moved import Moved

GRID = 4  # maps are averaged to 4 x 4 places, so that every cut gives a head about as much to learn from


@dataclass(frozen=True)
class Glyphs:
    """Training and judging images with their targets, and what each cut of the donor makes of them (N, F)."""

    learn: GlyphTargets
    judge: GlyphTargets
    features: dict[str, tuple[Tensor, Tensor]]

    def part(self, cut: str, targets) -> tuple:
        """Both parts at ``cut`` with ``targets(GlyphTargets)`` (N, K) as training.objectives wants them."""
        from ..training.objectives import Targets

        ours, theirs = self.features[cut]
        return Targets(ours, targets(self.learn)), Targets(theirs, targets(self.judge))


def glyph_task(task: Moved, *, cuts: Sequence[str], images: int, judging: int, seed: int) -> Glyphs:
    """``images`` to learn from and ``judging`` to judge: letters of half B where the donor learnt glyphs, else any."""
    from ..data.glyph_classes import LETTERS
    from ..data.glyph_targets import render_targets
    from ..data.splits import make_split
    from ..training.features import activations

    letters = [character for group in LETTERS.values() for character in group]
    chosen = letters
    if task.images.name == "glyphs":
        half = make_split("random0", task.images).halves["B"]
        chosen = [task.images.class_ids[index] for index in half if task.images.class_ids[index] in letters]
    parts = [
        render_targets(chosen, count=count, image_size=task.images.image_size, seed=seed, part=part)
        for part, count in (("train", images), ("test", judging))
    ]
    seen = [activations(task.net, part.images, layers=cuts, pool=GRID, **task.pixels) for part in parts]
    return Glyphs(*parts, {cut: (seen[0][cut], seen[1][cut]) for cut in cuts})


def regression_by_cut(
    glyphs: Glyphs, quantity: str, *, spec: HeadSpec, recipe: Recipe, seeds: Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``quantity`` from every frozen cut by mean squared error: ``cut, seed, error, explained``; and the predictions of
    the first seed: ``cut, true, predicted``.
    """
    scores, predicted = [], []
    for cut in glyphs.features:
        for seed in seeds:
            learn, judge = glyphs.part(cut, lambda part: part.quantity(quantity))
            found = _fitted(learn, judge, "regression", spec, recipe, seed)
            scores.append((cut, seed, found.values["error"], found.values["explained"]))
            if seed == seeds[0]:
                pairs = zip(judge.targets[:, 0].tolist(), found.predictions[:, 0].tolist(), strict=True)
                predicted += [(cut, true, guess) for true, guess in pairs]
    return (
        pd.DataFrame(scores, columns=["cut", "seed", "error", "explained"]),
        pd.DataFrame(predicted, columns=["cut", "true", "predicted"]),
    )


def last_layers(
    glyphs: Glyphs, quantity: str, *, cut: str, specs: Mapping[str, HeadSpec], recipe: Recipe, seeds: Sequence[int]
) -> pd.DataFrame:
    """What follows the last layer of a regression: ``head, output, seed, error, explained, diverged``."""
    from ..training.objectives import OUTPUTS

    learn, judge = glyphs.part(cut, lambda part: part.quantity(quantity))
    rows = []
    for name, spec in specs.items():
        for output in OUTPUTS:
            for seed in seeds:
                found = _fitted(learn, judge, "regression", spec, recipe, seed, output)
                rows.append((name, output, seed, found.values["error"], found.values["explained"], found.diverged))
    return pd.DataFrame(rows, columns=["head", "output", "seed", "error", "explained", "diverged"])


def learning_trunks(
    task: Moved, glyphs: Glyphs, quantity: str, *, spec: HeadSpec, recipe: Recipe, seeds: Sequence[int]
) -> pd.DataFrame:
    """The same regression with the convolutions learning, from the donor's and from new weights.

    Columns ``start`` (transferred, from scratch), ``seed, epoch, error, explained``.
    """
    from ..models.heads import attach, build_head, feature_size
    from ..training.objectives import Objective, Targets, fit
    from .moved import fresh_trunk

    size = task.images.image_size
    learn, judge = (Targets(part.images, part.quantity(quantity)) for part in (glyphs.learn, glyphs.judge))
    rows = []
    for start in ("transferred", "from scratch"):
        for seed in seeds:
            trunk = task.trunk if start == "transferred" else fresh_trunk(task, seed=seed)
            features = feature_size(trunk, image_size=size)
            head = build_head(spec, features=features, classes=1, seed=seed, first=6)
            found = fit(
                attach(trunk, head, image_size=size), learn, judge, seed=seed, recipe=recipe,
                objective=Objective.of("regression", learn.targets), **task.pixels,
            )  # fmt: skip
            rows += [(start, seed, s.epoch, s.values["error"], s.values["explained"]) for s in found.curve]
    return pd.DataFrame(rows, columns=["start", "seed", "epoch", "error", "explained"])


def several_labels(glyphs: Glyphs, *, spec: HeadSpec, recipe: Recipe, seeds: Sequence[int]) -> pd.DataFrame:
    """Four labels that may hold together, from every frozen cut, with the right and with the wrong loss.

    Columns ``cut, loss, seed, right, all_right`` and the share of right answers for each of ATTRIBUTES.
    """
    from ..data.glyph_targets import ATTRIBUTES

    rows = []
    for cut in glyphs.features:
        for loss in ("multi-label", "one of many"):
            for seed in seeds:
                learn, judge = glyphs.part(cut, lambda part: part.attributes())
                found = _fitted(learn, judge, loss, spec, recipe, seed)
                each = ((found.predictions >= 0.5) == (judge.targets == 1)).float().mean(0).tolist()
                rows.append((cut, loss, seed, found.values["right"], found.values["all_right"], *each))
    return pd.DataFrame(rows, columns=["cut", "loss", "seed", "right", "all_right", *ATTRIBUTES])


def _fitted(learn, judge, loss: str, spec: HeadSpec, recipe: Recipe, seed: int, output: str = "linear"):
    from ..models.heads import build_head
    from ..training.objectives import Objective, fit

    head = build_head(spec, features=learn.inputs.shape[1], classes=learn.targets.shape[1], seed=seed)
    objective = Objective.of(loss, learn.targets, output=output)
    return fit(head, learn, judge, objective=objective, recipe=recipe, seed=seed)
