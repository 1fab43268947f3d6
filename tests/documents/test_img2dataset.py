"""What is said of img2dataset is what its source says, option by option."""

import re

import pytest
import typer.main

from orchestration.cli.main import app
from orchestration.engine.config import config_class
from orchestration.engine.registry import registry
from orchestration.export.run import LAYOUTS
from tests.support.documents import ROOT, first_codes, section, table_rows
from tests.support.img2dataset_source import options

PAGE = ROOT / "docs" / "img2dataset.md"
ROWS = {row[0].strip("`"): row for row in table_rows(section(PAGE, "## Options"))}


def test_every_option_stands_once_and_in_order():
    assert first_codes(section(PAGE, "## Options")) == list(options())
    assert len(options()) == 37


@pytest.mark.parametrize("option", ROWS)
def test_each_has_a_setting_here_or_a_reason_why_there_is_none(option):
    _, here, remark = ROWS[option]
    settings = re.findall(r"`([^`]+)`", here)
    assert settings or remark
    flags = {flag for command in typer.main.get_command(app).commands.values()  # type: ignore[attr-defined]
             for parameter in command.params for flag in parameter.opts}  # fmt: skip
    for setting in settings:
        stage, _, name = setting.partition(".")
        if setting.startswith("--"):
            assert setting in flags
        elif name:
            assert name in registry()[stage].config.model_fields
        else:
            assert setting in config_class().model_fields


def test_the_layouts_are_listed():
    assert sorted(first_codes(section(PAGE, "## Exports"))) == sorted(LAYOUTS)


def test_the_version_that_is_compared_is_the_one_that_is_tested():
    from importlib.metadata import version

    assert f"img2dataset {version('img2dataset')}" in PAGE.read_text()
