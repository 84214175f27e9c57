"""A diagram of any module: sizes, branches, what joins them, and one error where there is no single graph."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fctransfer_utils.errors import InputError
from fctransfer_utils.models import NetSpec, build
from fctransfer_utils.models.adapters import adapted
from fctransfer_utils.models.convert import as_convolutions
from fctransfer_utils.models.diagram import diagram_of, size_text


class Ratings(nn.Module):
    """Users and items embedded, joined, two hidden layers in a ModuleList, one output."""

    def __init__(self):
        super().__init__()
        self.users, self.items = nn.Embedding(9, 8), nn.Embedding(5, 4)
        self.hidden = nn.ModuleList([nn.Linear(12, 64), nn.Linear(64, 32)])
        self.dropout, self.out = nn.Dropout(0.2), nn.Linear(32, 1)

    def forward(self, users, items):
        signal = torch.cat([self.users(users), self.items(items)], dim=1)
        for layer in self.hidden:
            signal = self.dropout(torch.relu(layer(signal)))
        return torch.sigmoid(self.out(signal))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, maps):
        batch = maps.shape[0]
        return F.relu(maps + self.conv(maps)).view(batch, -1)


class Undecided(nn.Module):
    def forward(self, signal):
        return signal if signal.sum() > 0 else -signal


def kinds(graph):
    return [node.kind for node in graph.nodes]


def test_our_network_is_a_chain_with_the_sizes_of_every_layer():
    net = build(NetSpec(width=12, dropout=0.2), classes=7, image_size=32, seed=0)
    graph = diagram_of(net, torch.zeros(1, 3, 32, 32), names=["image"])
    weights = {node.name: (node.inputs[0], node.outputs) for node in graph.nodes if node.kind in ("conv", "linear")}
    assert weights["conv1"] == ((3, 32, 32), (12, 32, 32))
    assert weights["fc6"] == ((512,), (512,))
    assert weights["fc8"] == ((512,), (7,))
    assert kinds(graph).count("activation") == 7
    assert [node.words for node in graph.nodes if node.kind == "dropout"] == ["dropout 0.2"] * 2
    assert graph.nodes[0].name == "image"
    assert graph.edges == tuple(zip([n.id for n in graph.nodes], [n.id for n in graph.nodes[1:]], strict=False))


def test_embeddings_are_joined_and_the_layers_of_a_module_list_are_shown():
    graph = diagram_of(Ratings(), torch.zeros(2, dtype=torch.long), torch.zeros(2, dtype=torch.long))
    by_kind = {kind: [node for node in graph.nodes if node.kind == kind] for kind in kinds(graph)}
    assert [node.name for node in by_kind["input"]] == ["users", "items"]
    (join,) = by_kind["concat"]
    assert (join.inputs, join.outputs) == (((8,), (4,)), (12,))
    assert [(node.name, node.outputs) for node in by_kind["linear"]] == [
        ("hidden.0", (64,)), ("hidden.1", (32,)), ("out", (1,)),
    ]  # fmt: skip
    assert [node.words for node in by_kind["activation"]] == ["ReLU", "ReLU", "sigmoid"]
    assert sum(target == join.id for _, target in graph.edges) == 2


def test_a_skip_connection_is_a_branch_and_sizes_of_the_batch_are_no_nodes():
    graph = diagram_of(Residual(), torch.zeros(2, 4, 5, 5))
    assert kinds(graph) == ["input", "conv", "add", "activation", "reshape", "output"]
    add = graph.nodes[2].id
    assert {source for source, target in graph.edges if target == add} == {"maps", "conv"}
    assert graph.nodes[-1].outputs == (100,)


def test_half_a_gigabyte_of_weights_is_drawn_from_shapes_alone():
    graph = diagram_of(adapted("vgg16", device="meta")[13:], torch.zeros(1, 512, 7, 7))
    assert [node.inputs[0] for node in graph.nodes if node.kind == "linear"] == [(25088,), (4096,), (4096,)]
    convolutional = as_convolutions(adapted("vgg16", device="meta")[13:])
    graph = diagram_of(convolutional, torch.zeros(1, 512, 14, 14))
    assert [node.words for node in graph.nodes if node.kind == "conv"] == ["conv 7×7", "conv 1×1", "conv 1×1"]
    assert graph.nodes[-1].outputs == (1000, 8, 8)


def test_the_rows_are_a_table_of_text():
    rows = diagram_of(Ratings(), torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long)).rows()
    join = next(row for row in rows if row["kind"] == "concat")
    assert (join["inputs"], join["outputs"]) == ("8 + 4", "12")
    assert size_text(()) == "1"


def test_the_module_stays_as_it_is():
    net = Ratings().train()
    diagram_of(net, torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long))
    assert net.training
    assert net.out.weight.device.type == "cpu"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: diagram_of(Undecided(), torch.zeros(1, 3)), "Undecided cannot be drawn.*control flow"),
        (lambda: diagram_of(Residual(), torch.zeros(1, 3, 5, 5)), "Residual does not take inputs of size 1×3×5×5"),
        (lambda: diagram_of(Ratings(), torch.zeros(1, dtype=torch.long)), "one example per input"),
    ],
)
def test_what_has_no_single_graph_or_does_not_fit_gets_one_clear_error(make, words):
    with pytest.raises(InputError, match=words):
        make()
