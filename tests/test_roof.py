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


@pytest.mark.parametrize("module", ["models.spec", "training.recipe", "data.splits", "errors", "seeds", "files"])
def test_pure_data_imports_without_torch(module):
    code = f"import sys, fctransfer_utils.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
