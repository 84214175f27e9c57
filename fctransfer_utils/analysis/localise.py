"""Where an object is, from the last convolution alone: SCDA, boxes, and how well they fit known ones.

SCDA (Wei, Luo, Wu, Zhou 2017, used by Zhang et al. 2017 for their Table 3): sum the maps over the channels, keep the
places above the mean, and of these the largest connected component. No label and no box is learnt from. Boxes are
``(left, top, right, bottom)`` as shares of the image's side, 0 at the left and at the top.

By default the sum is enlarged to 64 x 64 bilinearly before the threshold, since an 8 x 8 map has coarse cells: a box of
half the side that lies half a cell off becomes five eighths when it must cover whole cells, and its IoU of 0.64 misses
the highest threshold for no fault of the network. ``side=0`` keeps the cells, where each covers its place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import InputError, unknown

THRESHOLDS = (0.35, 0.5, 0.7)  # those of Zhang et al. 2017, Table 3
SMALLEST = 4  # cells a side; below that a component says next to nothing about a place
SIDE = 64  # of the enlarged map
NEIGHBOURS = {4: ((0, 1, 0), (1, 1, 1), (0, 1, 0)), 8: ((1, 1, 1), (1, 1, 1), (1, 1, 1))}


def summed(maps: np.ndarray) -> np.ndarray:
    """Maps (N, C, h, w) summed over the channels, or heat maps (N, h, w) as they are: float64 (N, h, w).

    Raises InputError for another shape, no map, values that are not finite, and maps below 4 x 4.
    """
    values = np.asarray(maps)
    if values.ndim not in (3, 4) or not values.size:
        raise InputError(f"maps of shape {values.shape} are none; give (N, C, h, w), or (N, h, w) for heat maps.")
    if min(values.shape[-2:]) < SMALLEST:
        shown = "x".join(map(str, values.shape[-2:]))
        raise InputError(
            f"a map of {shown} cells is too small for SCDA: the largest component of so few cells names no place; take"
            f" a layer or an image size that gives at least {SMALLEST}x{SMALLEST}."
        )
    if not np.isfinite(values).all():
        raise InputError("some maps are not finite; leave out networks that diverged.")
    return values.sum(axis=1, dtype=np.float64) if values.ndim == 4 else values.astype(np.float64)


def enlarged(heat: np.ndarray, side: int = SIDE) -> np.ndarray:
    """Heat maps (N, h, w) at (N, ``side``, ``side``), bilinear, cells kept in place; 0 leaves them as they are."""
    if side < 0:
        raise InputError(f"side {side} is negative; give 0 for the cells themselves or the side of the enlarged map.")
    if not side:
        return heat
    down, across = (_weights(cells, side) for cells in heat.shape[1:])
    return np.einsum("yi,nij,xj->nyx", down, heat, across, optimize=True)


def component_masks(heat: np.ndarray, *, connectivity: int = 8) -> np.ndarray:
    """Which places of heat maps (N, h, w) SCDA keeps: the largest component above the mean, bool (N, h, w).

    With ``connectivity`` 8 places that touch at a corner hang together, with 4 they do not. Of several largest ones the
    first by rows is kept. Where nothing lies above the mean (a constant map) all places are kept.
    """
    if connectivity not in NEIGHBOURS:
        raise unknown("connectivity", connectivity, NEIGHBOURS)
    from scipy import ndimage

    mean = heat.mean(axis=(1, 2), keepdims=True)
    above = heat > mean + 1e-12 * np.abs(heat).max(axis=(1, 2), keepdims=True)  # rounding makes no map out of none
    masks = np.ones(heat.shape, dtype=bool)
    for number, places in enumerate(above):
        if places.any():
            parts, _ = ndimage.label(places, structure=NEIGHBOURS[connectivity])
            masks[number] = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    return masks


def boxes_of(masks: np.ndarray) -> np.ndarray:
    """The smallest box around each mask (N, h, w), float (N, 4); a cell covers its whole place."""
    height, width = masks.shape[1:]
    rows, columns = masks.any(axis=2), masks.any(axis=1)
    if not rows.any(axis=1).all():
        raise InputError("a mask keeps no place, so it has no box; make masks by component_masks.")
    left, top = columns.argmax(axis=1), rows.argmax(axis=1)
    right, bottom = width - columns[:, ::-1].argmax(axis=1), height - rows[:, ::-1].argmax(axis=1)
    return np.stack([left / width, top / height, right / width, bottom / height], axis=1)


def scda_boxes(maps: np.ndarray, *, side: int = SIDE, connectivity: int = 8) -> np.ndarray:
    """The SCDA box of each image from its maps (N, C, h, w) or heat maps (N, h, w): (N, 4). Errors as ``summed``."""
    return boxes_of(component_masks(enlarged(summed(maps), side), connectivity=connectivity))


def whole_boxes(count: int) -> np.ndarray:
    """The whole image as the box of each of ``count`` images (N, 4): what no network at all would say."""
    return np.tile([0.0, 0.0, 1.0, 1.0], (count, 1))


def centred_boxes(known: np.ndarray) -> np.ndarray:
    """A box in the middle with the mean width and height of the ``known`` ones, for each image (N, 4).

    It has seen the answers' sizes, so it is what a network that looks nowhere could reach at best by one guess for all.
    """
    known = checked_boxes(known)
    width, height = (known[:, 2:] - known[:, :2]).mean(axis=0)
    return np.tile([0.5 - width / 2, 0.5 - height / 2, 0.5 + width / 2, 0.5 + height / 2], (len(known), 1))


def iou(boxes: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Intersection over union of each box with its known one: (N, 4) and (N, 4) to (N,). Errors: ``checked_boxes``."""
    boxes, known = np.asarray(boxes, dtype=np.float64), checked_boxes(known, count=len(boxes))
    overlap = np.minimum(boxes[:, 2:], known[:, 2:]) - np.maximum(boxes[:, :2], known[:, :2])
    shared = overlap.clip(min=0).prod(axis=1)
    areas = [(part[:, 2:] - part[:, :2]).prod(axis=1) for part in (boxes, known)]
    return shared / (areas[0] + areas[1] - shared)


