"""How light a colour is: what is left of it in grey."""

from __future__ import annotations

from matplotlib.colors import to_rgb


def lightness(colour: str) -> float:
    """CIE L* of a colour, 0..100."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y
