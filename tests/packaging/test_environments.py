"""The four descriptions of the environment say the same thing, and each tool that reads one accepts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
CONDA_NAMES = {"pytorch": "torch", "pytorch-cpu": "torch", "playwright-python": "playwright"}
CONDA_ONLY = {"python", "pip"}
ENVIRONMENTS = ("environment.yml", "binder/environment.yml")
NVIDIA = re.compile(r"^(nvidia-|cuda-|triton$)")
SYSTEMS = {
    "linux-x86_64": {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"},
    "linux-aarch64": {"sys_platform": "linux", "platform_machine": "aarch64", "platform_system": "Linux"},
    "macos-arm64": {"sys_platform": "darwin", "platform_machine": "arm64", "platform_system": "Darwin"},
}


def pyproject() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def ranges(*extras: str) -> dict[str, SpecifierSet]:
    """What pyproject.toml asks for, by package."""
    project = pyproject()["project"]
    lines = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    wanted = [Requirement(line) for line in lines]
    return {canonicalize_name(item.name): item.specifier for item in wanted}


def pins() -> list[Requirement]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]


def conda_ranges(path: str) -> dict[str, SpecifierSet]:
    """What a conda environment file asks for, under the names of the package index."""
    entries = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))["dependencies"]
    wanted = {}
    for entry in entries:
        name, relation, version = re.fullmatch(r"([a-z0-9_.-]+?)(?:(>=|=)([0-9.]+))?", entry).groups()
        text = {">=": f">={version}", "=": f"=={version}.*", None: ""}[relation]
        wanted[CONDA_NAMES.get(name, name)] = SpecifierSet(text)
    return wanted


def test_every_pin_is_one_exact_version_and_no_line_is_an_address():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-|git\+|file:)", text, flags=re.MULTILINE)
    for pin in pins():
        assert pin.url is None
        assert re.fullmatch(r"==[0-9A-Za-z.!]+", str(pin.specifier)), pin
        assert not Version(str(pin.specifier).removeprefix("==")).local, pin


def test_every_pin_lies_in_the_range_of_pyproject():
    wanted = ranges("course", "test")
    pinned = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins()}
    assert wanted.keys() <= pinned.keys()
    outside = {name: pinned[name] for name, allowed in wanted.items() if pinned[name] not in allowed}
    assert not outside


@pytest.mark.parametrize("path", ENVIRONMENTS)
def test_every_pin_lies_in_the_range_of_the_conda_environment(path):
    pinned = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins()}
    wanted = conda_ranges(path)
    outside = {
        name: (pinned.get(name), str(allowed))
        for name, allowed in wanted.items()
        if name not in CONDA_ONLY and pinned.get(name, "absent") not in allowed
    }
    assert not outside


def test_the_environment_at_the_root_has_exactly_what_pyproject_asks_for():
    found = {name: allowed for name, allowed in conda_ranges("environment.yml").items() if name not in CONDA_ONLY}
    assert found == ranges("course", "test")


def test_binder_has_exactly_what_the_notebooks_need():
    found = {
        name: allowed for name, allowed in conda_ranges("binder/environment.yml").items() if name not in CONDA_ONLY
    }
    setuptools = {"setuptools": ranges("test")["setuptools"]}
    assert found == ranges("course") | setuptools


def test_the_python_of_every_environment_is_one_that_pyproject_admits():
    admitted = SpecifierSet(pyproject()["project"]["requires-python"])
    assert conda_ranges("environment.yml")["python"] == admitted
    assert "3.12" in admitted
    assert conda_ranges("binder/environment.yml")["python"] == SpecifierSet("==3.12.*")


@pytest.mark.parametrize("path", ENVIRONMENTS)
def test_every_package_of_a_conda_environment_says_why_it_is_there(path):
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    packages = [line for line in lines if line.startswith("  - ") and line != "  - conda-forge"]
    assert packages
    assert not [line for line in packages if not re.search(r"# \S+", line)]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_on_every_system_each_package_is_pinned_once(system, version):
    here = default_environment() | SYSTEMS[system] | {"python_version": version, "python_full_version": f"{version}.9"}
    names = [canonicalize_name(pin.name) for pin in pins() if pin.marker is None or pin.marker.evaluate(here)]
    assert len(names) == len(set(names))
    assert {"torch", "torchvision", "numpy", "jupyterlab", "papermill"} <= set(names)
    on_linux = system.startswith("linux")
    assert any(NVIDIA.match(name) for name in names) == on_linux


def test_without_the_nvidia_libraries_nothing_else_is_left_out_of_the_cpu_installation():
    """The pattern by which make leaves lines out matches the libraries for NVIDIA cards and torch, and no others."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    pattern = re.search(r"grep -v -E '([^']+)'", makefile).group(1)
    left_out = {pin.name for pin in pins() if re.match(pattern, str(pin).replace(" ", ""))}
    assert left_out == {"torch", "torchvision"} | {pin.name for pin in pins() if NVIDIA.match(pin.name)}


def test_what_is_installed_here_is_complete_and_consistent():
    if not any(dist.name == "pip" for dist in distributions()):
        pytest.skip("pip is not installed in this environment, so it cannot check it")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("path", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_are_executable_and_stop_at_the_first_error(path):
    script = ROOT / path
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_the_workflow_and_the_ci_script_do_exactly_make_test():
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().endswith("\nexec make test")
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == ["make test"]
    assert workflow["permissions"] == {"contents": "read"}
    assert all(re.search(r"@v\d+$", step["uses"]) for step in steps if "uses" in step)
