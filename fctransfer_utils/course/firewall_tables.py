"""The rows of the measures of notebook 10, for one network at a time; see ``course.firewall``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from torch import Tensor, nn

    from ..data.image_set import ImageSet, Labelled
    from ..experiments.spec import RunSpec

UNTRAINED, NO_NETWORK = "untrained", "no network"
SEPARATED, GRADIENT = 20, 5  # images per class behind the separation of classes, and behind the first gradient
PICTURE = 32  # pixels a side of a stored picture; photographs are not stored
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Boxed:
    """Images uint8 (N, 3, S, S) with labels (N,), known boxes (N, 4) and the name of each image's class."""

    name: str
    images: Tensor
    labels: np.ndarray
    boxes: np.ndarray
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A source network, its ``split, seed, arm`` in tables, its specification, and the images that it comes from."""

    net: nn.Sequential
    place: dict[str, Any]
    spec: RunSpec
    images: ImageSet

    @property
    def pixels(self) -> dict[str, Any]:
        """The keyword arguments of whatever takes images."""
        return {"mean": self.images.mean, "std": self.images.std, "execution": _execution()}

    @property
    def learnt(self) -> bool:
        """Whether it has been trained."""
        return self.place["arm"] != UNTRAINED


def rows_of(source: Source, boxed: Boxed, *, seed: int) -> dict[str, Rows]:
    """The rows of one network for ``boxes, retrieval, concentration, separation``; ``seed`` draws its own images."""
    from ..analysis.localise import summed
    from ..training.maps import last_maps

    maps = last_maps(source.net, boxed.images, **source.pixels).numpy()
    heat = summed(maps)
    return {
        "boxes": _localised(source, heat, boxed),
        "retrieval": _retrieved(maps, heat, boxed),
        "concentration": [_concentrated("forward", boxed.name, maps, heat), *_first_gradients(source, seed)],
        "separation": _separated(source, seed),
    }


def guesses(boxed: Boxed, *, split: str, seed: int) -> Rows:
    """The boxes that look at nothing: the whole picture, and one in the middle of the mean size."""
    from ..analysis.localise import centred_boxes, whole_boxes

    place = {"split": split, "seed": seed, "arm": NO_NETWORK}
    ways = {"whole": whole_boxes(len(boxed.boxes)), "centre": centred_boxes(boxed.boxes)}
    return [{**place, **row} for method, boxes in ways.items() for row in _shares(method, boxes, boxed)]


def map_rows(source: Source, boxed: Boxed, shown: Sequence[int]) -> Rows:
    """Heat maps of the shown images, a line per row of cells: ``image, method, row`` and ``c0, c1, ...``."""
    from ..training.maps import gradient_class_maps, last_maps

    images = boxed.images[list(shown)]
    ways = {"scda": last_maps(source.net, images, **source.pixels).sum(1)}
    if source.learnt:
        ways["gradcam"] = gradient_class_maps(source.net, images, **source.pixels)
    return [
        {"image": image, "method": method, "row": row} | {f"c{column}": value for column, value in enumerate(line)}
        for method, heat in ways.items()
        for image, cells in zip(shown, heat.tolist(), strict=True)
        for row, line in enumerate(cells)
    ]


def picture_rows(boxed: Boxed, shown: Sequence[int], *, rendered: bool) -> Rows:
    """The shown images: class, box, and for ``rendered`` ones the picture at 32 pixels, in hexadecimal digits."""
    import torch.nn.functional as F

    rows = []
    for image in shown:
        small = F.interpolate(boxed.images[image : image + 1].float(), size=PICTURE, mode="area")[0]
        digits = small.round().byte().permute(1, 2, 0).contiguous().numpy().tobytes().hex()
        sides = dict(zip(("left", "top", "right", "bottom"), boxed.boxes[image].tolist(), strict=True))
        about = {"images_of": boxed.name, "image": image, "class": boxed.classes[image]}
        rows.append({**about, **sides, "pixels": f"#{digits}" if rendered else ""})
    return rows


def pixels_of(pictures: pd.DataFrame) -> Mapping[int, np.ndarray]:
    """The stored pictures by their image number, uint8 (h, w, 3); those that are not stored are absent."""
    import numpy as np

    digits = {row.image: row.pixels for row in pictures.itertuples() if str(row.pixels).startswith("#")}
    shape = (PICTURE, PICTURE, 3)
    return {image: np.frombuffer(bytes.fromhex(text[1:]), np.uint8).reshape(shape) for image, text in digits.items()}


def other_half(spec: RunSpec) -> str:
    """The half of the classes that a network has not learnt."""
    return {"A": "B", "B": "A"}[spec.target]


def _localised(source: Source, heat: np.ndarray, boxed: Boxed) -> Rows:
    from ..analysis.localise import scda_boxes
    from ..training.maps import averages_last, class_activation_maps, gradient_class_maps

    found = {"scda": scda_boxes(heat), "scda cells": scda_boxes(heat, side=0)}
    ways = {"gradcam": gradient_class_maps} if source.learnt else {}
    if source.learnt and averages_last(source.net):
        ways["cam"] = class_activation_maps
    for method, way in ways.items():
        found[method] = scda_boxes(way(source.net, boxed.images, **source.pixels).numpy())
    return [row for method, boxes in found.items() for row in _shares(method, boxes, boxed)]


def _shares(method: str, boxes: np.ndarray, boxed: Boxed) -> Rows:
    from ..analysis.localise import iou, shares_above

    overlaps = iou(boxes, boxed.boxes)
    table = shares_above(overlaps).assign(mean_iou=float(overlaps.mean()))
    return [{"images_of": boxed.name, "method": method, **row} for row in table.to_dict("records")]


def _retrieved(maps: np.ndarray, heat: np.ndarray, boxed: Boxed) -> Rows:
    from ..analysis.localise import component_masks
    from ..analysis.retrieve import POOLINGS, descriptors, mean_average_precision

    masks, rows = component_masks(heat), []
    for pooling in POOLINGS:
        found = mean_average_precision(descriptors(maps, masks, pooling=pooling), boxed.labels)
        about = {"images_of": boxed.name, "pooling": pooling, "images": len(boxed.labels)}
        rows += [{**about, "k": k, "map": value} for k, value in found.items()]
    return rows


def _concentrated(which: str, name: str, values: np.ndarray, heat: np.ndarray) -> dict[str, Any]:
    """Concentration of ``heat`` (N, h, w), and the mean length of ``values`` (N, C, h, w)."""
    import numpy as np

    from ..analysis.concentration import concentration

    sizes = np.sqrt((values.reshape(len(values), -1).astype(np.float64) ** 2).sum(axis=1))
    return {"images_of": name, "which": which, **concentration(heat), "norm": sizes.mean(), "images": len(values)}


def _first_gradients(source: Source, seed: int) -> Rows:
    """What the first step on the held-out classes' training images sends into the last convolution."""
    from ..training.maps import first_gradient

    if not source.learnt:
        return []
    name, part, classes = _half(source, other_half(source.spec), "train", GRADIENT, seed)
    found = first_gradient(source.net, part, classes=classes, seed=source.spec.seed, **source.pixels)
    ways = {"gradient": found.behind_relu, "gradient at output": found.output}
    return [_concentrated(which, name, g.numpy(), g.abs().sum(1).double().numpy()) for which, g in ways.items()]


