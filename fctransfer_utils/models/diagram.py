"""A network as a graph of boxes and arrows: what is computed from what, and how large it is.

The graph is recorded by torch.fx: the module is run once with stand-ins for its inputs, so any module will do whose
``forward`` takes the same way for every input. ``plots.diagram`` draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from ..errors import InputError
from .cost import shapes_only

ACTIVATIONS = (
    "relu", "relu6", "leakyrelu", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "prelu", "tanh",
    "sigmoid", "softmax", "log_softmax", "logsoftmax", "softplus", "hardtanh", "hardsigmoid", "hardswish", "identity",
)  # fmt: skip
RESHAPES = ("flatten", "view", "reshape", "unflatten", "squeeze", "unsqueeze", "permute", "transpose")
JOINS = {"cat": "concat", "concat": "concat", "stack": "concat", "add": "add", "iadd": "add", "add_": "add"}


@dataclass(frozen=True)
class Node:
    """One step: ``kind`` decides how it is drawn, ``name`` where it is in the module, ``words`` what it does.

    ``kind``: input, output, conv, linear, embedding, activation, dropout, norm, pool, reshape, concat, add or other.
    ``inputs`` and ``outputs`` are sizes without the batch, such as (3, 32, 32).
    """

    id: str
    kind: str
    name: str
    words: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Diagram:
    """Nodes in the order of their work, and arrows (from, to) by their ids."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    def rows(self) -> list[dict[str, Any]]:
        """A dict per node with ``id, kind, name, words, inputs, outputs, to`` as text: the table behind the drawing."""
        return [
            {
                "id": node.id,
                "kind": node.kind,
                "name": node.name,
                "words": node.words,
                "inputs": " + ".join(size_text(size) for size in node.inputs),
                "outputs": size_text(node.outputs),
                "to": " ".join(target for source, target in self.edges if source == node.id),
            }
            for node in self.nodes
        ]


def diagram_of(module: nn.Module, *inputs: Tensor, names: Sequence[str] | None = None) -> Diagram:
    """The graph of ``module`` for example ``inputs`` (with a batch as first axis); ``names`` call the inputs.

    The module runs in eval mode on shapes only; dropout is shown all the same. Raises InputError for a module whose way
    depends on its input, and for inputs that do not fit it.
    """
    kind = type(module).__name__
    shadow = shapes_only(module)
    try:
        traced = fx.GraphModule(shadow, fx.Tracer().trace(shadow))
    except Exception as error:  # whatever forward does with a stand-in that has no value
        raise InputError(
            f"{kind} cannot be drawn: its forward takes a way that depends on its input ({_first_line(error)}); draw"
            " its parts one by one, or take the decision outside of forward."
        ) from error
    sizes = _Sizes(traced)
    try:
        with torch.no_grad():
            sizes.run(*(example.to("meta") for example in inputs))
    except Exception as error:
        given = ", ".join(size_text(tuple(example.shape)) for example in inputs) or "nothing"
        raise InputError(
            f"{kind} does not take inputs of size {given} ({_first_line(error)}); give one example per input of its"
            " forward, with the batch as first axis."
        ) from error
    return _diagram(traced, sizes.found, list(names or ()))


def size_text(size: Sequence[int]) -> str:
    """(3, 32, 32) as ``3×32×32``; a single number per image as ``1``."""
    return "×".join(str(side) for side in size) or "1"


class _Sizes(fx.Interpreter):
    """Runs the graph and remembers the size of every tensor in it, without the batch."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced, garbage_collect_values=False)
        self.found: dict[str, tuple[int, ...]] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n.name] = tuple(result.shape[1:])
        return result


def _diagram(traced: fx.GraphModule, sizes: dict[str, tuple[int, ...]], names: list[str]) -> Diagram:
    nodes, edges = [], []
    for step in traced.graph.nodes:
        if step.op == "output":
            sources = [source for source in step.all_input_nodes if source.name in sizes]
            size = sizes[sources[0].name] if sources else ()
        elif step.name in sizes:
            sources = [source for source in step.all_input_nodes if source.name in sizes]
            size = sizes[step.name]
        else:
            continue  # a number on the way, such as the size of the batch
        kind, name, words = _described(traced, step, names)
        nodes.append(Node(step.name, kind, name, words, tuple(sizes[source.name] for source in sources), size))
        edges += [(source.name, step.name) for source in sources]
    return Diagram(tuple(nodes), tuple(edges))


def _described(traced: fx.GraphModule, step: fx.Node, names: list[str]) -> tuple[str, str, str]:
    """Kind, name and words of a step."""
    if step.op == "placeholder":
        return "input", names.pop(0) if names else step.name, "input"
    if step.op == "output":
        return "output", "output", "output"
    if step.op == "call_module":
        return _module(str(step.target), traced.get_submodule(str(step.target)))
    called = step.target if isinstance(step.target, str) else getattr(step.target, "__name__", str(step.target))
    word = called.split(".")[-1]
    if word in JOINS:
        return JOINS[word], "", {"concat": "concat", "add": "+"}[JOINS[word]]
    if word.strip("_") in ACTIVATIONS:
        return "activation", "", _nice(word.strip("_"))
    if "dropout" in word:
        return "dropout", "", f"dropout {step.kwargs.get('p', 0.5):g}"
    if "pool" in word or word == "mean":
        return "pool", "", word.replace("_", " ")
    if word in RESHAPES:
        return "reshape", "", word
    return "other", "", word


def _module(path: str, module: nn.Module) -> tuple[str, str, str]:
    name = path.rsplit(".", 1)[0] if path.split(".")[-1] in ("conv", "linear") else path
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        stride = f" /{module.stride[0]}" if module.stride[0] > 1 else ""
        return "conv", name, f"conv {'×'.join(map(str, module.kernel_size))}{stride}"
    if isinstance(module, nn.Linear):
        return "linear", name, "linear"
    if isinstance(module, nn.Embedding):
        return "embedding", name, f"embedding of {module.num_embeddings}"
    kind = type(module).__name__
    if isinstance(module, nn.Dropout | nn.Dropout2d | nn.AlphaDropout):
        return "dropout", name, f"dropout {module.p:g}"
    if kind.lower() in ACTIVATIONS:
        return "activation", name, _nice(kind)
    if "Pool" in kind:
        return "pool", name, _pool_words(module, kind)
    if "Norm" in kind:
        return "norm", name, "batch norm" if "Batch" in kind else "response norm" if "Response" in kind else "norm"
    if kind.lower() in RESHAPES:
        return "reshape", name, kind.lower()
    return "other", name, kind


def _pool_words(module: nn.Module, kind: str) -> str:
    word = "max pool" if "Max" in kind else "mean pool"
    if "Adaptive" in kind:
        size = module.output_size
        return f"{word} to {size if isinstance(size, int) else size_text(size)}"
    stride = module.stride if isinstance(module.stride, int) else module.stride[0]
    kernel = module.kernel_size if isinstance(module.kernel_size, int) else module.kernel_size[0]
    return f"{word} {kernel}×{kernel} /{stride}"


def _nice(word: str) -> str:
    usual = {"relu": "ReLU", "relu6": "ReLU6", "gelu": "GELU", "elu": "ELU", "selu": "SELU", "silu": "SiLU"}
    usual |= {"leakyrelu": "leaky ReLU", "leaky_relu": "leaky ReLU", "prelu": "PReLU", "tanh": "tanh", "celu": "CELU"}
    return usual.get(word.lower(), word.lower().replace("_", " "))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
