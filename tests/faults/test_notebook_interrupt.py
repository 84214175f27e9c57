"""The interrupt button (Ctrl-C in a notebook) stops a study at once, and running the cell again goes on."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from fctransfer_utils.experiments.store import Store

jupyter_client = pytest.importorskip("jupyter_client")
ROOT = Path(__file__).parents[2]
PATIENCE = 240

BEGIN = """
from fctransfer_utils import course
run = course.start("05_transfer_curves", profile="smoke")
"""
LONG = "run.study(treatments=('base',), seeds=range(2000))"
AGAIN = "print(len(run.study(treatments=('base',), seeds=range(2))), 'rows')"


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "figures" / "data").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.fixture
def kernel(project):
    """``kernel(workers)``: a kernel whose working directory is the project's notebooks folder, and its client."""
    made = []

    def start(workers):
        settings = {"FCTRANSFER_PROJECT": str(project), "FCTRANSFER_WORKERS": str(workers)}
        paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        manager, client = jupyter_client.manager.start_new_kernel(
            kernel_name="python3",
            cwd=str(project / "notebooks"),
            env=os.environ | settings | {"PYTHONPATH": paths},
            startup_timeout=PATIENCE,
        )
        made.append((manager, client))
        return manager, client

    yield start
    for manager, client in made:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def outputs_of(client, source):
    """Execute ``source``; its reply and what it printed."""
    lines = []

    def keep(message):
        lines.append(str(message["content"].get("text", "")))

    reply = client.execute_interactive(source, output_hook=keep, timeout=PATIENCE, allow_stdin=False)
    return reply["content"], "".join(lines)


def first_network(folder):
    """Wait until a network was trained."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if list(folder.glob("store/*/records/*.json")):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_cell_says_how_to_go_on_and_does(kernel, project, workers):
    if workers > 1:
        pytest.importorskip("distributed")
    manager, client = kernel(workers)
    assert outputs_of(client, BEGIN)[0]["status"] == "ok"
    message = client.execute(LONG, stop_on_error=False)  # the next cell waits instead of being aborted with it
    assert first_network(project / "build")
    manager.interrupt_kernel()
    reply = client.get_shell_msg(timeout=PATIENCE)
    while reply["parent_header"].get("msg_id") != message:
        reply = client.get_shell_msg(timeout=PATIENCE)
    assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "KeyboardInterrupt")

    (folder,) = (project / "build" / "store").iterdir()
    store = Store(folder, create=False)
    assert store.holder() == ""
    assert store.damaged() == {}
    trained = len(store.records())
    assert 0 < trained < 4000

    reply, printed = outputs_of(client, AGAIN)
    assert reply["status"] == "ok", reply
    assert "4 rows" in printed
    assert len(store.records()) <= trained + 4
