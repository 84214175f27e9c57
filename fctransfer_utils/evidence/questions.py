"""What notebook 11 answers questions with: fine-tuning and probes of the bundled network on draws of pages.

How a head is trained, a network fine-tuned and a probe fitted is handed in, for the notebook writes it out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.functional import rotate

from .. import keep
from ..data.documents import documents
from ..data.folders import read_all
from ..data.glyphs import textures
from ..data.groups import copies
from ..data.images import Images
from ..errors import InputError
from ..models.plain import Source
from ..models.pretrained import BUNDLED, bundled
from ..training.choices import FIRST_RATES, RATES
from ..training.features import features, for_bundled
from ..training.loop import accuracy
from ..training.recipe import best_rate, tried_rates

CUTS = range(1, 19)  # the blocks of the bundled network
TUNE = 99  # the draw of pages that rates are chosen on
SETTINGS = ((5, 64), (10, 64), (20, 64), (40, 64), (20, 128), (20, 224))  # pages a class, and their pixels


def shifted(batch: Tensor, chance: torch.Generator) -> Tensor:
    """Images (N, C, H, W) moved by up to 4 pixels, all of a batch alike."""
    across, down = torch.randint(0, 9, (2,), generator=chance).tolist()
    height, width = batch.shape[2:]
    return F.pad(batch, (4, 4, 4, 4), mode="replicate")[..., down : down + height, across : across + width]


def mirrored(batch: Tensor, chance: torch.Generator) -> Tensor:
    """Images (N, C, H, W), each mirrored with probability 1/2."""
    return torch.where(torch.rand(len(batch), 1, 1, 1, generator=chance) < 0.5, batch.flip(3), batch)


ARMS = {
    "12 blocks frozen": {}, "nothing frozen": {"frozen": 0}, "statistics of batches": {"kept": False},
    "head at random": {}, "moved by up to 4 pixels": {"change": shifted}, "mirrored": {"change": mirrored},
}  # fmt: skip


def pages(
    draw: int, *, per_class: int = 20, test_per_class: int = 50, size: int = 64, make: Callable = documents
) -> tuple[Images, Images]:
    """Images to learn and to test, as the bundled network expects them: floats (N, 3, size, size)."""
    parts = map(for_bundled, make(per_class=per_class, test_per_class=test_per_class, size=size, seed=draw))
    learn, test = (replace(each, pixels=each.normalise(each.pixels)) for each in parts)
    return learn, test


def fine_tuned(head_first: Callable, fine_tune: Callable, *, draws: Sequence[int] = range(1, 6)) -> pd.DataFrame:
    """Every way of ``ARMS``, at the one of ``choices.RATES`` that is best on the draw TUNE, and the head alone.

    ``head_first``: gives a layer that has learnt features (N, F) and labels (N,). ``fine_tune``: gives a network that
    has learnt with such a head, from pixels, labels, ``rate``, ``seed`` and the options of a way.

    ``top1`` (%) on the test pages; ``moved``: how far blocks 13 to 18 went, see ``moved``. Raises InputError where TUNE
    is among ``draws``, for what chose may not judge.
    """
    if TUNE in draws:
        raise InputError(f"draw {TUNE} chooses the rates, so it judges nothing; give others, such as 1 to 5.")
    net, rows, best = bundled().eval(), [], {}

    def attempt(draw: int, arm: str, first: nn.Linear, learn: Images, test: Images, rate: float) -> float:
        torch.manual_seed(draw)
        head = nn.Linear(first.in_features, first.out_features) if arm == "head at random" else first
        tuned = fine_tune(head, learn.pixels, learn.labels, rate=rate, seed=draw, **ARMS[arm])
        top1 = 100 * accuracy(tuned, test)
        rows.append((arm, draw, rate, top1, moved(net[12:18], tuned[12:18])))
        return top1

    for draw in (TUNE, *draws):
        learn, test = pages(draw)
        vectors, test_vectors = (features(net, images, cuts=[18])[18] for images in (learn, test))
        first = head_first(vectors, learn.labels)
        for arm in ARMS:
            score = partial(attempt, draw, arm, first, learn, test)
            if draw == TUNE:
                best[arm] = best_rate(tried_rates(score, FIRST_RATES, RATES))
            else:
                score(best[arm])
        alone = Images(test_vectors, test.labels, test.classes)
        rows.append(("head alone", draw, 0.0, 100 * accuracy(first, alone), 0.0))
    return pd.DataFrame(rows, columns=["arm", "seed", "rate", "top1", "moved"]).round(4)


def moved(before: nn.Module, after: nn.Module) -> float:
    """How far (%) all weights have moved, relative to their length."""
    pairs = list(zip(before.parameters(), after.parameters(), strict=True))
    away = sum((new - old).square().sum() for old, new in pairs)
    return 100 * (away / sum(old.square().sum() for old, _ in pairs)).sqrt().item()


def probed(fit: Callable, *, draws: Iterable[int] = range(1, 6), test_per_class: int = 50) -> pd.DataFrame:
    """Probes on every draw: a ``question``, a ``setting``, a ``choice`` and the ``value`` that it has.

    ``fit``: gives, for features (N, F), labels (N,) or other targets and ``good``, how good a probe is inside folds,
    and the probe as a function of features.

    "choices": top-1 (%) behind the last block, the block that folds choose, and all of them, by pages a class and size.
    "places": of pages and textures, from the map behind block 12 averaged to 1, 2 and 4 places a side. "angle": by how
    many degrees a probe errs (median) of pages that are turned.
    """
    net, rows = bundled().eval(), []
    both = {"pages": documents, "textures": partial(textures, classes=5)}
    for draw in draws:
        for count, size in SETTINGS:
            tried = _every_cut(net, fit, *pages(draw, per_class=count, test_per_class=test_per_class, size=size))
            inside = {n: tried[n][0] for n in CUTS}
            chosen = {"last cut": 18, "chosen cut": max(inside, key=lambda n: inside[n]), "all cuts": "all"}
            setting = f"{count} a class, {size} pixels"
            rows += [("choices", setting, name, draw, tried[cut][1]) for name, cut in chosen.items()]
        for name, make in both.items():
            learn, test = pages(draw, test_per_class=test_per_class, make=make)
            for pool in (1, 2, 4):
                x, x_test = (features(net, images, cuts=[12], pool=pool)[12] for images in (learn, test))
                top1 = _right(fit(x, learn.labels)[1](x_test), test.labels)
                rows.append(("places", name, f"{pool} x {pool}", draw, top1))
        learn, test = pages(draw, test_per_class=test_per_class)
        (learn, angles), (test, test_angles) = turned(learn, draw), turned(test, draw + 100)
        found, judged = (features(net, images, cuts=range(3, 19, 3)) for images in (learn, test))
        for n, x in found.items():
            scores = fit(x, angles, good=lambda scores, targets: -(scores - targets).square().mean())[1](judged[n])
            rows.append(("angle", "degrees off", f"block {n}", draw, (scores - test_angles).abs().median().item()))
    return pd.DataFrame(rows, columns=["question", "setting", "choice", "draw", "value"]).round(2)


def turned(images: Images, draw: int) -> tuple[Images, Tensor]:
    """Images turned by up to 20 degrees on a ground as light as their lightest place, and the angles (N, 1)."""
    angles = 40 * torch.rand(len(images), generator=torch.Generator().manual_seed(draw)) - 20
    both = zip(images.pixels, angles.tolist(), strict=True)
    turns = [rotate(page, angle, fill=page.amax((1, 2)).tolist()) for page, angle in both]
    return replace(images, pixels=torch.stack(turns)), angles.double()[:, None]


def kept(folder: Path, *, most: int = 180) -> pd.DataFrame:
    """Every choice of ``fctransfer keep`` in each split of at most so many images of a set, without a limit of time.

    At most 20 classes are taken, spread over all that there are.
    """
    images, _, summary = read_all(folder, size=64)
    images = images.of_classes(range(0, len(images.classes), -(-len(images.classes) // 20)))
    images = for_bundled(images.draw(most // len(images.classes), seed=0))
    source, never = Source(BUNDLED, 64, 1000), float("inf")
    found = keep.measure(bundled(), images, summary, source, groups=copies(images), folds=3, deadline=never)
    digits = {"top1": 3, "inside": 3, "seconds": 3}
    return found.splits[found.splits.choice != "one cut"].assign(images=folder.name).round(digits)


def _every_cut(net: nn.Sequential, fit: Callable, learn: Images, test: Images) -> dict[int | str, tuple[float, float]]:
    """For each block, and all together, how good a probe is inside the folds and on the test images."""
    found, judged = (features(net, images, cuts=CUTS) for images in (learn, test))
    for each in (found, judged):
        each["all"] = torch.cat(list(each.values()), 1)
    probes = {n: fit(x, learn.labels) for n, x in found.items()}
    return {n: (inside, _right(probe(judged[n]), test.labels)) for n, (inside, probe) in probes.items()}


def _right(scores: Tensor, labels: Tensor) -> float:
    return 100 * (scores.argmax(1) == labels).double().mean().item()
