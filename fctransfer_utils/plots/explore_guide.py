"""The guide's answer to one question: where evidence lies around it, and how the options compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..analysis.explore import option_gaps
from ..analysis.guide import FARTHEST, REACH, Recommendation
from .quick import Scale, Words, draw_lines, page
from .style import BLACK, BLUE, GREY, PALE, VERMILLION, styled, wrapped

HEIGHT, FOOT, TOP = 3.9, 0.6, 3.1
LEFT, RIGHT = (0.65, 3.35), (6.75, 8.75)  # inches: where the evidence lies, and the scale of the options
MOST = 10  # options; the rest is counted
CITED = ("study", "data", "target_set", "seed", "option", "top1", "key")
LABELS = (1, 1000)  # of the axis of labels per class
NAMES = {"glyphs": (BLUE, "o"), "tiny-imagenet": (VERMILLION, "^")}


def guide_figure(
    evidence: pd.DataFrame, answer: Recommendation, *, distance: float, labels: int, compute: str
) -> Figure:
    """Left, every measured condition by distance and labels, and the question with its reach; right, the options.

    ``evidence`` is that of ``analysis.guide_evidence.gather``, ``answer`` what ``analysis.guide.recommend`` says of it
    for this question. The gap of each option to the recommended one is in points, with its 95 % interval if it has one.
    """
    with styled():
        figure, axes = page(HEIGHT)
        words = Words(axes)
        title = answer.option[0].upper() + answer.option[1:] if answer.found else "No evidence"
        sure = "" if answer.clear or not answer.found else " (not clearly better than the next)"
        words.write(0.1, HEIGHT - 0.18, f"{title}{sure}", size=11, bold=True)
        asked = f"Asked: distance {distance:g}, {labels} labels per class, {compute} compute."
        words.write(0.1, HEIGHT - 0.42, asked, size=9, colour=GREY)
        _evidence(axes, words, evidence, distance, labels)
        if answer.found:
            _options(axes, words, evidence, answer)
        else:
            words.write(LEFT[1] + 0.5, (FOOT + TOP) / 2, wrapped(answer.reason, 68), size=9)
        words.draw()
    return figure


def cited(evidence: pd.DataFrame, answer: Recommendation) -> list[str]:
    """A line per network that the recommendation compared: study, donor's data, target, what was done, top-1, key."""
    rows = evidence.loc[evidence["key"].isin(answer.rows), list(CITED)]
    rows = rows.sort_values(["target_set", "option", "seed"])
    return [
        f"{study}: {data} to {target}, seed {seed}: {option}: top-1 {top1:.1%} ({key})"
        for study, data, target, seed, option, top1, key in zip(*(rows[name].tolist() for name in CITED), strict=True)
    ]


def _evidence(axes: Axes, words: Words, evidence: pd.DataFrame, distance: float, labels: int) -> None:
    """A marker per condition that was trained, and a frame around what counts for the question."""
    across = Scale(*np.log10(LABELS), *LEFT)
    up = Scale(0.0, FARTHEST, FOOT, TOP)
    grid = []
    for count in (1, 10, 100, 1000):
        x = across(np.log10(count))
        grid.append((x, FOOT, x, TOP))
        words.write(x, FOOT - 0.13, str(count), size=8, align="center")
    for value in (0.0, 0.5, 1.0, 1.5, 2.0):
        grid.append((LEFT[0], up(value), LEFT[1], up(value)))
        words.write(LEFT[0] - 0.08, up(value), f"{value:.1f}", size=8, align="right")
    draw_lines(axes, grid, colour=PALE, width=0.7, order=0)
    words.write(sum(LEFT) / 2, FOOT - 0.32, "labels per class", align="center")
    words.write(0.1, TOP + 0.13, "distance of the target")
    sides = np.clip([labels / 2, labels * 2], *LABELS)
    low, high = max(distance - REACH, 0.0), min(distance + REACH, FARTHEST)
    left, right = across(np.log10(sides[0])), across(np.log10(sides[1]))
    frame = Rectangle((left, up(low)), right - left, up(high) - up(low), fc="#F4EBD0", ec=BLACK, lw=1.2, zorder=1)
    axes.add_artist(frame)
    known = evidence.dropna(subset="domain")
    spots = known[["data", "domain", "labels_per_class"]].drop_duplicates()
    for place, (name, (colour, marker)) in enumerate(NAMES.items()):
        mine = spots[spots["data"].str.split("[").str[0] == name]
        x = [across(np.log10(count)) for count in mine["labels_per_class"]]
        spot = 0.2 + 1.6 * place
        y = [up(value) for value in mine["domain"]]
        axes.plot([*x, spot], [*y, 0.1], ls="", marker=marker, ms=6, color=colour, mec="white", mew=0.6, zorder=3)
        words.write(spot + 0.12, 0.1, f"from {name}", size=8)
    x, y = across(np.log10(np.clip(labels, *LABELS))), up(distance)
    axes.plot(x, y, marker="+", ms=13, mew=2.2, color=BLACK, zorder=5)
    words.write(3.75, 0.1, "+ and frame: the question, and what counts for it", size=8)


def _options(axes: Axes, words: Words, evidence: pd.DataFrame, answer: Recommendation) -> None:
    """The options from best to worst, as gaps to the recommended one."""
    every = option_gaps(evidence, answer)
    shown = every.head(MOST)
    ends = np.append(shown[["mean", "low", "high"]].to_numpy(dtype=float).ravel(), 0.0)
    low, high = np.nanmin(ends), np.nanmax(ends)
    room = 0.08 * max(high - low, 1.0)
    scale = Scale(low - room, high + room, *RIGHT)
    step = min((TOP - FOOT) / len(shown), 0.34)
    scale.draw(axes, words, bottom=FOOT, top=TOP, label="gap to the first (points)", most=4)
    draw_lines(axes, [(scale(0), FOOT, scale(0), TOP)], width=1.0)
    bars, spots = [], {BLACK: [], GREY: []}
    for place, row in enumerate(shown.itertuples()):
        y = TOP - (place + 0.5) * step
        first = row.option == answer.option
        words.write(RIGHT[0] - 0.1, y, _short(row.option), size=8, bold=first, align="right")
        if np.isfinite(row.low):
            bars.append((scale(row.low), y, scale(row.high), y))
        spots[BLACK if first else GREY].append((scale(row.mean), y))
    for colour, places in spots.items():
        axes.plot(*np.reshape(places, (-1, 2)).T, ls="", marker="o", ms=6, color=colour, zorder=4)
    draw_lines(axes, bars, colour=GREY, width=2.0, order=3)
    some = f"; {len(every) - len(shown)} more below these" if len(every) > len(shown) else ""
    sure = "bars: 95 % interval" if bars else "one split and seed: no interval"
    words.write(LEFT[1] + 0.25, TOP + 0.13, f"{len(answer.rows)} networks; {sure}{some}")


def _short(option: str) -> str:
    """``keep up to fc6, frozen, new fc7 and new last layer`` as ``to fc6, frozen, + fc7, last``."""
    if not option.startswith("keep"):
        return "learn from scratch"
    cut, protocol, head = option.removeprefix("keep up to ").split(", ", 2)
    drawn = head.replace("new last layer", "last").replace(" and ", ", ").replace("new ", "")
    return f"to {cut}, {protocol}, new: {drawn}"
