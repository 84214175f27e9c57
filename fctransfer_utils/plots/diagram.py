"""Draws a network: rectangles for layers with weights, circles for activations, dashed circles for dropout.

networkx finds which steps can stand side by side and where they go in a column; long chains go on in the next row.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle
from matplotlib.path import Path

from ..errors import InputError
from ..optional import need
from .style import GREEN, GREY, ORANGE, PURPLE, SKY, WIDTH, settle, styled

if TYPE_CHECKING:
    import networkx as nx

WEIGHTS = ("conv", "linear", "embedding")
CIRCLES = ("activation", "dropout", "concat", "add")
COLOURS = {"conv": SKY, "linear": ORANGE, "embedding": GREEN}
BOX, SMALL, DOT = (1.26, 0.66), (1.08, 0.5), 0.27  # inches: rectangles (width, height), radius of a circle
GAP, LEVEL = 0.25, 0.24  # inches between columns, and between the nodes of a column
ROW, EDGE = 0.42, 0.12  # inches between rows, and at the edge
MOST_NODES = 60
NEEDED = "drawing a network as a diagram"


@dataclass
class Placed:
    """Where the nodes are, in inches from the upper left: id -> (x, y); the row of each; where the edges
    run ``below`` each row and how many did so far; the height of everything."""

    at: dict[str, tuple[float, float]] = field(default_factory=dict)
    row: dict[str, int] = field(default_factory=dict)
    below: list[float] = field(default_factory=list)
    turned: dict[int, int] = field(default_factory=dict)
    height: float = 0.0


def diagram(graph: Any, *, title: str = "") -> Figure:
    """The drawing of a ``models.diagram.Diagram``, from left to right, in as many rows as it needs.

    In a layer with weights stand its name, what it does and the sizes that go in and come out. Raises InputError for
    a graph without nodes and for one of more than 60, which nobody can read.
    """
    if not graph.nodes:
        raise InputError("the diagram has no nodes; give that of a module that computes something.")
    if len(graph.nodes) > MOST_NODES:
        raise InputError(
            f"a diagram of {len(graph.nodes)} nodes cannot be read at a notebook's width (at most {MOST_NODES}); draw"
            " a part of the network, such as one block."
        )
    nodes = {node.id: node for node in graph.nodes}
    placed, paths = place(nodes, graph.edges)
    top = 0.35 if title else 0.08
    height = placed.height + top + 0.5
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0), aspect="equal")
        axes.set_axis_off()
        if title:
            axes.text(0.1, 0.2, title, fontsize=11, fontweight="bold", va="center")
        shift = {key: (x, y + top) for key, (x, y) in placed.at.items()}
        for path in paths:
            _arrow(axes, path, shift, nodes, placed, top)
        for node in graph.nodes:
            _draw(axes, node, *shift[node.id])
        _legend(axes, {node.kind for node in graph.nodes}, height - 0.2)
        settle(figure)
    return figure


def place(nodes: dict[str, Any], edges: Sequence[tuple[str, str]]) -> tuple[Placed, list[list[str]]]:
    """Places for all nodes, and each edge as a path of ids: long edges bend around what lies between.

    A node's column is the longest way to it. An edge over several columns gets a point in each of them, so that it runs
    beside the nodes there and not through them.
    """
    nx = need("networkx", NEEDED)
    graph = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    column = {key: level for level, keys in enumerate(nx.topological_generations(graph)) for key in keys}
    for key in reversed(list(nx.topological_sort(graph))):  # what waits for others stands right before its first use
        following = [column[other] for other in graph.successors(key)]
        if following and not graph.in_degree(key):
            column[key] = min(following) - 1
    paths = []
    for source, target in edges:
        between = [f"{source}>{target}#{level}" for level in range(column[source] + 1, column[target])]
        column |= {point: column[source] + 1 + step for step, point in enumerate(between)}
        paths.append([source, *between, target])
    points = nx.DiGraph()
    points.add_nodes_from(column)
    points.add_edges_from(pair for path in paths for pair in itertools.pairwise(path))
    columns = _ordered(points, column)
    return _placed(columns, nodes), paths


def _ordered(points: nx.DiGraph, column: dict[str, int]) -> list[list[str]]:
    """The ids of each column from top to bottom, every one near the mean place of those that it takes from."""
    columns: list[list[str]] = [[] for _ in range(max(column.values()) + 1)]
    for key in points:
        columns[column[key]].append(key)
    rank: dict[str, float] = {}
    for keys in columns:
        before = {key: [rank[other] for other in points.predecessors(key)] for key in keys}
        keys.sort(key=lambda key: (sum(before[key]) / len(before[key]) if before[key] else 0.0, "#" in key))
        rank |= {key: place - (len(keys) - 1) / 2 for place, key in enumerate(keys)}
    return columns


def _placed(columns: list[list[str]], nodes: dict[str, Any]) -> Placed:
    """Columns next to each other until the row is full; then the next row, below."""
    nx = need("networkx", NEEDED)
    placed = Placed()
    rows: list[list[list[str]]] = [[]]
    left = EDGE
    for index, keys in enumerate(columns):
        width = max((_size(nodes[key])[0] for key in keys if key in nodes), default=0.3)
        last = index == len(columns) - 1
        if rows[-1] and left + width + (0 if last else GAP) > WIDTH - EDGE:
            rows.append([])
            left = EDGE + GAP
        rows[-1].append(keys)
        for key in keys:
            placed.at[key] = (left + width / 2, 0.0)
            placed.row[key] = len(rows) - 1
        left += width + GAP
    top = 0.1
    for row in rows:
        tallest = max(_size(nodes[key])[1] for keys in row for key in keys if key in nodes)
        most = max(len(keys) for keys in row)
        graph = nx.Graph()
        graph.add_nodes_from(key for keys in row for key in keys)
        spread = nx.multipartite_layout(graph, subset_key=dict(enumerate(row)), align="vertical")
        height = tallest + (most - 1) * (tallest + LEVEL)
        for keys in row:
            ranked = sorted(keys, key=lambda key: spread[key][1])
            for rank, key in enumerate(ranked):
                offset = (rank - (len(keys) - 1) / 2) * (tallest + LEVEL)
                placed.at[key] = (placed.at[key][0], top + height / 2 + offset)
        top += height + ROW
        placed.below.append(top - ROW / 2)
    placed.height = top - ROW
    return placed


def _size(node: Any) -> tuple[float, float]:
    if node.kind in WEIGHTS:
        return BOX
    return (2 * DOT + 0.06, 2 * DOT) if node.kind in CIRCLES else SMALL


def _draw(axes: Axes, node: Any, x: float, y: float) -> None:
    width, height = _size(node)
    if node.kind in CIRCLES:
        dropout = node.kind == "dropout"
        axes.add_patch(
            Circle(
                (x, y), DOT, fc="white" if dropout or node.kind in ("concat", "add") else "#F3D3E4",
                ec=PURPLE if node.kind in ("activation", "dropout") else GREY, ls="--" if dropout else "-", lw=1.3,
                zorder=3,
            )
        )  # fmt: skip
        words = node.words.replace("dropout ", "drop\n").replace("concat", "join").replace("leaky ", "leaky\n")
        axes.text(x, y, words, ha="center", va="center", fontsize=7, zorder=4, linespacing=0.9)
        return
    box = (x - width / 2, y - height / 2)
    if node.kind in WEIGHTS:
        axes.add_patch(Rectangle(box, width, height, fc=COLOURS[node.kind], alpha=0.45, ec="none", zorder=2))
        axes.add_patch(Rectangle(box, width, height, fc="none", ec=GREY, lw=1.2, zorder=3))
        lines = [(node.name, 8, "bold"), (node.words, 7, "normal"), (_in_out(node), 7, "normal")]
    else:
        look = "round,pad=0,rounding_size=0.1" if node.kind in ("input", "output") else "square,pad=0"
        axes.add_patch(FancyBboxPatch(box, width, height, look, fc="#F2F2F2", ec=GREY, lw=0.9, zorder=3))
        end = node.kind in ("input", "output")
        first = (node.name, 7, "bold") if end else (node.words, 7, "normal")
        lines = [first, (_text(node.outputs), 7, "normal")]
    for place, (words, size, weight) in enumerate(lines):
        drop = (place - (len(lines) - 1) / 2) * 0.17
        size = min(size, (width - 0.08) / (0.0088 * max(len(words), 1)))  # letters are 0.6 of their size wide
        axes.text(x, y + drop, words, ha="center", va="center", fontsize=size, fontweight=weight, zorder=4)


def _in_out(node: Any) -> str:
    """Sizes of linear layers as 512 → 256; of convolutions the channels and sides."""
    return f"{' + '.join(_text(size) for size in node.inputs)} → {_text(node.outputs)}"


def _text(size: Sequence[int]) -> str:
    return "×".join(str(side) for side in size) or "1"


def _arrow(axes: Axes, path: list[str], at: dict, nodes: dict[str, Any], placed: Placed, top: float) -> None:
    """One edge: straight to the next column, through the points between, round the corner to the next row."""
    start, end = nodes[path[0]], nodes[path[-1]]
    points = [(at[path[0]][0] + _size(start)[0] / 2, at[path[0]][1])]
    for before, after in itertools.pairwise(path):
        x, y = at[after]
        if after in nodes:
            x -= _size(end)[0] / 2
        if placed.row[before] != placed.row[after]:
            row = placed.row[before]
            lane = 0.08 * placed.turned.get(row, 0)  # edges that turn at the same corner run side by side
            placed.turned[row] = placed.turned.get(row, 0) + 1
            out, into, between = points[-1][0] + 0.12 - lane, EDGE / 2 + 0.12 - lane, placed.below[row] + top + lane
            points += [(out, points[-1][1]), (out, between), (into, between), (into, y)]
        points.append((x, y))
    codes = [Path.MOVETO] + [Path.LINETO] * (len(points) - 1)
    style = {"color": GREY, "lw": 1.1, "zorder": 1, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 9}
    axes.add_patch(FancyArrowPatch(path=Path(points, codes), arrowstyle="-|>", **style))


def _legend(axes: Axes, kinds: set[str], y: float) -> None:
    """What the shapes mean, below the drawing; only those that it has."""
    x = 0.15
    entries = [("conv", "convolution"), ("linear", "linear (fully connected)"), ("embedding", "embedding")]
    for kind, words in entries:
        if kind in kinds:
            axes.add_patch(Rectangle((x, y - 0.07), 0.24, 0.14, fc=COLOURS[kind], alpha=0.45, ec=GREY, lw=1))
            x = _entry(axes, x + 0.3, y, words)
    for kind, words, line in (("activation", "activation", "-"), ("dropout", "dropout", "--")):
        if kind in kinds:
            fill = "#F3D3E4" if kind == "activation" else "white"
            axes.add_patch(Circle((x + 0.1, y), 0.08, fc=fill, ec=PURPLE, ls=line, lw=1.2))
            x = _entry(axes, x + 0.24, y, words)
    _entry(axes, x, y, "in → out: sizes without the batch")


def _entry(axes: Axes, x: float, y: float, words: str) -> float:
    axes.text(x, y, words, fontsize=7.5, va="center", color=GREY)
    return x + 0.075 * len(words) + 0.2
