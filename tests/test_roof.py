"""Seeds and files, on which every room stands, and what is imported where."""

import subprocess
import sys

import pytest

from fctransfer_utils import files, seeds


def test_streams_depend_on_every_word():
    assert seeds.derive(3, "init", "base") == seeds.derive(3, "init", "base")
    assert len({seeds.derive(3, "init", "base"), seeds.derive(3, "init"), seeds.derive(4, "init", "base")}) == 3


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    file = tmp_path / "table.csv"
    files.write_text(file, "old")

    def half():
        with files.replacing(file) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_in_the_home_folder_is_written_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    files.write_text("~/table.csv", "new")
    assert (tmp_path / "table.csv").read_text() == "new"


PURE = "errors seeds files models.spec data.splits training.recipe analysis.claims analysis.stats plots.kinds keep"


@pytest.mark.parametrize(
    ("library", "rooms"), [("torch", f"{PURE} plots.schemes"), ("torchvision", "experiments.engine data.sources")]
)
def test_what_takes_seconds_to_import_is_not_where_it_is_not_needed(library, rooms):
    code = (
        "import importlib, sys\n"
        "for room in sys.argv[2:]:\n"
        "    importlib.import_module('fctransfer_utils.' + room)\n"
        "    if sys.argv[1] in sys.modules: sys.exit(room)"
    )
    command = [sys.executable, "-c", code, library, *rooms.split()]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
