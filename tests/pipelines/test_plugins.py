"""What other packages add is checked when it is first asked for."""

import sys

import pytest

from pipelines.captions.rules.rule import Rule
from pipelines.plugins import RULES, STAGES, PluginError, installed
from pipelines.stage import Stage
from tests.support.plugins import write_plugin


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    def write(source, groups):
        monkeypatch.syspath_prepend(str(write_plugin(tmp_path, "added", source, groups)))

    yield write
    for name in ("added", "added.plugin"):
        sys.modules.pop(name, None)


def test_values_come_by_the_names_of_their_entries(plugin):
    source = "from pipelines.captions.rules.rule import Rule\n" + "\n".join(
        f"{name.upper()} = Rule({name!r}, None)" for name in ("b", "a")
    )
    plugin(source, {RULES: {"second": "added.plugin:B", "first": "added.plugin:A"}})
    assert [rule.name for rule in installed(RULES, Rule)] == ["a", "b"]
    assert installed(STAGES, Stage) == []


def test_a_value_of_another_class_is_refused(plugin):
    plugin("STAGE = 1", {STAGES: {"one": "added.plugin:STAGE"}})
    with pytest.raises(
        PluginError, match=r"added\.plugin:STAGE\) of dalle\.stages must be a Stage"
    ):
        installed(STAGES, Stage)


def test_a_package_that_cannot_be_imported_is_named(plugin):
    plugin("import nothing_of_this_name", {STAGES: {"one": "added.plugin:STAGE"}})
    with pytest.raises(PluginError, match=r"'one' .* of dalle\.stages cannot be imported"):
        installed(STAGES, Stage)
