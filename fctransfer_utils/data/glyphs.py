"""Letters, symbols and textures, rendered with the fonts that matplotlib brings: images that nothing must fetch.

Every image has random numbers of its own, from a stream of its seed, set, part and class. So image i of a class is the
same however many images and classes are rendered beside it. The same pixels are promised on one machine with one set
of library versions: Pillow and torch round in their own ways.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..errors import InputError
from ..seeds import generator
from .images import Images
from .splits import Halves

# Each is in at least five of the fonts. Of characters that look alike (A and Alpha, 0 and O) one is taken.
LETTERS = "AΞДHaЖKβЙReΦЦMkЧTλЩdÆΨЪEbЫWαЮNfЯŒωлPøΣXmЂUζZЉVÞμYQ"
SYMBOLS = "2←∈&3□↖∓@4↘√▲#5∝↯∞◇%6↲∠◎§7∴↶∷◐£8≃↺◢≠¿9≡⇄≶▽⊂★⇈∉◔☎⇕↹"
CHARACTERS = tuple(character for pair in zip(LETTERS, SYMBOLS, strict=True) for character in pair)
FONTS = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSansMono-Oblique", "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral",
    "STIXGeneralBol", "STIXGeneralItalic",
)  # fmt: skip
NUMBERS = 800  # random numbers that an image may use, apart from its noise


def glyphs(
    *, classes: int = 50, per_class: int = 60, test_per_class: int = 50, size: int = 32, seed: int = 0
) -> tuple[Images, Images]:
    """Images to learn and to test, pixels (N, 3, size, size): a character on a textured ground, sorted by class.

    The classes are letters and symbols in turn, so the first ones are half letters and half symbols. Font, turn, slant,
    size, place and colours are random; pieces of other characters reach in from the border.
    Raises InputError for more classes than there are characters, fewer than 2, no images or a size below 16.
    """

    def paint(name: str, draw: Draws) -> Tensor:
        label = CHARACTERS.index(name)
        canvas, ground, ink = colours(draw, size)
        for _ in range(2):
            angle, away = draw(0, 2 * math.pi), draw(0.8, 1.2)
            edge = torch.stack([angle.cos(), angle.sin()], 1) * away[:, None]
            canvas = over(canvas, character(draw, size, centre=edge), ground + draw(-80, 80, 3))
        return over(canvas, character(draw, size, label=label, centre=draw(-0.25, 0.25, 2)), ink)

    counts = (per_class, test_per_class)
    return both_parts("glyphs", CHARACTERS, paint, classes=classes, counts=counts, size=size, seed=seed)


def letters_symbols(classes: int) -> Halves:
    """The letters and the symbols among the first ``classes`` glyphs: halves that differ in kind."""
    check("glyphs", classes, len(CHARACTERS))
    return tuple(range(0, classes, 2)), tuple(range(1, classes, 2))


def textures(
    *, classes: int = 10, per_class: int = 60, test_per_class: int = 50, size: int = 32, seed: int = 0
) -> tuple[Images, Images]:
    """Images to learn and to test, pixels (N, 3, size, size), of patterns that fill the image: no object, no place.

    Direction, period, phase, share of ink and colours are random, so only the kind of the pattern tells the class.
    Raises InputError as ``glyphs`` does.
    """

    def paint(name: str, draw: Draws) -> Tensor:
        canvas, _, ink = colours(draw, size)
        cover = pattern(name, draw, size)
        light_on_dark = draw(0, 1, 1, 1, 1) < 0.5
        return over(canvas, torch.where(light_on_dark, 1 - cover, cover), ink)

    counts = (per_class, test_per_class)
    return both_parts("textures", PATTERNS, paint, classes=classes, counts=counts, size=size, seed=seed, flip=True)


class Draws:
    """Uniform random numbers for ``count`` images. Those of one image are one row: it does not depend on the others."""

    def __init__(self, count: int, seed: int, *words: object) -> None:
        self.count, self.stream, self.used = count, (seed, *words), 0
        self.rows = torch.rand(count, NUMBERS, generator=generator(*self.stream, "numbers"))

    def __call__(self, low: float | Tensor, high: float | Tensor, *shape: int) -> Tensor:
        """The next numbers of every image, (count, *shape), from ``low`` to ``high``."""
        first, self.used = self.used, self.used + math.prod(shape)
        return low + (high - low) * self.rows[:, first : self.used].reshape(self.count, *shape)

    def developed(self, canvas: Tensor) -> Tensor:
        """``canvas`` (count, 3, H, W) with noise of a random strength, as uint8."""
        noise = torch.rand(canvas.shape, generator=generator(*self.stream, "noise"))
        noisy = canvas + (noise * 2 - 1) * self(0, 24)[:, None, None, None]
        return noisy.round_().clamp_(0, 255).to(torch.uint8)


def colours(draw: Draws, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """An uneven ground (N, 3, size, size), its mean colour and a darker ink (N, 3), in 0..255."""
    contrast = draw(60, 170, 1)
    dark = draw(24, 231 - contrast, 1)
    ground, ink = dark + contrast + draw(-40, 40, 3), dark + draw(-40, 40, 3)
    clouds = F.interpolate(draw(-1, 1, 3, 5, 5), size=(size, size), mode="bilinear")
    return ground[:, :, None, None] + clouds * draw(0, 24)[:, None, None, None], ground, ink


def over(canvas: Tensor, cover: Tensor, colour: Tensor) -> Tensor:
    """``colour`` (N, 3) laid over ``canvas`` (N, 3, H, W) where ``cover`` (N, 1, H, W), 0 to 1, says."""
    return canvas + cover * (colour[:, :, None, None] - canvas)


def character(
    draw: Draws, size: int, *, centre: Tensor, label: int | Tensor | None = None, scale: Tensor | None = None
) -> Tensor:
    """Where a character in a random font, turned and slanted, covers the image: (N, 1, size, size), 0 to 1.

    ``centre`` (N, 2) goes from -1 to 1 over the image; ``scale`` (N,) is the longer side of the character as a share of
    the image's, 0.4 to 0.85 if it is not given; without ``label`` it is any character.
    """
    masks, firsts = outlines(size if scale is None else size // 2)  # larger outlines would lose thin strokes
    scale = draw(0.4, 0.85) if scale is None else scale
    first, end = (firsts[0], firsts[-1]) if label is None else (firsts[label], firsts[label + 1])
    which = draw(first, end).long().clamp(max=end - 1)
    turn, slant, wide = draw(-0.35, 0.35), draw(-0.25, 0.25), scale * draw(0.85, 1.15)  # radians; shear
    c, s = turn.cos(), turn.sin()
    back = torch.stack([(c + slant * s) / wide, (s - slant * c) / wide, -s / scale, c / scale], 1).view(-1, 2, 2)
    theta = torch.cat([back, -back @ centre[:, :, None]], 2)
    places = F.affine_grid(theta, [draw.count, 1, size, size], align_corners=False)
    return F.grid_sample(masks[which][:, None] / 255, places, align_corners=False)


@cache
def outlines(side: int) -> tuple[Tensor, Tensor]:
    """Every character in every font that has it, uint8 (looks, side, side), and where each character's looks begin.

    The longer side of a character fills the square. The list ends with the number of looks.
    """
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    basic = ImageFont.Layout.BASIC  # Raqm, where it is installed, would place characters in its own way
    fonts = [ImageFont.truetype(folder / f"{font}.ttf", 2 * side, layout_engine=basic) for font in FONTS]
    empty_boxes = [bytes(font.getmask("\uffff")) for font in fonts]  # what a font draws for a character it has not
    looks, firsts = [], [0]
    for each in CHARACTERS:
        for font, empty_box in zip(fonts, empty_boxes, strict=True):
            if bytes(font.getmask(each)) != empty_box:
                looks.append(_outline(font, each, side))
        firsts.append(len(looks))
    return torch.from_numpy(np.stack(looks)), torch.tensor(firsts)


def _outline(font: ImageFont.FreeTypeFont, each: str, side: int) -> np.ndarray:
    drawn = Image.new("L", (6 * side, 6 * side))
    ImageDraw.Draw(drawn).text((3 * side, 3 * side), each, 255, font, anchor="mm")
    drawn = drawn.crop(drawn.getbbox())
    drawn = drawn.resize([max(1, round(length * side / max(drawn.size))) for length in drawn.size])
    square = Image.new("L", (side, side))
    square.paste(drawn, [(side - length) // 2 for length in drawn.size])
    return np.asarray(square)


def pattern(name: str, draw: Draws, size: int) -> Tensor:
    """Where a pattern covers the image, (N, 1, size, size), 0 to 1: in a random direction, period and phase."""
    turn, period = draw(0, 2 * math.pi, 1, 1), draw(0.14, 0.3, 1, 1) * size
    steps = torch.arange(size) + 0.5 - size / 2
    x, y = steps / period, steps[:, None] / period
    u, v = turn.cos() * x + turn.sin() * y + draw(0, 1, 1, 1), turn.cos() * y - turn.sin() * x + draw(0, 1, 1, 1)
    height = PATTERNS[name](u, v, draw)
    return (height * period + 0.5).clamp(0, 1)[:, None]  # an edge is about a pixel wide


def _near(t: Tensor) -> Tensor:
    """The distance from the nearest whole number, 0 to 0.5."""
    return (t - t.round()).abs()


def _lines(t: Tensor, draw: Draws) -> Tensor:
    return draw(0.12, 0.32, 1, 1) - _near(t)


def _checks(u: Tensor, v: Tensor, draw: Draws) -> Tensor:
    u, v = _near(u) - 0.25, _near(v) - 0.25
    return torch.minimum(u.abs(), v.abs()).copysign(u * v) + draw(-0.06, 0.06, 1, 1)


def _cells(u: Tensor, v: Tensor, draw: Draws) -> Tensor:
    """A random field, smooth between points at distance 1."""
    places = torch.stack([u, v], 3) / 8
    return F.grid_sample(draw(-1, 1, 1, 16, 16), places, padding_mode="reflection", align_corners=False)[:, 0]


# Each gives, for coordinates in periods, the height above the edge of the ink, in periods.
PATTERNS: dict[str, Callable[[Tensor, Tensor, Draws], Tensor]] = {
    "stripes": lambda u, v, draw: _lines(u, draw),
    "dots": lambda u, v, draw: draw(0.25, 0.4, 1, 1) - _near(u).hypot(_near(v)),
    "checks": _checks,
    "blotches": lambda u, v, draw: _cells(u, v, draw) + draw(-0.2, 0.2, 1, 1),
    "zigzags": lambda u, v, draw: _lines(u + draw(0.9, 1.5, 1, 1) * _near(v / 2), draw),
    "hatching": lambda u, v, draw: torch.maximum(_lines(u, draw), _lines(v + draw(-0.5, 0.5, 1, 1) * u, draw)) - 0.06,
    "rings": lambda u, v, draw: _lines(u.hypot(v), draw),
    "fibres": lambda u, v, draw: _cells(2 * u, 0.4 * v, draw) / 2 + draw(-0.1, 0.1, 1, 1),
    "bricks": lambda u, v, draw: 0.1 - torch.minimum(_near(u), 2 * _near(v / 2 + 0.5 * (u.floor() % 2))),
    "grain": lambda u, v, draw: _cells(3 * u, 3 * v, draw) / 3 + draw(-0.06, 0.06, 1, 1),
}


def both_parts(
    kind: str, every: Iterable[str], paint: Callable[[str, Draws], Tensor], *,
    classes: int, counts: tuple[int, int], size: int, seed: int, flip: bool = False,
) -> tuple[Images, Images]:  # fmt: skip
    """Images to learn and to test of the first ``classes`` of ``every`` name, class by class.

    ``paint`` gives the canvases (N, 3, size, size), in 0..255, of a class and its random numbers.
    """
    names = tuple(every)
    check(kind, classes, len(names), count=min(counts), size=size)
    parts = []
    for part, count in zip(("train", "test"), counts, strict=True):
        pixels = torch.empty(classes * count, 3, size, size, dtype=torch.uint8)
        for name, its in zip(names, pixels.split(count), strict=False):
            draw = Draws(count, seed, kind, part, name)
            its.copy_(draw.developed(paint(name, draw)))
        parts.append(Images(pixels, torch.arange(classes).repeat_interleave(count), names[:classes], flip=flip))
    learn = parts[0].measured()
    return learn, parts[1].normalised_like(learn)


def check(kind: str, classes: int, most: int, *, count: int = 1, size: int = 16) -> None:
    """Refuse what cannot be rendered."""
    if not 2 <= classes <= most:
        raise InputError(f"{classes} classes of {kind} cannot be rendered: there are {most}; ask for 2 to {most}.")
    if count < 1:
        raise InputError(f"{count} images of {kind} cannot be rendered; ask for 1 or more.")
    if size < 16:
        raise InputError(f"images of {size} pixels are too small to show {kind}; give 16 or more.")
