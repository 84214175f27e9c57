from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fctransfer_utils.data import DataSpec, load, tiny_imagenet
from fctransfer_utils.data.download import fetch
from fctransfer_utils.errors import InputError

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


class Breaking(BaseHTTPRequestHandler):
    """Announces more bytes than it sends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:5000])

    def log_message(self, *args) -> None:
        pass


def serving(handler) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "set.zip").write_bytes(CONTENT)
    yield from serving(partial(Quiet, directory=folder))


@pytest.fixture
def breaking() -> Iterator[str]:
    yield from serving(Breaking)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "data" / "set.zip"


def left(target: Path) -> list[str]:
    return [path.name for path in target.parent.iterdir() if not path.name.endswith(".lock")]


def test_a_file_is_fetched_over_http_and_from_a_local_address(server: str, target: Path, tmp_path: Path) -> None:
    assert fetch(f"{server}/set.zip", target, sha256=SHA256).read_bytes() == CONTENT
    target.unlink()
    assert fetch((tmp_path / "served/set.zip").as_uri(), target, sha256=SHA256).read_bytes() == CONTENT
    assert left(target) == ["set.zip"]


def test_a_file_that_is_there_is_not_fetched_again(target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"mine")
    assert fetch("http://127.0.0.1:9/never", target, sha256=SHA256).read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("path", "sha256", "message"),
    [
        ("set.zip", "0" * 64, f"1024000 bytes have SHA-256 {SHA256}, expected 0000"),
        ("gone.zip", SHA256, "the server answered 404"),
    ],
)
def test_a_wrong_download_is_refused_and_leaves_nothing(
    server: str, target: Path, path: str, sha256: str, message: str
) -> None:
    with pytest.raises(InputError, match=f"{message}.*Nothing was kept.*put it at .*set.zip"):
        fetch(f"{server}/{path}", target, sha256=sha256)
    assert left(target) == []


def test_a_connection_that_breaks_is_refused_and_leaves_nothing(breaking: str, target: Path) -> None:
    with pytest.raises(InputError, match=r"5000 of 1024000 bytes|IncompleteRead|reset"):
        fetch(f"{breaking}/set.zip", target, sha256=SHA256)
    assert left(target) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/set.zip", "http://no-such-host.invalid/set.zip"])
def test_no_connection_is_one_clear_error(target: Path, url: str) -> None:
    with pytest.raises(InputError, match=r"download of http.* failed: .*by other means"):
        fetch(url, target, sha256=SHA256)
    assert left(target) == []


def test_a_missing_local_file_and_a_strange_address(target: Path) -> None:
    with pytest.raises(InputError, match="failed"):
        fetch(target.as_uri(), target, sha256=SHA256)
    with pytest.raises(InputError, match=r"cannot be fetched; allowed are http, https, file"):
        fetch("ftp://127.0.0.1/set.zip", target, sha256=SHA256)


def test_a_disk_without_room_for_the_file_is_said(server: str, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(target.parent.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10))
    with pytest.raises(InputError, match="no space: 1 MB needed, 0 MB free"):
        fetch(f"{server}/set.zip", target, sha256=SHA256)
    assert left(target) == []


def test_a_set_that_is_missing_is_downloaded_to_the_root(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny_imagenet, "URL", f"{server}/set.zip")
    with pytest.raises(InputError, match="SHA-256"):
        load(DataSpec("tiny-imagenet"), root=tmp_path / "data")
    monkeypatch.setenv("FCTRANSFER_DOWNLOAD", "0")
    with pytest.raises(InputError, match="downloading is off"):
        load(DataSpec("tiny-imagenet"), root=tmp_path / "data")
