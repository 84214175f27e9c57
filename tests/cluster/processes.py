"""A Dask cluster as a user starts it: processes of ``dask scheduler`` and ``dask worker`` on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

GATE = Path(__file__).with_name("gate.py")
PATIENCE = 180.0
QUIET = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false",
    "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "20s",
    "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s",
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
}


class Processes:
    """A scheduler and its workers, each worker in a folder of its own; all end with ``close``."""

    def __init__(self, folder: Path, *, preload: Path | None = GATE, **environment: str) -> None:
        self.folder, self.preload = folder, preload
        self.environment = {**os.environ, **QUIET, "GATE": str(folder / "gate"), **environment}
        self.workers: list[subprocess.Popen] = []
        (folder / "gate").mkdir(parents=True)
        file = folder / "scheduler.json"
        self.scheduler = self._start(
            "scheduler", "--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)
        )
        until(lambda: file.exists() and file.read_text().endswith("}"), "the scheduler to write its address")
        self.address = json.loads(file.read_text())["address"]

    def worker(self, memory: str = "0", *, scheduler: str = "", prepare: Callable[[Path], object] = lambda _: None):
        """Start a worker that may use ``memory`` ("2GiB"; "0": any); ``prepare`` fills its folder before."""
        home = self.folder / f"worker{len(self.workers)}"
        home.mkdir()
        prepare(home)
        options = ["--nthreads", "1", "--memory-limit", memory, "--no-nanny", "--no-dashboard"]
        options += ["--preload", str(self.preload)] if self.preload else []
        self.workers.append(self._start("worker", scheduler or self.address, *options, home=home))
        return self.workers[-1]

    @property
    def alive(self) -> list[subprocess.Popen]:
        """Workers whose process has not ended."""
        return [each for each in self.workers if each.poll() is None]

    def ready(self) -> None:
        """Wait until every worker that is alive has joined the scheduler."""
        for number, each in enumerate(self.workers):
            log = self.folder / f"worker{number}.log"
            until(lambda each=each, log=log: each.poll() is not None or b"Registered to" in log.read_bytes(), str(log))

    @contextlib.contextmanager
    def closed_gate(self) -> Iterator[None]:
        """No network begins to learn inside, until ``open_gate``."""
        for file in (self.folder / "gate").iterdir():
            file.unlink()
        (self.folder / "gate" / "closed").touch()
        try:
            yield
        finally:
            self.open_gate()

    def open_gate(self) -> None:
        """Let networks learn."""
        (self.folder / "gate" / "closed").unlink(missing_ok=True)

    def begun(self) -> dict[int, list[str]]:
        """The keys that each process has begun since the gate was closed, by process."""
        found: dict[int, list[str]] = {}
        for file in (self.folder / "gate").glob("begun-*"):
            _, process, key = file.name.split("-")
            found.setdefault(int(process), []).append(key)
        return found

    def close(self) -> None:
        """End every process."""
        for each in [*self.workers, self.scheduler]:
            with contextlib.suppress(ProcessLookupError):
                each.send_signal(signal.SIGCONT)
                each.kill()
            each.wait()

    def _start(self, what: str, *options: str, home: Path | None = None) -> subprocess.Popen:
        command = [sys.executable, "-m", "dask", what, "--host", "127.0.0.1", *options]
        log = (self.folder / f"{what}{len(self.workers)}.log").open("wb")
        return subprocess.Popen(command, cwd=home or self.folder, env=self.environment, stdout=log, stderr=log)


class Line:
    """A network between a worker and ``scheduler`` that can be cut: connections to ``address`` are passed on."""

    def __init__(self, scheduler: str) -> None:
        host, _, port = scheduler.removeprefix("tcp://").rpartition(":")
        self._there = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End all connections and take no new ones."""
        for each in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(self._there)
                self._open += [here, there]
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(2**16):
                target.sendall(content)
            target.shutdown(socket.SHUT_WR)


def until(condition: Callable[[], object], what: str) -> None:
    """Wait for ``condition``. Raises TimeoutError with ``what`` after three minutes."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {PATIENCE:.0f} s for {what}")
        time.sleep(0.05)
