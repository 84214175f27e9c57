"""A made tree in the layout of ImageNet: real wnids, small pictures without any meaning, and the odd files that it has.

ImageNet itself may not be passed on, and 1.2 million images are no test. What a program stumbles over is in here: a
JPEG in CMYK, one in grey, a PNG that is called .JPEG, one that EXIF turns, and one that is cut short.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..data.wnids import IMAGENET_WNIDS
from ..errors import InputError

ORIENTATION = 0x0112
QUARTER_TURN = 6
"""In EXIF: turn by 90 degrees clockwise to see it upright."""
ODD = ("cmyk", "grey", "png", "turned", "cut")


def made_imagenet(
    root: Path, *, classes: int = 1000, train: int = 2, test: int = 1, side: int = 40, odd: tuple[str, ...] = ODD[:-1]
) -> dict[str, Path]:
    """Write ``train/<wnid>/*.JPEG`` and ``val/<wnid>/*.JPEG`` into ``root``; the odd files by their kind.

    The ``classes`` are evenly spread over the 1000; each has a colour of its own. Pictures are a little wider than
    ``side`` and that high. The first class has the ``odd`` files (of ODD) as further training images. Files that are
    there stay as they are. Raises InputError for a number of classes outside 2..1000 and unknown kinds.
    """
    if not 2 <= classes <= len(IMAGENET_WNIDS):
        raise InputError(f"classes = {classes}; a made tree has 2..{len(IMAGENET_WNIDS)} of ImageNet's classes.")
    if strange := set(odd) - set(ODD):
        raise InputError(f"odd file {sorted(strange)[0]!r} is not known; allowed: {', '.join(ODD)}.")
    wnids = [IMAGENET_WNIDS[number * len(IMAGENET_WNIDS) // classes] for number in range(classes)]
    for number, wnid in enumerate(wnids):
        for part, count in (("train", train), ("val", test)):
            folder = root / part / wnid
            folder.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                file = folder / f"{wnid}_{part}_{index}.JPEG"
                if not file.exists():
                    picture(number, seed=1000 * index + len(part), side=side).save(file, "JPEG", quality=90)
    first = root / "train" / wnids[0]
    found = {kind: first / f"{wnids[0]}_{kind}.JPEG" for kind in odd}
    for kind, file in found.items():
        file.write_bytes(odd_file(kind, side=side))
    return found


def picture(number: int, *, seed: int, side: int) -> Image.Image:
    """Noise in the colour of class ``number``, brighter on the left."""
    stream = np.random.default_rng([number, seed])
    width = side + 4
    colour = np.array([(number * step) % 160 for step in (37, 61, 97)])
    pixels = stream.integers(0, 60, (side, width, 3)) + colour
    pixels[:, : width // 2] += 30
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def odd_file(kind: str, *, side: int) -> bytes:
    """The bytes of an odd file that shows class 0: see ODD."""
    image = picture(0, seed=7, side=side)
    file, options = io.BytesIO(), {"format": "JPEG", "quality": 90}
    if kind == "turned":
        exif = Image.Exif()
        exif[ORIENTATION] = QUARTER_TURN
        options["exif"] = exif
        image = image.transpose(Image.Transpose.ROTATE_90)  # as the camera held it
    elif kind == "png":
        options = {"format": "PNG"}
    elif kind in ("cmyk", "grey"):
        image = image.convert({"cmyk": "CMYK", "grey": "L"}[kind])
    image.save(file, **options)
    content = file.getvalue()
    return content[: len(content) // 2] if kind == "cut" else content
