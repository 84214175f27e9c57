"""JupyterLab on this machine, and a notebook open in it: what a test does there instead of a reader."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from made_chromium import PATIENCE

from fctransfer_utils.course.kernel import this_interpreter

if TYPE_CHECKING:
    from playwright.sync_api import Page

SCRIPTS = Path(__file__).with_name("made_lab.js")
START = 180.0  # seconds that the server may take
RUN = 600_000  # milliseconds that one notebook may take
SETTINGS = {
    # cells out of sight are laid out too, and the page ends with the last one
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none", "scrollPastEnd": False},
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@contextmanager
def served(folder: Path, *, home: Path, variables: Mapping[str, str]) -> Iterator[str]:
    """The address of a JupyterLab on ``folder``, its token included; kernels get ``variables``.

    It keeps settings and logs in ``home`` and sees none of this machine's own. It ends with the context.
    """
    for name, values in SETTINGS.items():
        file = home / "settings" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    with this_interpreter(variables), (home / "log").open("w") as log:
        command, environment = _command(folder), _environment(home)
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield _address(server, home)
        finally:
            _end(server)


def _command(folder: Path) -> list[str]:
    return [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={_free_port()}", f"--ServerApp.root_dir={folder}", "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]  # fmt: skip


def _environment(home: Path) -> dict[str, str]:
    places = {
        "JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings", "JUPYTERLAB_WORKSPACES_DIR": "workspaces", "IPYTHONDIR": "ipython",
    }  # fmt: skip
    own = {name: str(home / place) for name, place in places.items()}
    return {**os.environ, **own, "JUPYTER_TOKEN": secrets.token_hex(16)}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _address(server: subprocess.Popen, home: Path) -> str:
    """Where the server answers; it tells itself, since another program may have taken the port before it."""
    until = time.monotonic() + START
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError, URLError, ValueError, KeyError):
            told = json.loads((home / "runtime" / f"jpserver-{server.pid}.json").read_text(encoding="utf-8"))
            with urlopen(f"{told['url']}api/status?token={told['token']}", timeout=10):
                return f"{told['url']}lab?token={told['token']}"
        time.sleep(0.1)
    log = (home / "log").read_text(encoding="utf-8", errors="replace")
    raise RuntimeError(f"JupyterLab did not start (exit code {server.poll()}):\n{log[-3000:]}")


def _end(server: subprocess.Popen) -> None:
    """Ask it to stop with its kernels, and end what is left of its group."""
    server.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=60)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


class Lab:
    """A page of JupyterLab in which one notebook at a time is open."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.add_init_script(path=SCRIPTS)
        self._root = address.split("lab?")[0]
        self._load(address)

    def visit(self, path: str) -> str:
        """Load the address ``path`` of the server, such as a link's end, and say what the page then shows in front."""
        self._load(f"{self._root}{path}?reset")  # as in a new session, with nothing open yet
        return self._call("front", PATIENCE)

    def open(self, path: str) -> None:
        """Open the notebook ``path`` and wait until its kernel is ready and every cell is laid out."""
        self.complaints.clear()
        self._call("open", path)

    def run(self) -> bool:
        """Run all cells; whether every one of them ended without an error."""
        return self._call("run", RUN)

    def cells(self) -> list[dict[str, Any]]:
        """The notebook's cells with their outputs, as they would be saved."""
        return self._call("cells")

    def complained(self) -> list[str]:
        """What went wrong in the page, windows that JupyterLab has put in front, and what it could not show."""
        return [*self.complaints, *self._call("complaints")]

    def too_wide(self) -> list[str]:
        """Each output or text that is wider than its place: number of the cell, both widths, and how it begins."""
        return self._call("tooWide")

    def boxes(self) -> list[dict[str, Any]]:
        """For each group of controls with a picture: the number of its cell, and its controls with kind and label."""
        return self._call("boxes")

    def picture(self, box: int) -> bytes:
        """The picture of a group of controls, as a PNG file."""
        return base64.b64decode(self._call("picture", box))

    def move(self, box: int, control: int) -> dict[str, Any]:
        """Move a control by the keyboard alone; its words before and after, and the milliseconds to the new picture.

        Raises playwright's Error when no new picture comes.
        """
        self.page.keyboard.press(self._call("begin", [box, control]))
        return self._call("moved", PATIENCE)

    def photograph(self, folder: Path, name: str) -> list[Path]:
        """Pictures of the whole notebook from top to bottom, each as high as the page shows at a time."""
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}-*.png"):
            old.unlink()
        files = []
        place = self._call("frame")
        for number, top in enumerate(range(0, max(place["whole"] - 1, 1), int(place["height"])), start=1):
            self._call("scroll", top)
            files.append(folder / f"{name}-{number:02d}.png")
            clip = {key: place[key] for key in ("x", "y", "width", "height")}
            self.page.screenshot(path=files[-1], clip=clip)
        return files

    def photograph_box(self, box: int, file: Path) -> None:
        """A picture of a group of controls with what stands below them."""
        node = self.page.evaluate_handle("(box) => window.reader.output(box)", box).as_element()
        node.screenshot(path=file)

    def close(self) -> None:
        """Close the notebook and end its kernel; nothing is saved."""
        self._call("close")

    def _load(self, address: str) -> None:
        self.page.goto(address)
        self.page.wait_for_function("window.jupyterapp !== undefined")
        self.page.evaluate("window.jupyterapp.restored.then(() => true)")

    def _call(self, name: str, argument: Any = None) -> Any:
        return self.page.evaluate(f"(argument) => window.reader.{name}(argument)", argument)
