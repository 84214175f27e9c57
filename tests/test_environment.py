"""One list of versions: what is installed by pip, conda and Binder is what the package says that it needs."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from fctransfer_utils.files import PROJECT

ABOUT = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
NEEDED = [ABOUT["dependencies"], *ABOUT["optional-dependencies"].values()]
NEEDED = [Requirement(each) for part in NEEDED for each in part]


def pins():
    """The exact version of every package of requirements.txt, with the systems that it is for."""
    lines = (PROJECT / "requirements.txt").read_text().splitlines()
    found = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    return {canonicalize_name(each.name): next(iter(each.specifier)).version for each in found}


@pytest.mark.parametrize("needed", NEEDED, ids=str)
def test_every_range_admits_the_exact_version(needed):
    assert pins()[canonicalize_name(needed.name)] in needed.specifier


def test_conda_has_the_same_ranges():
    listed = yaml.safe_load((PROJECT / "environment.yml").read_text())["dependencies"]
    by_pip = next(each["pip"] for each in listed if isinstance(each, dict))
    found = [
        Requirement(each.removeprefix("py") if each.startswith("pytorch>") else each)
        for each in [*listed, *by_pip]
        if isinstance(each, str)
    ]
    ranges = {canonicalize_name(each.name): each.specifier for each in found}
    for needed in NEEDED:
        assert ranges[canonicalize_name(needed.name)] == needed.specifier
    assert ranges["python"] == SpecifierSet(ABOUT["requires-python"])


def test_binder_and_continuous_integration_take_a_python_that_is_allowed():
    allowed = SpecifierSet(ABOUT["requires-python"])
    binder = yaml.safe_load((PROJECT / "binder" / "environment.yml").read_text())["dependencies"]
    texts = [
        *binder,
        *re.findall(r'python(?:-version)?: "[\d.]+"', (PROJECT / ".github/workflows/test.yml").read_text()),
    ]
    versions = [found[0] for text in texts if text.startswith("python") and (found := re.findall(r"3\.\d+", text))]
    assert len(versions) > 2
    assert all(version in allowed for version in versions)
