"""Processes that train and that the system takes away, as it does when memory runs out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from made_runs import small_study

from fctransfer_utils.errors import InputError
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.training.recipe import Recipe

psutil = pytest.importorskip("psutil")
pytest.importorskip("distributed")


def workers_of(process):
    """The processes that train for ``process``: children of the server that it forks them from."""
    servers = [child for child in process.children() if "forkserver" in " ".join(child.cmdline())]
    return [child for server in servers for child in server.children()]


def test_a_network_whose_processes_die_again_and_again_ends_in_one_error_and_costs_no_other(run, store, compare):
    run(store)
    endless = small_study(recipe=Recipe(epochs=100_000, batch_size=16), treatments=("base",))

    begun = []

    def kill_all(now):
        if now.event == "begun":
            begun.append(now.run)
        elif now.event == "tick" and begun:  # not while they still start, which takes long on a busy machine
            begun.clear()
            for worker in workers_of(psutil.Process()):
                worker.kill()

    with pytest.raises(InputError, match=r"died 3 times .*no memory left.*use fewer --workers"):
        run(store, endless, workers=2, progress=kill_all)
    compare(store)


RUN = """
import sys
from made_runs import small_study
from fctransfer_utils.experiments import engine
from fctransfer_utils.experiments.store import Store
from fctransfer_utils.training.recipe import Recipe

if __name__ == "__main__":
    endless = small_study(recipe=Recipe(epochs=100_000, batch_size=16))
    engine.run(endless, Store(sys.argv[1]), workers=2, progress=lambda now: print(now.event, flush=True))
"""


def test_when_the_main_process_alone_is_killed_its_workers_end_and_the_store_is_free(tmp_path, run, compare):
    script = tmp_path / "run.py"
    script.write_text(RUN)
    here = os.pathsep.join(sys.path)
    command = [sys.executable, str(script), str(tmp_path / "store")]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": here}, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.strip() == "tick":  # networks are in training
                break
        workers = workers_of(psutil.Process(process.pid))
        assert len(workers) == 2
        process.send_signal(signal.SIGKILL)
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert not alive
    assert len(gone) == 2
    store = Store(tmp_path / "store")
    assert run(store).done == 7
    compare(store)
