"""The commands that README.md and the report give for each table are commands that exist."""

import re
import shlex

import pytest

from fctransfer_utils import cli
from fctransfer_utils.course import commands
from fctransfer_utils.experiments.names import STUDIES

TYPED = [
    (renewal.study, options)
    for renewal in commands.RENEWALS
    for text in (renewal.glyphs, renewal.photographs)
    for options in re.findall(r"`(--[^`]+)`", text)
]


def test_every_study_has_its_options():
    assert tuple(renewal.study for renewal in commands.RENEWALS) == STUDIES


@pytest.mark.parametrize(("study", "options"), TYPED)
def test_the_options_are_understood(study, options):
    parsed = cli._parser().parse_args(["run", study, "--store", "store", *shlex.split(options)])
    assert parsed.study == study


def test_a_table_is_made_by_a_command_with_its_options():
    assert commands.command_of("dip") == "`fctransfer run dip --seeds 0-2 --directions A-B,B-A --cuts 4,5`"
    assert commands.command_of("fc").startswith("`fctransfer run fc`, see [figures/data]")
    assert "fctransfer measure firewall" in commands.command_of("firewall")
