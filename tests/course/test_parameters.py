"""Every parameter is checked before anything runs, and a wrong one gets one clear error."""

from __future__ import annotations

import pytest

from fctransfer_utils.course.parameters import (
    check_data,
    check_known,
    check_parameter,
    check_profile,
    check_seed,
    load_profile,
)
from fctransfer_utils.errors import InputError


def test_an_unknown_profile_is_named_with_what_is_allowed():
    with pytest.raises(
        InputError, match=r"unknown profile 'quik'; allowed: read, quick, smoke, full\. Did you mean 'quick'"
    ):
        check_profile("quik")


@pytest.mark.parametrize("value", ["glyph", "Tiny-ImageNet", ""])
def test_an_unknown_data_set_is_named_with_what_is_allowed(value):
    with pytest.raises(InputError, match=f"unknown data set '{value}'; allowed: glyphs, tiny-imagenet"):
        check_data(value)


def test_a_folder_needs_a_path():
    assert check_data("folder:my/images") == "folder:my/images"
    with pytest.raises(InputError, match="'folder:' names no folder; write folder:PATH"):
        check_data("folder:")


@pytest.mark.parametrize("value", [3, None, ["glyphs"]])
def test_a_data_set_is_a_text(value):
    with pytest.raises(InputError, match="is not a text; allowed: glyphs, tiny-imagenet"):
        check_data(value)


@pytest.mark.parametrize("value", [-1, 1.0, True, "0", None])
def test_a_seed_is_a_whole_number_from_0_on(value):
    with pytest.raises(InputError, match="is not a whole number from 0 on"):
        check_seed(value)


def test_a_list_passed_as_text_is_refused():
    with pytest.raises(InputError, match="cuts = .* looks like a list; give the list in a YAML file"):
        check_parameter("cuts", "[7, 8]")


def test_a_value_outside_those_allowed_is_refused():
    assert check_parameter("cuts", [1, 7], allowed=range(9)) == [1, 7]
    with pytest.raises(InputError, match="unknown value of cuts 9; allowed: 0, 1, 2"):
        check_parameter("cuts", [1, 9], allowed=range(9))
    with pytest.raises(InputError, match="unknown value of cuts True"):
        check_parameter("cuts", True, allowed=range(9))


def test_a_mapping_is_no_plain_value():
    with pytest.raises(InputError, match="is a dict; give a number, a text, True or False"):
        check_parameter("options", {"a": 1})


def test_a_profile_gives_a_notebook_the_common_values_and_its_own(tmp_path):
    path = tmp_path / "quick.yaml"
    path.write_text("all:\n  seed: 1\n  cut: 3\n05_curves:\n  cut: 7\n", encoding="utf-8")
    assert load_profile(path, notebooks=["03_base", "05_curves"]) == {
        "03_base": {"seed": 1, "cut": 3},
        "05_curves": {"seed": 1, "cut": 7},
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("06_curves: {cut: 7}", "unknown notebook in the profile quick.yaml '06_curves'"),
        ("all: [1, 2]", "must map 'all' or a notebook's name to parameters"),
        ("- 1", "must map 'all'"),
        ("all: {", "cannot read the profile quick.yaml"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused(tmp_path, content, words):
    path = tmp_path / "quick.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        load_profile(path, notebooks=["05_curves"])


def test_a_parameter_that_the_notebook_does_not_have_is_refused(write, parameters_cell):
    notebook = write("05_curves", parameters_cell)
    check_known(notebook, {"cut": 7, "profile": "quick"})
    with pytest.raises(InputError, match="unknown parameter of notebook 05_curves 'cutt'; allowed: profile, data, cut"):
        check_known(notebook, {"cutt": 7})


@pytest.mark.parametrize("value", ["7", 7.0, True, [7]])
def test_a_parameter_of_another_type_is_refused(write, parameters_cell, value):
    notebook = write("05_curves", parameters_cell)
    with pytest.raises(InputError, match="parameter cut of notebook 05_curves is .*; its default 4 is a int"):
        check_known(notebook, {"cut": value})


def test_a_file_that_is_no_notebook_is_refused(project):
    path = project.notebooks / "05_curves.ipynb"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot read the notebook 05_curves.ipynb"):
        check_known(path, {"cut": 1})
