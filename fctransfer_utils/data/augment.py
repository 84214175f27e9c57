"""Random crops and mirror images of a whole batch at once, on the device where the batch lies."""

from __future__ import annotations

import torch
from torch import Tensor


def augment(batch: Tensor, *, padding: int = 0, crop: int = 0, flip: bool, generator: torch.Generator) -> Tensor:
    """A randomly shifted or cropped and (with ``flip``) mirrored copy of ``batch``, uint8 (N, C, H, W); same type.

    Every image is shifted by its own whole number of pixels in [-``padding``, ``padding``] in both directions; what
    comes in at the border is the image's own edge, repeated. With ``crop`` each gives a square of that side, at any
    place within it. Mirroring has probability one half. All draws come from ``generator``, which must live on the
    device of the batch.
    """
    count, _, height, width = batch.shape
    device = batch.device
    rows = torch.arange(height, device=device).expand(count, height)
    columns = torch.arange(width, device=device).expand(count, width)
    if flip:
        mirrored = torch.rand(count, 1, generator=generator, device=device) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
    if padding:
        shift = torch.randint(-padding, padding + 1, (2, count, 1), generator=generator, device=device)
        rows = (rows + shift[0]).clamp_(0, height - 1)
        columns = (columns + shift[1]).clamp_(0, width - 1)
    if crop:
        top, left = (
            torch.randint(0, side - crop + 1, (count, 1), generator=generator, device=device)
            for side in (height, width)
        )
        within = torch.arange(crop, device=device)
        rows, columns = rows.gather(1, top + within), columns.gather(1, left + within)
    images = torch.arange(count, device=device)[:, None, None]
    return batch.movedim(1, 3)[images, rows[:, :, None], columns[:, None, :]].movedim(3, 1)


def centre(batch: Tensor, crop: int) -> Tensor:
    """The squares of side ``crop`` in the middle of images (N, C, H, W); all of them where ``crop`` is 0."""
    if not crop:
        return batch
    top, left = ((side - crop) // 2 for side in batch.shape[2:])
    return batch[:, :, top : top + crop, left : left + crop]


def normalise(batch: Tensor, *, mean: Tensor, std: Tensor, channels_last: bool = False) -> Tensor:
    """uint8 (N, C, H, W) in 0..255 to float32 with ``mean`` and ``std`` (C,), both in 0..1, removed."""
    scale = 1.0 / (255.0 * std)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    floats = batch.to(torch.float32, memory_format=layout)
    return torch.addcmul((-mean / std)[:, None, None], floats, scale[:, None, None])