def shares_above(overlaps: np.ndarray, thresholds: Sequence[float] = THRESHOLDS) -> pd.DataFrame:
    """The share of images whose IoU (N,) is above each threshold: ``threshold, share, images``."""
    overlaps = np.asarray(overlaps, dtype=np.float64)
    if not len(overlaps):
        raise InputError("no image has a box to compare; select at least one.")
    for threshold in thresholds:
        if not 0 <= threshold < 1:
            raise InputError(f"threshold {threshold} is outside 0 <= t < 1; the paper takes 0.35, 0.5 and 0.7.")
    lines = [(threshold, float((overlaps > threshold).mean()), len(overlaps)) for threshold in thresholds]
    return pd.DataFrame(lines, columns=["threshold", "share", "images"])


def checked_boxes(known: np.ndarray | None, *, count: int | None = None) -> np.ndarray:
    """Known boxes as float64 (N, 4). Raises InputError for none, another number of them and boxes without an area."""
    if known is None:
        raise InputError("boxes are missing: there is nothing to compare with; take a set with boxes (glyph-places).")
    boxes = np.asarray(known, dtype=np.float64)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not len(boxes):
        raise InputError(f"boxes of shape {boxes.shape} are none; give (N, 4): left, top, right, bottom in 0..1.")
    if count is not None and len(boxes) != count:
        raise InputError(f"there are {count} images and {len(boxes)} boxes; give one box for each image.")
    good = (boxes[:, :2] < boxes[:, 2:]).all(axis=1) & (boxes >= 0).all(axis=1) & (boxes <= 1).all(axis=1)
    if not good.all():
        number = int(np.flatnonzero(~good)[0])
        raise InputError(
            f"box {number} is {boxes[number].tolist()}, which is no box in the image; give left < right and top <"
            " bottom, all in 0..1."
        )
    return boxes


def _weights(cells: int, side: int) -> np.ndarray:
    """Bilinear weights (side, cells): pixel centres between cell centres, edges held."""
    place = ((np.arange(side) + 0.5) * cells / side - 0.5).clip(0, cells - 1)
    return np.maximum(0.0, 1.0 - np.abs(place[:, None] - np.arange(cells)[None, :]))
