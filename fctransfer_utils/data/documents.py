"""Pages whose class is their layout, and scenes whose object has a known box."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ..seeds import derive
from .glyphs import CHARACTERS, Draws, both_parts, character, check, colours, over, pattern
from .images import Images

# Every page is made of these parts, and of as many of each: width and height in 64ths of the page.
SIZES = {
    "address": (14, 7), "box": (4, 4), "logo": (8, 8), "paragraph": (24, 7), "rule": (24, 0.6), "signature": (11, 5),
    "table": (24, 12), "title": (24, 2.5),
}  # fmt: skip
# What differs is where they lie: the rows of the left and of the right column. So much is free around each part that
# a small window never sees two of them, and local features pooled over the page tell little.
LAYOUTS = {
    "letter": ("address box, rule, paragraph, paragraph, signature box", "logo box, title, rule, paragraph, table"),
    "invoice": ("logo box, title, table, rule, paragraph", "address box, paragraph, paragraph, rule, signature box"),
    "form": ("address box, rule, paragraph, paragraph, paragraph", "title, logo box, table, rule, signature box"),
    "table": ("paragraph, rule, table, rule, logo box", "title, address box, paragraph, signature box, paragraph"),
    "article": ("title, paragraph, paragraph, paragraph, signature box", "logo box, rule, table, rule, address box"),
}
GAP = 5  # between parts, at least


def documents(
    *, classes: int = 5, per_class: int = 60, test_per_class: int = 50, size: int = 64, seed: int = 0
) -> tuple[Images, Images]:
    """Images to learn and to test, pixels (N, 3, size, size): pages of the first ``classes`` LAYOUTS, sorted by class.

    All pages have the same parts, so only places tell the class. Some rows have changed places, each part lies a
    little off, the page is moved and askew; words, lines, cells, paper, ink and noise are random.
    Raises InputError as ``glyphs`` does.
    """

    def paint(name: str, draw: Draws) -> Tensor:
        pages = [_page(LAYOUTS[name], size, np.random.default_rng(derive(*draw.stream, i))) for i in range(draw.count)]
        paper, ink = draw(190, 250, 1) + draw(-15, 15, 3), draw(0, 90, 1) + draw(-20, 20, 3)
        blank = paper[:, :, None, None].expand(-1, -1, size, size)  # no shadow: it would tell places by brightness
        return over(blank, torch.from_numpy(np.stack(pages))[:, None] / 255, ink)

    counts = (per_class, test_per_class)
    return both_parts("documents", LAYOUTS, paint, classes=classes, counts=counts, size=size, seed=seed)


def places(layout: tuple[str, str], chance: np.random.Generator) -> list[tuple[str, float, float]]:
    """Each part of a page with its left and top in 64ths of the page; what a column leaves free is spread evenly.

    Twice in each column a row has changed places with the next: so what lies beside what tells little, too.
    """
    found = []
    for left, column in zip((5.5, 34.5), layout, strict=True):
        rows = [row.split() for row in column.split(", ")]
        for i in chance.integers(len(rows) - 1, size=2):
            rows[i], rows[i + 1] = rows[i + 1], rows[i]
        heights = [max(SIZES[part][1] for part in row) for row in rows]
        free = (54 - sum(heights)) / (len(rows) - 1)
        for number, row in enumerate(rows):
            at = left
            for part in row:
                found.append((part, at, 5 + sum(heights[:number]) + free * number))
                at += SIZES[part][0] + GAP
    return found


def _page(layout: tuple[str, str], size: int, chance: np.random.Generator) -> np.ndarray:
    """Where ink lies on a page, uint8 (size, size): drawn four times as fine."""
    pen = _Pen(size / 16, Image.new("L", (4 * size, 4 * size)), chance)
    for part, left, top in places(layout, chance):
        pen.part(part, left + chance.uniform(-0.6, 0.6), top + chance.uniform(-0.6, 0.6))
    moved = tuple(chance.uniform(-2, 2, 2) * pen.unit)
    return np.asarray(pen.page.rotate(chance.uniform(-2, 2), Image.Resampling.BILINEAR, translate=moved).reduce(4))


class _Pen:
    """Draws parts on ``page``; lengths in 64ths of it, which are ``unit`` pixels."""

    def __init__(self, unit: float, page: Image.Image, chance: np.random.Generator) -> None:
        self.unit, self.page, self.chance, self.draw = unit, page, chance, ImageDraw.Draw(page)

    def part(self, part: str, left: float, top: float) -> None:
        width, height = SIZES[part]
        if part in ("address", "paragraph", "title"):
            lines = 1 if part == "title" else self.chance.integers(3, 5)
            self.words(left, top, width, lines=lines, height=height / (2 * lines - 1))
        elif part == "rule":
            self.bar(left, top, width, height)
        elif part == "logo":
            for inset, ink in ((0, 255), (self.chance.uniform(1.5, 3), 0)):
                corners = (left + inset, top + inset, left + width - inset, top + height - inset)
                self.draw.ellipse([value * self.unit for value in corners], fill=ink)
        elif part == "signature":
            steps = np.linspace(0, 1, 40)
            swing = np.sin(steps * self.chance.uniform(20, 35)) * (1 - 0.7 * steps) + self.chance.uniform(-1, 1) * steps
            points = np.stack([left + width * steps, top + height / 2 * (1 + swing / 2)], 1) * self.unit
            self.draw.line([tuple(point) for point in points], fill=255, width=round(0.5 * self.unit))
        else:  # boxes and tables are grids
            columns, rows = self.chance.integers(3, 6, 2) if part == "table" else (1, 1)
            for column in range(columns + 1):
                self.bar(left + column * (width - 0.5) / columns, top, 0.5, height)
            for row in range(rows + 1):
                self.bar(left, top + row * (height - 0.5) / rows, width, 0.5)

    def bar(self, left: float, top: float, width: float, height: float) -> None:
        corners = (left, top, left + width, top + height)
        self.draw.rectangle([round(value * self.unit) for value in corners], fill=255)

    def words(self, left: float, top: float, width: float, *, lines: int, height: float) -> None:
        """Lines of words that end at random near the right; as much is left between lines as they are high."""
        for line in range(lines):
            at, end = left, left + width - self.chance.uniform(0, 3)
            while at < end:
                length = min(self.chance.uniform(1, 4), end - at)
                self.bar(at, top + 2 * height * line, length, height)
                at += length + 0.8


def scenes(*, count: int = 500, size: int = 64, seed: int = 0) -> tuple[Images, Tensor]:
    """Images, pixels (N, 3, size, size), and boxes (N, 4) of their one object: left, top, right, bottom in pixels.

    The object is a character of the first ten glyphs in turn, somewhere in the image, 0.2 to 0.45 times as large.
    Patches of textures as dark as it lie around it, so neither the middle nor contrast gives it away.
    Raises InputError as ``glyphs`` does.
    """
    from torchvision.ops import masks_to_boxes

    names = CHARACTERS[:10]
    check("glyphs", len(names), len(CHARACTERS), count=count, size=size)
    draw, labels = Draws(count, seed, "scenes"), torch.arange(count) % len(names)
    canvas, _, ink = colours(draw, size)
    scale = draw(0.2, 0.45)
    centre = draw(-1, 1, 2) * (1 - 1.3 * scale)[:, None]  # turned and slanted, a character needs more than its side

    def disc(middle: Tensor, radius: Tensor) -> Tensor:
        x, y = (torch.linspace(-1, 1, size) - middle[:, :, None]).unbind(1)
        return ((radius[:, None, None] - x[:, None, :].hypot(y[:, :, None])) * size / 2).clamp(0, 1)[:, None]

    clear = 1 - disc(centre, 1.4 * scale)
    for name in ("stripes", "checks", "grain"):
        patch = disc(draw(-0.9, 0.9, 2), draw(0.25, 0.45)) * pattern(name, draw, size)
        canvas = over(canvas, clear * patch, ink + draw(-40, 40, 3))
    cover = character(draw, size, centre=centre, label=labels, scale=scale)
    images = Images(draw.developed(over(canvas, cover, ink)), labels, names, flip=False).measured()
    inside = cover[:, 0] >= cover.amax((2, 3)).unsqueeze(2) / 4  # thin ends belong to the character
    return images, masks_to_boxes(inside).long() + torch.tensor([0, 0, 1, 1])
