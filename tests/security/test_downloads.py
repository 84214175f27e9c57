"""What is fetched comes from the stated addresses only, and each has a checksum that is checked before it is used."""

from __future__ import annotations

import ast
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_damage import attempt

from fctransfer_utils.data import cifar, download, tiny_imagenet
from fctransfer_utils.data.download import fetch

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "fctransfer_utils"
CLIENTS = re.compile(r"^(urllib\.(request|error)|urllib$|http\.client|requests|httpx|aiohttp|socket|ftplib|urllib3)\b")
"""Modules that can open a connection."""
MAY_CONNECT = {"data/download.py", "experiments/holder.py"}
"""The one place that downloads; and the one that asks for this machine's name."""
MAY_LOAD = ("load_state_dict_from_url", "urlopen", "urlretrieve", "download_url", "hub.load", "get_model_weights")


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_only_one_module_of_the_package_opens_connections():
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        name = file.relative_to(PACKAGE).as_posix()
        clients = {module for module in imports_of(tree) if CLIENTS.match(module)}
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        loads = {call for call in calls if call.endswith(MAY_LOAD)}
        if clients or (loads and name != "data/download.py"):
            found[name] = clients | loads
    assert set(found) == MAY_CONNECT
    assert found["experiments/holder.py"] == {"socket"}


def test_every_address_that_is_fetched_has_a_sha256():
    datasets = pytest.importorskip("torchvision.datasets")
    stated = {
        tiny_imagenet.URL: tiny_imagenet.SHA256,
        datasets.CIFAR10.url: cifar.SHA256["cifar10"],
        datasets.CIFAR100.url: cifar.SHA256["cifar100"],
    }
    hosts = {re.match(r"https?://([^/]+)/", url)[1] for url in stated}
    assert hosts == {"cs231n.stanford.edu", "www.cs.toronto.edu"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in stated.values())
    calls = [
        node
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("fetch", "fetch_file")
    ]
    assert len(calls) == 2
    assert all("sha256" in {word.arg for word in call.keywords} for call in calls)


def test_the_install_takes_packages_from_indexes_only_and_exact_versions():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"[A-Za-z0-9._-]+==[^ ]+( ; .*)?$", line) for line in lines)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"curl|wget|http://|trusted-host|extra-index-url", makefile)


class Endless(BaseHTTPRequestHandler):
    """Says nothing of how much it sends, and sends more than is allowed."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(400):
                self.wfile.write(bytes(2**16))
        except OSError:
            pass

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endless():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/set.zip"
    server.shutdown()
    server.server_close()


def test_a_server_that_never_stops_is_cut_off_and_nothing_is_kept(endless, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "LARGEST", 2**20)
    message = attempt(fetch, endless, tmp_path / "set.zip", sha256="0" * 64)[1]
    assert "more than 1048576 bytes" in message
    assert [file.name for file in tmp_path.iterdir() if file.suffix != ".lock"] == []


def test_a_download_lies_under_a_temporary_name_until_it_is_checked(tmp_path, monkeypatch):
    source, target = tmp_path / "source", tmp_path / "data" / "set.zip"
    source.write_bytes(b"content")
    seen = []
    monkeypatch.setattr(download, "_require_space", lambda folder, size: seen.append(sorted(folder.iterdir())))
    attempt(fetch, source.as_uri(), target, sha256="0" * 64)
    names = [file.name for file in seen[0] if file.suffix != ".lock"]
    assert len(names) == 1
    assert re.fullmatch(r"\.set\.zip\..+\.tmp", names[0])
    assert not target.exists()


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/x", "data:,x", "gopher://x/", "javascript:1", "FILE:///etc/passwd", ""]
)
def test_other_kinds_of_addresses_are_refused(tmp_path, url):
    assert "cannot be fetched" in attempt(fetch, url, tmp_path / "x", sha256="0" * 64)[1]
    assert not (tmp_path / "x").exists()
