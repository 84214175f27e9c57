"""The rooms of the package import in one direction, and training needs no library for tables or pictures."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "fctransfer_utils"
BELOW = {"errors", "fields", "files", "optional", "scratch", "seeds", "cka"}
MAY_IMPORT = {
    "data": set(),
    "models": set(),
    "training": {"data", "models"},
    "experiments": {"data", "models", "training"},
    "analysis": set(),
    "plots": {"analysis"},
    # its checklist asks the command line which commands there are
    "course": {"data", "models", "training", "experiments", "analysis", "plots", "cli"},
}


def imported(file: Path) -> Iterator[str]:
    """The rooms, and the files beside them, that ``file`` imports: at its head, in functions and for types alike."""
    home = [PACKAGE.name, *file.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            places = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = home[: len(home) + 1 - node.level] if node.level else []
            module = node.module.split(".") if node.module else []
            places = [[*start, *module, alias.name] for alias in node.names]
        else:
            continue
        yield from (place[1] for place in places if place[0] == PACKAGE.name and place[1:2] != ["__version__"])


def files_beside() -> set[str]:
    return {file.stem for file in PACKAGE.glob("*.py")} - {"__init__", "__main__"}


def test_every_room_and_every_file_beside_them_has_its_place():
    assert {folder.parent.name for folder in PACKAGE.glob("*/__init__.py")} == set(MAY_IMPORT)
    assert {name for name in files_beside() if not name.startswith("cli")} == BELOW


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_from_those_below_it_only(room):
    allowed = {room, *BELOW, *MAY_IMPORT[room]}
    found = {
        f"{file.relative_to(PACKAGE)} imports {name}"
        for file in (PACKAGE / room).rglob("*.py")
        for name in imported(file)
        if name not in allowed
    }
    assert found == set()


@pytest.mark.parametrize("name", sorted(BELOW))
def test_what_lies_below_the_rooms_imports_none_of_them(name):
    assert set(imported(PACKAGE / f"{name}.py")) <= BELOW


def test_workers_load_no_library_for_tables_or_pictures():
    names = [f"{PACKAGE.name}.experiments.{name}" for name in ("worker", "run_network", "run_target", "run_fc")]
    code = (
        f"import sys, {', '.join(names)}; print(*{{'pandas', 'matplotlib', 'seaborn', 'scipy'}} & sys.modules.keys())"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.split() == []
