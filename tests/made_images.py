"""Images that a test can make: a few noisy stripes which any network can tell apart."""

from pathlib import Path

import torch
from PIL import Image

from fctransfer_utils.data.image_set import Labelled


def stripes(count=96, seed=0):
    """Four classes of noisy 32-pixel images: dark or bright, left or right half."""
    stream = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % 4
    images = torch.randint(0, 60, (count, 3, 32, 32), generator=stream, dtype=torch.uint8)
    for label, (columns, level) in enumerate([((0, 16), 60), ((0, 16), 180), ((16, 32), 60), ((16, 32), 180)]):
        images[labels == label, :, :, columns[0] : columns[1]] += level
    return Labelled(images, labels)


def stripes_in(folder: Path) -> None:
    """The stripes as files: ``folder/images`` with 8 images and 4 test images of each class."""
    for part, count, seed in (("train", 32, 0), ("val", 16, 1)):
        pictures = stripes(count, seed)
        for number, (pixels, label) in enumerate(zip(pictures.images, pictures.labels, strict=True)):
            file = folder / "images" / part / f"class{label}" / f"{number:02d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(file)
