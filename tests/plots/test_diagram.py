"""The drawing of a network: everything is on the page, nothing lies on anything else, long chains go on below."""

import itertools
from types import SimpleNamespace

import matplotlib as mpl
import pytest
from matplotlib.patches import Circle

from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.diagram import COLOURS, diagram, place
from fctransfer_utils.plots.style import WIDTH


def node(id, kind, *, words="", inputs=((8,),), outputs=(8,)):
    return SimpleNamespace(id=id, kind=kind, name=id, words=words or kind, inputs=inputs, outputs=outputs)


def graph(nodes, edges):
    return SimpleNamespace(nodes=tuple(nodes), edges=tuple(edges))


def chain(length):
    nodes = [node("in", "input")] + [node(f"fc{i}", "linear") for i in range(length)] + [node("out", "output")]
    return graph(nodes, itertools.pairwise([n.id for n in nodes]))


@pytest.fixture
def branched():
    """Two embeddings joined, dropout, a skip connection around a layer."""
    nodes = [
        node("users", "input"), node("items", "input"), node("u", "embedding"), node("i", "embedding"),
        node("cat", "concat", inputs=((8,), (4,)), outputs=(12,)), node("fc", "linear", inputs=((12,),)),
        node("drop", "dropout", words="dropout 0.2"), node("act", "activation", words="ReLU"),
        node("sum", "add", words="+", inputs=((8,), (8,))), node("out", "output"),
    ]  # fmt: skip
    edges = [("users", "u"), ("items", "i"), ("u", "cat"), ("i", "cat"), ("cat", "fc"), ("fc", "drop")]
    edges += [("drop", "act"), ("act", "sum"), ("cat", "sum"), ("sum", "out")]
    return graph(nodes, edges)


def test_every_layer_is_shown_with_its_sizes(branched, texts):
    words = texts(diagram(branched, title="Ratings"))
    for expected in ("Ratings", "users", "items", "fc", "12 → 8", "ReLU", "drop\n0.2", "join", "+"):
        assert expected in words


def test_layers_with_weights_are_rectangles_activations_circles_and_dropout_is_dashed(branched):
    figure = diagram(branched)
    circles = [patch for patch in figure.findobj(Circle) if patch.radius > 0.2]
    assert [patch.get_linestyle() for patch in circles] == ["-", "--", "-", "-"]  # join, dropout, activation, sum
    faces = {mpl.colors.to_hex(patch.get_facecolor()) for patch in figure.findobj(mpl.patches.Rectangle)}
    assert {mpl.colors.to_hex(COLOURS[kind]) for kind in ("linear", "embedding")} <= {
        face.upper() for face in faces
    } | faces


def boxes(placed, nodes):
    from fctransfer_utils.plots.diagram import _size

    for key in nodes:
        (x, y), (width, height) = placed.at[key], _size(nodes[key])
        yield key, (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


@pytest.mark.parametrize("length", [1, 6, 30])
def test_no_two_nodes_overlap_and_all_are_on_the_page(length, branched):
    for picture in (chain(length), branched):
        nodes = {n.id: n for n in picture.nodes}
        placed, _ = place(nodes, picture.edges)
        found = dict(boxes(placed, nodes))
        for left, top, right, bottom in found.values():
            assert left >= 0
            assert right <= WIDTH
            assert top >= 0
            assert bottom <= placed.height + 0.11
        for one, other in itertools.combinations(found.values(), 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart


def test_a_long_chain_goes_on_in_the_next_row_from_the_left():
    picture = chain(12)
    placed, _ = place({n.id: n for n in picture.nodes}, picture.edges)
    rows = [placed.row[n.id] for n in picture.nodes]
    assert rows == sorted(rows)
    assert rows[-1] >= 2
    first = next(n.id for n in picture.nodes if placed.row[n.id] == 1)
    assert placed.at[first][0] < 1.5


def test_an_edge_over_several_columns_runs_beside_the_nodes_between(branched):
    nodes = {n.id: n for n in branched.nodes}
    placed, paths = place(nodes, branched.edges)
    (path,) = [path for path in paths if path[0] == "cat" and path[-1] == "sum"]
    between = [placed.at[point] for point in path[1:-1]]
    assert len(between) == 3
    for _, (left, top, right, bottom) in boxes(placed, nodes):
        assert not any(left < x < right and top < y < bottom for x, y in between)


def test_arrows_point_from_left_to_right_within_a_row(branched):
    placed, _ = place({n.id: n for n in branched.nodes}, branched.edges)
    for source, target in branched.edges:
        if placed.row[source] == placed.row[target]:
            assert placed.at[source][0] < placed.at[target][0]


def test_a_graph_without_nodes_or_with_too_many_is_refused():
    with pytest.raises(InputError, match="no nodes"):
        diagram(graph([], []))
    with pytest.raises(InputError, match="102 nodes.*at most 60"):
        diagram(chain(100))
