"""Runs of a small study in processes that start in no time and can be killed whole.

``Launcher`` starts this file as a process of its own, which imports torch once and then forks a child for every order:
each child has a process group of its own, as a run has that is started from a terminal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

REFUSED, BAD_INPUT = 4, 5
"""The exit statuses of a run that found its store in use, and of one that ended in another clear error."""
FILE_EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "tempfile.mkstemp")


@dataclass(frozen=True)
class Order:
    """What a child does: train the small study into ``store``, or decode the images of ``folder``.

    It kills itself and its whole group before the ``kill_at``-th operation on files of the place that it writes to
    (0: never), and adds the key of every network that it has reported as trained, and the error that it ends in, to
    the file ``told``. ``megabytes`` is the memory that it may take beside what it has (0: any); ``width`` is that of
    the networks.
    """

    store: str = ""
    folder: str = ""
    workers: int = 1
    kill_at: int = 0
    megabytes: int = 0
    width: int = 12
    told: str = os.devnull


class Launcher:
    """Gives orders to the process that forks."""

    def __init__(self, process: subprocess.Popen) -> None:
        self._process = process

    def begin(self, *orders: Order) -> list[int]:
        """Start a child for each order, all at once; their process ids."""
        self._process.stdin.write(json.dumps([asdict(order) for order in orders]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> list[int]:
        """Wait for the children that were begun last; their exit statuses, negative for a signal."""
        return self._answer()

    def run(self, *orders: Order) -> list[int]:
        """Begin and end."""
        self.begin(*orders)
        return self.end()

    def _answer(self) -> list[int]:
        line = self._process.stdout.readline()
        assert line, "the process that forks has ended"
        return json.loads(line)


@contextmanager
def launcher() -> Iterator[Launcher]:
    """A launcher; its process ends with the context."""
    environment = os.environ | {"FCTRANSFER_EXECUTION": "cpu/float32"}
    command = [sys.executable, __file__]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        yield Launcher(process)
        process.stdin.close()


def small_study(**options):
    """7 tiny networks on rendered glyphs, some of which learn side by side."""
    from fctransfer_utils.data.spec import DataSpec
    from fctransfer_utils.experiments.study import transfer_study
    from fctransfer_utils.models.spec import NetSpec
    from fctransfer_utils.training.recipe import Recipe

    plain = {
        "data": DataSpec(glyph_classes=6, glyphs_per_class=8),
        "net": NetSpec(width=12),
        "recipe": Recipe(epochs=2, batch_size=16),
        "directions": (("A", "B"),),
        "treatments": ("base", "BnB", "AnB", "twice"),
        "cuts": (1, 7),
    }
    return transfer_study(**{**plain, **options})


def _kill_before(number: int, place: str) -> None:
    """Kill this process and its group before its ``number``-th operation on files below ``place``."""
    seen = 0

    def watch(event: str, arguments: tuple) -> None:
        nonlocal seen
        if event in FILE_EVENTS and any(isinstance(path, str) and path.startswith(place) for path in arguments):
            seen += 1
            if seen == number:
                os.killpg(0, 9)

    sys.addaudithook(watch)


def _obey(order: Order) -> int:
    os.setsid()
    if order.kill_at:
        _kill_before(order.kill_at, order.store or order.folder)
    if order.folder:
        from fctransfer_utils.data import DataSpec, load

        load(DataSpec(f"folder:{order.folder}"))
        return 0
    return _train(order)


def _train(order: Order) -> int:
    from fctransfer_utils.errors import InputError
    from fctransfer_utils.experiments import cluster, engine
    from fctransfer_utils.experiments.store import Store
    from fctransfer_utils.models.spec import NetSpec

    cluster.START_METHOD = "fork"  # from this process, which has imported torch: nothing is imported again
    told = os.open(order.told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def tell(now) -> None:
        if now.event == "trained":
            os.write(told, f"{now.run.key}\n".encode())

    if order.megabytes:
        _limit_memory(order.megabytes)
    study = small_study(net=NetSpec(width=order.width))
    try:
        report = engine.run(study, Store(order.store), workers=order.workers, progress=tell)
    except InputError as error:
        os.write(told, f"{error}\n".encode())
        return REFUSED if "in use" in str(error) else BAD_INPUT
    return report.remaining


def _limit_memory(megabytes: int) -> None:
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + megabytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _serve() -> None:
    import torch

    from fctransfer_utils.experiments import run_network, worker

    assert run_network
    torch.set_num_threads(1)  # no thread is there when a child is forked
    worker.load_images(small_study().runs[0].data, None)
    for line in sys.stdin:
        children = [_fork(Order(**order)) for order in json.loads(line)]
        print(json.dumps(children), flush=True)
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]), flush=True)


def _fork(order: Order) -> int:
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.close(0)
        os.dup2(2, 1)  # standard output is for answers only
        status = _obey(order)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    _serve()
