"""Without a package that only a part needs, that part says which and how to get it, and the rest works."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from packaging.requirements import Requirement

from fctransfer_utils.analysis.distance import proxy_a_distance
from fctransfer_utils.errors import InputError
from fctransfer_utils.plots.diagram import place
from fctransfer_utils.plots.widgets import figure_slider

ROOT = Path(__file__).parents[2]
MODULES = {"pyyaml": "yaml", "scikit-learn": "sklearn"}
SHUT = """
import sys
sys.modules.update(dict.fromkeys({shut!r}))  # what is None there cannot be imported
from fctransfer_utils.cli import main
sys.exit(main({arguments!r}))
"""
TINY = [
    "--profile", "smoke", "--glyph-classes", "4", "--glyphs-per-class", "4", "--epochs", "1", "--width", "12",
    "--treatments", "base,BnB", "--cuts", "1", "--directions", "A-B",
]  # fmt: skip


def slider():
    return figure_slider(lambda n: Figure(), value=1, low=0, high=2, label="n")


def distance():
    features = np.random.default_rng(0).normal(size=(40, 3))
    return proxy_a_distance(features, features + 1)


@pytest.mark.parametrize(
    ("module", "package", "part", "purpose"),
    [
        ("ipywidgets", "ipywidgets", slider, "a control that moves a picture"),
        ("networkx", "networkx", lambda: place({}, []), "drawing a network as a diagram"),
        ("sklearn", "scikit-learn", distance, "the distance of two sets of images"),
    ],
)
def test_the_part_that_needs_a_missing_package_names_it_and_the_mend(monkeypatch, module, package, part, purpose):
    monkeypatch.setitem(sys.modules, module, None)
    words = f"{purpose} needs the package '{package}'.*make install.*pip install {package}"
    with pytest.raises(InputError, match=words):
        part()


def without(*arguments: str) -> subprocess.CompletedProcess:
    """The command line in a Python where nothing of the extra ``course`` can be imported."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = [Requirement(line).name for line in project["optional-dependencies"]["course"]]
    shut = {MODULES.get(package, package) for package in packages}
    code = SHUT.format(shut=shut, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_networks_are_trained_with_the_base_packages_alone(tmp_path):
    result = without("run", "transfer", "--store", str(tmp_path / "store"), "--execution", "cpu/float32", *TINY)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("3 trained, 0 done before, 0 left")


@pytest.mark.parametrize(
    ("arguments", "missing"),
    [
        (("run", "transfer", "--store", "s", "--workers", "2", *TINY), "distributed"),
        (("notebooks", "read"), "papermill"),
    ],
)
def test_a_command_that_needs_more_says_what_in_one_line(tmp_path, arguments, missing):
    arguments = [str(tmp_path / "s") if word == "s" else word for word in arguments]
    result = without(*arguments)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert missing in result.stderr
    assert "pip install" in result.stderr
