"""What notebook 00 writes out is what the package does."""

import ast
import inspect

import nbformat
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from fctransfer_utils import papermill_run
from fctransfer_utils.data.glyphs import glyphs
from fctransfer_utils.models import surgery
from fctransfer_utils.models.alexnet import build
from fctransfer_utils.models.spec import NetSpec
from fctransfer_utils.training import loop
from fctransfer_utils.training.recipe import Recipe

(PATH,) = papermill_run.notebooks("00")
SOURCE = "\n\n".join(cell.source for cell in nbformat.read(PATH, as_version=4).cells if cell.cell_type == "code")
DEFINED = {node.name: node for node in ast.parse(SOURCE).body if isinstance(node, ast.FunctionDef)}


def written(*names):
    """Functions of the notebook, ready to call."""
    space = {"torch": torch, "nn": nn, "F": F, "np": np, "pd": pd}
    exec(compile(ast.Module([DEFINED[name] for name in names], []), str(PATH), "exec"), space)
    return [space[name] for name in names]


def text(function):
    """The code of a function without its type hints."""
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
    function.returns = None
    return ast.unparse(function)


def test_the_surgery_is_the_same_text():
    for name in ("cut", "transplant", "freeze"):
        assert text(DEFINED[name]) == text(ast.parse(inspect.getsource(getattr(surgery, name))).body[0])


def test_the_experiment_is_at_most_60_lines():
    nodes = [DEFINED[name] for name in ("conv", "fc", "alexnet", "cut", "transplant", "freeze", "train", "accuracy")]
    assert sum(node.end_lineno - node.lineno + 1 for node in nodes) <= 70


def test_the_network_is_the_package_s():
    *_, alexnet = written("conv", "fc", "alexnet")
    theirs, ours = alexnet(10).eval(), build(NetSpec(), classes=10, size=32).eval()
    for given, own in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True):
        assert given.shape == own.shape
        own.copy_(given)
    x = torch.rand(4, 3, 32, 32)
    assert torch.equal(theirs(x), ours(x))


def test_the_loop_has_the_same_losses_to_a_millionth():
    (train,) = written("train")
    images, _ = glyphs(classes=4, per_class=16, test_per_class=1)
    images = images.measured()
    first, second = (build(NetSpec(width=4), classes=4, size=32, seed=1) for _ in range(2))
    for net in (first, second):
        surgery.freeze(net, 2)
    losses = train(first, images.normalise(images.pixels), images.labels, epochs=3, rate=0.02, batch=16, seed=5)
    recipe = Recipe(epochs=3, learning_rate=0.02, batch_size=16, shift=0)
    history = loop.train(second, images, recipe, seed=5)
    ours = history.losses
    assert np.allclose(losses.reshape(3, 4).mean(1).numpy(), ours, rtol=0, atol=1e-6)
    assert ours[0] != ours[-1]
