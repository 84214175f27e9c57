"""What the classes of the rendered sets are, and in which order.

The characters were chosen once, by rule, then fixed here so that a class never changes its number. A character was
taken if at least 5 of ``glyph_fonts.FONTS`` (weights and styles count) really have it and if no character taken before
it looks like it: for two classes the masks of any two fonts, blurred, shifted by up to a pixel of 20 and turned by 12
degrees, correlate at most 0.96 at best and on average (best match of each font) below 0.87. So Greek Alpha, Cyrillic A,
small o, I, l and many more are out. The digits were taken first.

The sets of textures, scenes and fonts have no characters as classes: they stand for tasks that are far from telling
characters apart.
"""

from __future__ import annotations

LETTERS = {
    "latin": "ACEHKLMNPQRTUVWXYZabdefkmnqrsÆŒÞæø",
    "greek": "ΞΣΦΨαβζλμςω",
    "cyrillic": "ДЖЙЦЧЩЪЫЭЮЯвлЂЉЊЋѤѬѰ",
    "georgian": "აბდკლოჟრტფქჯ",
    "armenian": "ԲԴԵԶԷԸԹԽԾԿՀՃՆՇՊՎՔՖ",
    "lao": "ຂຄງຈຊຍຕນຜຝພລ",
}
SYMBOLS = {
    "digits": "0123456789",
    "arrows": "←→↖↗↘↙↯↰↲↶↺⇄⇈⇒⇕⇶⟲↹↬⇦",
    "geometric shapes": "□▣▤▲△▶◀◇◈○◎◐◒◔◢◤◧▷◁▽",
    "mathematical operators": "∈∉∓∗√∝∞∠∴∵∷≃≠≡≤≥≪≫≶≺⊂⊆⊞",
    "dingbats": "✂✈✉✌✍✎✜❈❝❢❤❦➲",
    "miscellaneous symbols": "☂☃★☆☎☏☑☒☕☘☜☝☞☠☢☣☯☽",
    "punctuation": '&@#%$^>"§‡£‰¿',
}


def _spread(groups: dict[str, str]) -> list[str]:
    """The characters of ``groups`` so that every beginning holds each group in proportion to its size."""
    placed = [
        ((place + 0.5) / len(characters), rank, character)
        for rank, characters in enumerate(groups.values())
        for place, character in enumerate(characters)
    ]
    return [character for *_, character in sorted(placed)]


def _alternate(first: list[str], second: list[str]) -> tuple[str, ...]:
    """One of each in turn, then what is left of the longer."""
    shorter = min(len(first), len(second))
    pairs = [item for pair in zip(first[:shorter], second[:shorter], strict=True) for item in pair]
    return (*pairs, *first[shorter:], *second[shorter:])


CHARACTERS = _alternate(_spread(LETTERS), _spread(SYMBOLS))
"""Class i is CHARACTERS[i]; the first k are half letters, half symbols and hold every group in proportion."""


OTHERS = CHARACTERS[-30:]
"""Characters that no source of the course contains, which has the first 50 or 100: classes near to its own."""

TEXTURES = ("stripes", "zigzags", "checks", "dots", "rings", "hatching", "blotches", "bricks")
SCENES = ("row", "column", "falling line", "rising line", "ring", "corners", "cluster", "scattered")
FACES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "STIXGeneral",
    "STIXGeneralItalic",
    "cmss10",
    "cmtt10",
)
"""Fonts that differ in more than their slant and that all have FACE_LETTERS."""
FACE_LETTERS = "aRk"


def groups(classes: int) -> dict[str, tuple[int, ...]]:
    """The named groups among the first ``classes`` characters, and ``letters`` and ``symbols`` as a whole."""
    return groups_of(CHARACTERS[:classes])


def groups_of(chosen: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """The places of ``chosen`` characters in each named group that has any of them."""
    members = {
        **LETTERS,
        **SYMBOLS,
        "letters": "".join(LETTERS.values()),
        "symbols": "".join(SYMBOLS.values()),
    }
    found = {
        name: tuple(i for i, character in enumerate(chosen) if character in text) for name, text in members.items()
    }
    return {name: indices for name, indices in found.items() if indices}