def _separated(source: Source, seed: int) -> Rows:
    """Averages over the map of test images: of the classes that the network learnt, and of those it did not."""
    from ..analysis.separation import separation
    from ..training.maps import LAST, last_maps

    rows = []
    for classes, half in (("source", source.spec.target), ("held out", other_half(source.spec))):
        _, part, _ = _half(source, half, "test", SEPARATED, seed)
        features = last_maps(source.net, part.images, **source.pixels).mean((2, 3)).numpy()
        found = separation(features, part.labels.numpy())
        rows.append({"layer": LAST, "classes": classes, **found, "images": len(features)})
    return rows


def _half(source: Source, half: str, part: str, per_class: int, seed: int) -> tuple[str, Labelled, int]:
    """A draw of one half of the source's own data set, what it is called, and how many classes it has."""
    from ..data.splits import make_split
    from .layers import at_most

    spec, images = source.spec, source.images
    classes = make_split(spec.split, images).halves[half]
    count = at_most(images, classes, part, per_class)
    found = images.select(classes, part=part, per_class=count, seed=seed)
    return f"{spec.data.name} {spec.split}:{half}", found, len(classes)


def _execution():
    """A GPU where there is one, in full precision: measures are small, and must not depend on a number format."""
    import torch

    from ..training.execution import Execution

    return Execution("cuda") if torch.cuda.is_available() else Execution()
