"""A converted network on an image that is larger than those it learnt: where it sees which class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ..data.augment import normalise
from ..errors import InputError
from ..models.convert import as_convolutions
from ..models.receptive import receptive_fields


def mosaic(pictures: Tensor, *, columns: int, gap: int = 0, ground: Sequence[float] = (0.5,) * 3) -> Tensor:
    """Pictures uint8 (N, 3, S, S) as one (3, H, W), row by row; N must fill the rows.

    With a ``gap`` in pixels they lie apart, on a plain ``ground`` whose colour is given per channel in 0..1.
    """
    if columns < 1 or len(pictures) == 0 or len(pictures) % columns:
        raise InputError(f"{len(pictures)} pictures do not fill rows of {columns}; give a multiple of it.")
    if gap < 0:
        raise InputError(f"gap {gap} is negative; give 0 for pictures side by side, or pixels between them.")
    step = pictures.shape[-1] + gap
    colour = (torch.tensor(ground) * 255).round().to(torch.uint8)
    whole = colour[:, None, None].repeat(1, len(pictures) // columns * step + gap, columns * step + gap)
    for number, picture in enumerate(pictures):
        top, left = (gap + place * step for place in divmod(number, columns))
        whole[:, top : top + step - gap, left : left + step - gap] = picture
    return whole


@torch.no_grad()
def class_map_rows(
    net: nn.Sequential,
    pictures: Tensor,
    outputs: Sequence[int],
    *,
    columns: int,
    mean: Sequence[float],
    std: Sequence[float],
    gap: int = 0,
) -> list[dict[str, Any]]:
    """The probability of each picture's class at every place of the ``mosaic`` of all pictures, on ground ``mean``.

    ``outputs`` are the numbers of the pictures' classes among those of ``net``. A dict per picture and place: ``tile``,
    ``row`` and ``column`` of the map, ``probability``; and the same in all rows of a tile: ``stride`` and ``window``
    (place (i, j) speaks of the window of pixels from (i, j) x stride on), ``own_row`` and ``own_column`` (the place
    whose window is the tile), ``right_in_map`` (whether its class scores highest there) and ``right_alone`` (whether it
    does so for the picture by itself). Raises InputError when a picture has no place of its own, and as
    ``models.convert.as_convolutions``.
    """
    side = pictures.shape[-1]
    stride = receptive_fields(net, image_size=side)[-1].stride
    if len(outputs) != len(pictures):
        raise InputError(f"{len(pictures)} pictures and {len(outputs)} outputs; give the class of each picture.")
    if side % stride or gap % stride:
        raise InputError(
            f"places lie {stride} pixels apart, so pictures of {side} with gaps of {gap} have none of their own; choose"
            f" multiples of {stride}."
        )
    pixels = {"mean": torch.tensor(mean, dtype=torch.float32), "std": torch.tensor(std, dtype=torch.float32)}
    training = net.training
    net.float().eval()
    alone = net(normalise(pictures, **pixels)).argmax(1)
    whole = mosaic(pictures, columns=columns, gap=gap, ground=mean)
    scores = as_convolutions(net)(normalise(whole[None], **pixels))[0].softmax(0)
    net.train(training)
    rows = []
    for tile, output in enumerate(outputs):
        down, across = ((gap + place * (side + gap)) // stride for place in divmod(tile, columns))
        about = {
            "stride": stride,
            "window": side,
            "own_row": down,
            "own_column": across,
            "right_in_map": int(scores[:, down, across].argmax()) == output,
            "right_alone": int(alone[tile]) == output,
        }
        for row, values in enumerate(scores[output].tolist()):
            rows += [
                {"tile": tile, "row": row, "column": column, "probability": value, **about}
                for column, value in enumerate(values)
            ]
    return rows
