"""The verbs of the Makefile, as make itself would carry them out (nothing is installed here)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def clone(tmp_path):
    """A folder with what the installation reads, and nothing installed."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run make as if no other make had started these tests."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(["make", *arguments], cwd=folder, env=outer, capture_output=True, text=True, check=False)


def plan(folder: Path, *arguments: str) -> str:
    """The commands that make would run."""
    result = make(folder, "--dry-run", "--no-print-directory", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_a_fresh_clone_installs_and_then_runs_the_quick_course_on_glyphs(clone):
    commands = plan(clone, "course").splitlines()
    assert any("-m venv .venv" in line for line in commands)
    assert any("-r requirements.txt" in line for line in commands)
    assert commands[-1].strip() == ".venv/bin/fctransfer notebooks quick --data glyphs"


def test_profile_and_data_can_be_named(clone):
    commands = plan(clone, "course", "PROFILE=read", "DATA=tiny-imagenet", "WORKERS=3").splitlines()
    assert commands[-1].strip() == "FCTRANSFER_WORKERS=3 .venv/bin/fctransfer notebooks read --data tiny-imagenet"


@pytest.mark.parametrize("verb", ["course", "test", "lab", "format", "check-notebooks", "evidence"])
def test_once_installed_no_verb_installs_again(clone, verb):
    stamp = clone / ".venv" / "installed"
    stamp.parent.mkdir()
    stamp.touch()
    commands = plan(clone, verb)
    assert "pip" not in commands
    assert "venv .venv" not in commands
    assert ".venv/bin/" in commands


def test_with_a_torch_index_torch_alone_comes_from_there(clone):
    commands = plan(clone, "course", "TORCH_INDEX=https://example.invalid/cpu").splitlines()
    installs = [line for line in commands if "install" in line and "--index-url" in line]
    assert len(installs) == 1
    assert installs[0].endswith("--index-url https://example.invalid/cpu -r .venv/torch.txt")


def test_an_old_python_is_refused_with_what_to_do(clone):
    old = clone / "old-python"
    old.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "raise SystemExit(1)"\n', encoding="utf-8")
    old.chmod(0o755)
    result = make(clone, "course", "PYTHON=./old-python")
    assert result.returncode != 0
    assert "./old-python is not Python 3.11 or newer; install one and name it: make PYTHON=python3.12" in result.stderr
    assert not (clone / ".venv").exists()
