"""Binder: what its scripts do, what its image recipe holds, and that a session is told its limits."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"


def test_a_session_gets_one_thread_and_one_worker_and_then_the_command_that_was_asked_for():
    result = subprocess.run([BINDER / "start", "env"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    variables = dict(line.split("=", 1) for line in result.stdout.splitlines())
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "FCTRANSFER_WORKERS"):
        assert variables[name] == "1"


def test_the_command_keeps_its_arguments_and_its_exit_code():
    command = [BINDER / "start", "sh", "-c", 'echo "$0|$1"; exit 7', "a b", "c"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (7, "a b|c\n")


@pytest.fixture
def image(tmp_path):
    """``image(python=exit code)``: what postBuild called, in a copy of the project with programs that only note it."""
    programs, told = tmp_path / "bin", tmp_path / "told"
    programs.mkdir()
    (tmp_path / "repo" / "notebooks").mkdir(parents=True)
    for name in ("00_start_here", "05_transfer_curves"):
        (tmp_path / "repo" / "notebooks" / f"{name}.ipynb").touch()
    shutil.copytree(BINDER, tmp_path / "repo" / "binder")

    def build(*, python: int = 0):
        for name, code in (("python", python), ("jupyter", 0)):
            text = f'#!/bin/sh\necho "{name} $*" >> "{told}"\nexit {code}\n'
            (programs / name).write_text(text, encoding="utf-8")
            (programs / name).chmod(0o755)
        environment = {"PATH": f"{programs}:/usr/bin:/bin"}
        result = subprocess.run(["binder/postBuild"], cwd=tmp_path / "repo", env=environment, check=False)
        return result.returncode, told.read_text(encoding="utf-8").splitlines()

    return build


def test_the_image_gets_the_package_trusted_notebooks_and_its_fonts(image):
    code, told = image()
    assert code == 0
    assert told[0] == "python -m pip install --no-deps --no-build-isolation --editable ."
    assert told[1] == "jupyter trust notebooks/00_start_here.ipynb notebooks/05_transfer_curves.ipynb"
    assert told[2] == "python -c import matplotlib.font_manager"


def test_an_image_whose_package_does_not_install_is_not_built(image):
    code, told = image(python=1)
    assert code == 1
    assert len(told) == 1


@pytest.fixture(scope="module")
def recipe() -> str:
    """The recipe of the image as repo2docker writes it; nothing is built."""
    command = shutil.which("jupyter-repo2docker")
    if command is None:
        pytest.skip("jupyter-repo2docker is not installed; `pip install jupyter-repo2docker` and run this test again")
    as_on_binder = ["--user-id", "1000", "--user-name", "jovyan"]  # never as root
    result = subprocess.run(
        [command, "--no-build", "--debug", *as_on_binder, "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, (result.stdout + result.stderr)[-2000:]
    return result.stdout + result.stderr


def test_repo2docker_takes_the_binder_folder_alone(recipe):
    assert "binder/environment.yml" in recipe
    assert "src/environment.yml" not in recipe
    assert "requirements.txt" not in recipe


def test_the_image_has_the_python_that_the_environment_names(recipe):
    version = re.search(r"- python=([0-9.]+)", (BINDER / "environment.yml").read_text(encoding="utf-8")).group(1)
    assert f"conda environment for python={version}" in recipe


def test_the_project_belongs_to_the_reader_before_postbuild_writes_into_it(recipe):
    copied, built = recipe.index("COPY --chown=1000:1000 src/ "), recipe.index("RUN ./binder/postBuild")
    assert copied < built
    assert "USER ${NB_USER}" in recipe[copied:built]


def test_a_session_starts_through_our_script(recipe):
    assert re.search(r"ENV R2D_ENTRYPOINT=.*binder/start", recipe)
