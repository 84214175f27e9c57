"""Errors, seeds and files: what every room stands on."""

import subprocess
import sys

import pytest

from fctransfer_utils import errors, files, seeds


def test_streams_depend_on_every_word():
    assert seeds.derive(3, "init", "base") == seeds.derive(3, "init", "base")
    assert len({seeds.derive(3, "init", "base"), seeds.derive(3, "init"), seeds.derive(4, "init", "base")}) == 3


def test_unknown_names_the_value_what_is_allowed_and_the_nearest():
    said = str(errors.unknown("data set", "glyfs", ["glyphs", "folder"]))
    assert "'glyfs'" in said
    assert "glyphs, folder" in said
    assert "Did you mean 'glyphs'?" in said


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


def test_pure_data_figures_and_the_help_of_keep_import_without_torch():
    rooms = "errors seeds files models.spec data.splits training.recipe"
    rooms += " analysis.claims analysis.stats plots.kinds plots.schemes keep"
    code = (
        "import importlib, sys\n"
        "for room in sys.argv[1:]:\n"
        "    importlib.import_module('fctransfer_utils.' + room)\n"
        "    if 'torch' in sys.modules: sys.exit(room)"
    )
    said = subprocess.run([sys.executable, "-c", code, *rooms.split()], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
