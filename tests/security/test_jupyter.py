"""The Jupyter server of ``make lab`` listens on this machine only and asks for its token; Binder's keeps its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 180
WEAKER = re.compile(
    r"(token|password|allow_origin|allow_remote|disable_check_xsrf|allow_unauthenticated|0\.0\.0\.0|::|--ip=\*|certfile)",
    re.IGNORECASE,
)


def recipe():
    """The words of the command that ``make lab`` runs, behind its program."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--dry-run", "--no-print-directory", "--assume-old=.venv/installed", "lab"]
    plan = subprocess.run(command, cwd=ROOT, env=outer, capture_output=True, text=True, check=True).stdout
    line = next(line for line in plan.splitlines() if "jupyter lab" in line)
    return shlex.split(line)[1:]


def test_make_lab_names_the_loopback_address_and_takes_nothing_away():
    words = recipe()
    assert "--ip=127.0.0.1" in words
    assert not WEAKER.search(" ".join(words))


def test_no_setting_in_the_project_weakens_a_server():
    for name in ("binder/start", "binder/postBuild"):
        assert not WEAKER.search((ROOT / name).read_text(encoding="utf-8")), name
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not tracked:
        tracked = [
            str(file.relative_to(ROOT)) for folder in ("binder", "notebooks") for file in (ROOT / folder).rglob("*")
        ]
    assert not [name for name in tracked if re.search(r"jupyter.*config\.(py|json)$", name)]


def test_binder_starts_what_it_was_asked_to_start():
    """BinderHub gives the command with its own token; the script adds variables and passes the words on as they are."""
    command = [
        str(ROOT / "binder" / "start"),
        sys.executable,
        "-c",
        "import sys; print(sys.argv[1:])",
        "--token=a b",
        "*",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['--token=a b', '*']"


@pytest.fixture
def server(tmp_path):
    """The server that ``make lab`` starts, on a free port and without a browser; what it says about itself."""
    program = shutil.which("jupyter-lab", path=str(Path(sys.executable).parent)) or shutil.which("jupyter-lab")
    if program is None:
        pytest.skip("jupyterlab is not installed")
    words = [word for word in recipe() if word != "lab" and not word.startswith("--notebook-dir")]
    (tmp_path / "notebooks").mkdir()
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("RUNTIME", "CONFIG", "DATA")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_")} | own
    command = [program, *words, "--no-browser", "--allow-root", "--port=0", f"--notebook-dir={tmp_path / 'notebooks'}"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until = time.monotonic() + PATIENCE
        try:
            while not (found := list((tmp_path / "RUNTIME").glob("jpserver-*.json"))):
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < until, "the server did not begin"
                time.sleep(0.1)
            yield json.loads(found[0].read_text())
        finally:
            process.terminate()


def answer(url):
    """The status that ``url`` answers with."""
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_server_answers_on_loopback_and_to_its_token_alone(server):
    assert server["url"].startswith("http://127.0.0.1:")
    assert len(server["token"]) >= 32
    assert server["password"] is False
    contents = f"http://127.0.0.1:{server['port']}/api/contents"
    assert answer(contents) == 403
    assert answer(f"{contents}?token={'0' * 48}") == 403
    assert answer(f"{contents}?token={server['token']}") == 200
    psutil = pytest.importorskip("psutil")
    listening = {each.laddr.ip for each in psutil.Process(server["pid"]).net_connections() if each.status == "LISTEN"}
    assert listening <= {"127.0.0.1", "::1"}
