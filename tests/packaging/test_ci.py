"""What continuous integration does on machines of several kinds; nothing is installed here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
INSTALL = ["apt-get update -qq", "apt-get install -qq --yes --no-install-recommends chromium"]
SKIPPED = "no browser could be installed; the tests that need one are skipped"


@pytest.fixture
def machine(tmp_path):
    """``machine(name=exit code, ...)``: a machine with these programs alone, each of which notes how it was called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (tmp_path / ".ci").mkdir()
    shutil.copy(SCRIPT, tmp_path / ".ci")
    for name in ("bash", "dirname"):
        (programs / name).symlink_to(shutil.which(name))
    told = tmp_path / "told"

    def run(*, user: int = 0, **codes: int):
        codes = {name.replace("_", "-"): code for name, code in {"make": 0, **codes}.items()}
        scripts = {name: f'echo "{name} $*" >> {told}; exit {code}' for name, code in codes.items()}
        scripts["id"] = f"echo {user}"
        if codes.get("sudo") == 0:
            scripts["sudo"] = f'shift; [ "$1" = true ] || {{ echo "as root:" >> {told}; "$@"; }}'
        for name, script in scripts.items():
            (programs / name).write_text(f"#!{programs / 'bash'}\n{script}\n", encoding="utf-8")
            (programs / name).chmod(0o755)
        result = subprocess.run(
            [programs / "bash", tmp_path / ".ci" / "run"], env={"PATH": str(programs)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return result, told.read_text(encoding="utf-8").splitlines()

    return run


@pytest.mark.parametrize("browser", ["chromium", "chromium_browser", "google_chrome"])
def test_where_there_is_a_browser_nothing_is_installed(machine, browser):
    result, told = machine(**{browser: 0, "apt_get": 0})
    assert (result.returncode, told) == (0, ["make test"])


def test_root_installs_one_where_there_is_none(machine):
    result, told = machine(apt_get=0)
    assert (result.returncode, told) == (0, [*INSTALL, "make test"])
    assert not result.stderr


def test_a_user_who_may_become_root_installs_one_too(machine):
    _, told = machine(user=1000, apt_get=0, sudo=0)
    assert told == ["as root:", INSTALL[0], "as root:", INSTALL[1], "make test"]


@pytest.mark.parametrize(
    "lacking",
    [{}, {"apt_get": 100}, {"user": 1000, "apt_get": 0}, {"user": 1000, "apt_get": 0, "sudo": 1}],
    ids=["no Debian", "no network", "no sudo", "sudo asks"],
)
def test_where_none_can_be_installed_it_says_so_and_tests_the_rest(machine, lacking):
    result, told = machine(**lacking)
    assert result.returncode == 0
    assert told[-1] == "make test"
    assert SKIPPED in result.stderr


def test_it_fails_when_the_tests_do(machine):
    assert machine(make=3, chromium=0)[0].returncode == 3
