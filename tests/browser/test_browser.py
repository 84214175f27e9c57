"""Notebooks in JupyterLab as a reader sees them: opened in a browser, run from the menu, sliders moved.

Needs playwright (``pip install playwright``) and a Chromium: the system's, or that of ``playwright install chromium``.
Screenshots lie in the test's folder, which ``--basetemp FOLDER`` names.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from fctransfer_utils import papermill_run

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.slow

SYSTEM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SETTINGS = {  # all cells are in the page, and nothing is asked of the internet
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
QUIET = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
MINUTES = 15  # for all cells of a notebook, on a machine that has other things to do


@pytest.fixture
def browser():
    with playwright.sync_playwright() as started:
        path = SYSTEM or started.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("there is no Chromium")
        sandbox = not hasattr(os, "geteuid") or os.geteuid() > 0  # root's Chromium has none
        running = started.chromium.launch(executable_path=path, args=[*QUIET], chromium_sandbox=sandbox)
        yield running
        running.close()


@pytest.fixture
def lab(tmp_path):
    """``lab(notebook)``: the address of a copy of it in a JupyterLab of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    books, settings = tmp_path / "notebooks", tmp_path / "settings"
    books.mkdir()
    for name, value in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    folders = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    options = ["--no-browser", "--allow-root", f"--port={port}", f"--notebook-dir={books}", "--IdentityProvider.token="]
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", *options],
        env=os.environ | folders | {"JUPYTERLAB_SETTINGS_DIR": str(settings)},
        stderr=(tmp_path / "server.log").open("w"),
    )

    def address(notebook):
        shutil.copy(notebook, books)
        return f"http://127.0.0.1:{port}/lab/tree/{notebook.name}"

    until = time.monotonic() + 120
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/api").close()
            break
        except OSError:
            assert server.poll() is None, (tmp_path / "server.log").read_text()
            assert time.monotonic() < until, "JupyterLab does not answer"
            time.sleep(0.5)
    yield address
    server.terminate()
    server.wait(30)


@pytest.mark.parametrize("number", ["00", "04", "11"])
def test_a_notebook_runs_in_the_browser(number, browser, lab, tmp_path):
    page = browser.new_page(viewport={"width": 1200, "height": 1600})
    told = []
    page.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.append(str(error)))
    (book,) = papermill_run.notebooks(number)
    page.goto(lab(book))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120_000)
    page.get_by_text(" | Idle").wait_for(timeout=120_000)  # the kernel, in the bar below
    page.get_by_text("Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    prompts = ".jp-Notebook .jp-CodeCell .jp-InputPrompt"
    page.wait_for_function(f"[...document.querySelectorAll('{prompts}')].some(one => one.innerText.includes('*'))")
    page.wait_for_function(
        f"![...document.querySelectorAll('{prompts}')].some(one => one.innerText.includes('*'))",
        timeout=MINUTES * 60_000,
    )
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator(".jp-Notebook .jp-OutputArea img").count() > 1
    for place in range(page.locator(".widget-slider").count()):
        slider = page.locator(".widget-slider").nth(place)
        slider.scroll_into_view_if_needed()
        shown = page.locator(".jp-OutputArea-output", has=slider).last
        before = slider.locator(".widget-readout").inner_text(), shown.inner_html()
        page.screenshot(path=tmp_path / f"{number}_slider_{place}_before.png")
        slider.locator(".noUi-handle").focus()
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(5000)
        page.screenshot(path=tmp_path / f"{number}_slider_{place}_after.png")
        after = slider.locator(".widget-readout").inner_text(), shown.inner_html()
        assert after[0] != before[0]
        assert after[1] != before[1]
    page.screenshot(path=tmp_path / f"{number}.png")
    assert not told
