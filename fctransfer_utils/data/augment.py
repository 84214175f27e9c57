"""Images moved and mirrored at random, on the device that they lie on."""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import InputError


def augment(batch: Tensor, *, shift: int = 0, flip: bool = False, crop: int = 0, chance: torch.Generator) -> Tensor:
    """Every image of ``batch`` (N, C, H, W) moved by its own whole number of pixels and mirrored or not: one gather.

    ``shift``: up to that many pixels in each direction, edges repeated (AlexNet for small images). ``crop``: a random
    window of that side instead (AlexNet's 227 of 256). ``chance`` lives on the batch's device. Without any of them the
    batch comes back as it is and nothing is drawn.
    """
    count, _, height, width = batch.shape
    if crop > min(height, width):
        raise InputError(f"a window of {crop} pixels does not fit into images of {height} x {width}; make it smaller.")
    if not shift and not flip and not 0 < crop < max(height, width):
        return batch
    here = batch.device
    rows, columns = (torch.arange(crop or side, device=here).expand(count, -1) for side in (height, width))
    if flip:
        mirrored = torch.rand(count, 1, generator=chance, device=here) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    if shift:
        move = torch.randint(-shift, shift + 1, (2, count, 1), generator=chance, device=here)
        rows, columns = rows + move[0], columns + move[1]
    if crop:
        move = torch.rand(2, count, 1, generator=chance, device=here)
        rows = rows + (move[0] * (height - crop + 1)).long()
        columns = columns + (move[1] * (width - crop + 1)).long()
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    which = torch.arange(count, device=here)[:, None, None]
    return batch.movedim(1, 3)[which, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


def centre(batch: Tensor, crop: int) -> Tensor:
    """The middle ``crop`` x ``crop`` pixels of each image, as networks trained on windows are evaluated."""
    if not crop:
        return batch
    top, left = ((side - crop) // 2 for side in batch.shape[-2:])
    return batch[..., top : top + crop, left : left + crop]
