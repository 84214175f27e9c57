"""Where a map is bright: how far it spreads, the box that it gives, and images found by what lies inside.

After SCDA (Wei et al. 2017), as Zhang et al. use it: the channels of the last map are summed, places above the mean are
kept, and of these the largest connected part. No layer above the map takes part.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import box_iou, masks_to_boxes

from ..errors import InputError


def spread(maps: Tensor) -> Tensor:
    """Over how large a share of the places each map (N, h, w) of values from 0 on spreads: (N,), 1 where it is flat.

    It is exp(entropy) of the map's mass over the number of places. Nothing at all, or one single place, gives
    1 / (h w): there is no place besides. Raises InputError for values below 0.
    """
    if (maps < 0).any():
        raise InputError(f"a map has the value {maps.min():.3g}; its mass needs values from 0 on, as a ReLU gives.")
    mass = maps.flatten(1).double()
    share = mass / mass.sum(1, keepdim=True).clamp_min(1e-300)
    return torch.special.entr(share).sum(1).exp() / mass.shape[1]


def kept(maps: Tensor) -> Tensor:
    """The largest connected part, corners included, of the places above the mean of each map (N, h, w), as booleans.

    All places where no value lies above the mean.
    """
    from scipy.ndimage import label

    found = []
    for above in (maps > maps.mean((1, 2), keepdim=True)).cpu().numpy():
        parts, count = label(above, structure=np.ones((3, 3)))
        largest = 1 + np.bincount(parts.ravel())[1:].argmax() if count else 0
        found.append(torch.from_numpy(parts == largest))
    return torch.stack(found)


def boxes(maps: Tensor, *, size: int) -> Tensor:
    """The box around what is ``kept`` of each map: (N, 4), left, top, right, bottom in pixels of a square image.

    Maps (N, h, w) are first enlarged to ``size`` pixels, bilinearly.
    """
    large = F.interpolate(maps[:, None].float(), size=(size, size), mode="bilinear", align_corners=False)[:, 0]
    return masks_to_boxes(kept(large)).long() + torch.tensor([0, 0, 1, 1])


def overlap(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes (N, 4) in pairs: (N,), from 0 to 1."""
    return box_iou(first, second).diagonal()


def descriptors(features: Tensor) -> Tensor:
    """SCDA of maps (N, C, h, w): mean and maximum of each channel over the ``kept`` places, (N, 2 C) of length 1."""
    inside = kept(features.sum(1)).to(features.device)[:, None]
    mean = (features * inside).sum((2, 3)) / inside.sum((2, 3))
    highest = features.masked_fill(~inside, -torch.inf).amax((2, 3))
    return torch.cat([F.normalize(mean, dim=1), F.normalize(highest, dim=1)], 1) / 2**0.5


def mean_average_precision(x: Tensor, labels: Tensor) -> float:
    """Retrieval: each row of ``x`` (N, D) asks for the others of its class among all others, by cosine similarity.

    The mean over the rows of their average precision, from 0 to 1; the share of a class is what chance gives. Raises
    InputError for a class of one image, which has nothing to find.
    """
    if labels.bincount()[labels].min() < 2:
        raise InputError("a class has one image, so nothing is to be found for it; give each class 2 images or more.")
    similar = F.normalize(x.double(), dim=1) @ F.normalize(x.double(), dim=1).T
    order = similar.fill_diagonal_(torch.inf).argsort(dim=1, descending=True)[:, 1:]  # the image itself comes first
    right = labels[order] == labels[:, None]
    precision = right.cumsum(1) / torch.arange(1, right.shape[1] + 1)
    return ((precision * right).sum(1) / right.sum(1)).mean().item()
