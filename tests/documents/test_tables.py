"""Tables in documents say what the code says."""

import re
import tomllib
from dataclasses import fields
from fractions import Fraction
from typing import get_args

import pytest
import typer.main

import dalle
from dalle_model.shard_schema import ShardMetadata, token_schema
from dalle_model.views import VIEWS, ViewName
from orchestration.beam.profile import EnvironmentSettings, Profile, known_profiles
from orchestration.cli.main import app
from orchestration.engine.config import ConfigError
from orchestration.engine.config_file import check_config
from orchestration.engine.registry import registry
from orchestration.token_formats.registry import FORMATS
from pipelines.captions.recipe import SECTIONS, known_recipes
from pipelines.crawl.readers.registry import kinds, readers
from pipelines.io.manifest import Manifest
from tests.support.documents import ROOT, first_codes, prose, section, table_rows

README, CHANGELOG = ROOT / "README.md", ROOT / "CHANGELOG.md"
CONTRIBUTING, DOCS = ROOT / "CONTRIBUTING.md", ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES: dict[str, dict[str, object]] = {"crawl": {"sources": [{"path": "pages.warc.gz"}]}}


def test_the_readme_lists_the_commands():
    listed = [name.split()[1] for name in first_codes(section(README, "## Your own web"))]
    group = typer.main.get_command(app)
    assert sorted(listed) == sorted(group.commands)  # type: ignore[attr-defined]


def test_the_readme_lists_the_extras():
    listed = first_codes(section(README, "## Install"))
    assert set(listed) == set(PROJECT["optional-dependencies"]) - {"dev"}


def test_contributors_see_all_targets_of_make():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([\w-]+):", makefile, re.MULTILINE)
    listed = first_codes(section(CONTRIBUTING, "## Commands"))
    assert sorted(listed) == sorted(f"make {target}" for target in targets)


def test_the_stages_are_listed_with_their_roles():
    rows = [row for row in table_rows(prose(DOCS / "stages.md")) if row[0].strip("`") in registry()]
    listed = {row[0].strip("`"): (re.findall(r"\w+", row[1]), row[2].strip("`")) for row in rows}
    assert listed == {
        name: (list(stage.reads), stage.writes.role) for name, stage in registry().items()
    }


def test_the_fields_of_a_manifest_are_listed():
    listed = first_codes(section(DOCS / "stages.md", "## Manifests"))
    assert listed == [field.name for field in fields(Manifest)]


def test_the_recipes_and_their_sections_are_listed():
    listed = first_codes(prose(DOCS / "recipes.md"))
    assert sorted(listed) == sorted([*known_recipes(), "about", *SECTIONS])


def test_the_formats_are_listed():
    rows = table_rows(section(DOCS / "sources.md", "## Formats"))
    listed = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[1]) for row in rows}
    expected: dict[str, list[str]] = {kind: [] for kind in kinds()}
    for reader in readers():
        expected[reader.kind] += reader.suffixes
    assert {kind: sorted(found) for kind, found in listed.items()} == {
        kind: sorted(suffixes) for kind, suffixes in expected.items()
    }


def test_the_formats_of_token_sets_are_listed():
    listed = first_codes(section(DOCS / "token-formats.md", "# Tokens for other programs"))
    assert listed == list(FORMATS)


def test_the_columns_and_the_footer_of_a_token_shard_are_listed():
    metadata = ShardMetadata("c", "0", (64, 64), (8, 8), 1024, (0.1, 0.9), "p", "", "f")
    columns, _, rest = prose(DOCS / "token-shards.md").partition("## The footer")
    assert first_codes(columns) == token_schema(metadata).names
    footer = first_codes(rest)
    assert sorted(footer) == sorted(field.name for field in fields(ShardMetadata))


def test_the_views_are_listed_with_the_edge_that_they_need():
    views, *_ = prose(DOCS / "views.md").partition("## One box")
    listed = {row[0].strip("`"): Fraction(row[2]) for row in table_rows(views)}
    assert listed == {name: view.scale for name, view in VIEWS.items()}
    assert set(VIEWS) == set(get_args(ViewName))


def test_all_public_names_are_listed():
    assert sorted(first_codes(prose(DOCS / "python.md"))) == sorted(dalle.__all__)


def test_the_rows_of_the_benchmarks_have_the_names_that_they_print():
    sources = "\n".join(path.read_text() for path in (ROOT / "benchmarks").glob("*.py"))
    for name, unit, *_ in table_rows(section(DOCS / "benchmarks.md", "## Speed")):
        prefix = re.split(r"[,\d]", name)[0].strip()
        assert f'"{prefix}' in sources, name
        assert unit.removesuffix("/CPU-s") in sources


def test_the_profiles_and_their_settings_are_listed():
    runners = DOCS / "runners.md"
    profiles = prose(runners).partition("## Settings")[0]
    assert sorted(first_codes(profiles)) == known_profiles()
    assert first_codes(section(runners, "## Settings")) == list(Profile.model_fields)
    environments = re.findall(r"\{type: ([A-Z]+)", section(runners, "## Settings"))
    kinds = get_args(EnvironmentSettings.model_fields["type"].annotation)
    assert set(environments) == set(kinds)


def test_the_terms_of_the_glossary_are_sorted_and_each_stands_once():
    terms = re.findall(r"^- \*\*(.+)\*\*: \S", prose(DOCS / "glossary.md"), re.MULTILINE)
    assert terms == sorted(set(terms), key=str.lower)
    assert len(terms) > 30


def test_the_changelog_begins_with_the_version_of_the_project():
    assert re.findall(r"^## \[(.+?)\]", prose(CHANGELOG), re.MULTILINE)[0] == PROJECT["version"]


def with_setting(name: str) -> dict[str, dict[str, object]]:
    """A config with a value for one setting, for which a number or a pair of them is right."""
    stage, *parts = name.split(".")
    value: object = [1, 1] if parts[-1] in {"learning_rate", "step_size"} else 1
    for part in reversed(parts[1:]):
        value = {part: value}
    return SOURCES | {stage: SOURCES.get(stage, {}) | {parts[0]: value}}


RENAMED = [
    re.findall(r"`([^`]+)`", " ".join(row))
    for row in table_rows(section(CHANGELOG, "### Changed"))
    if len(row) == 2
]


@pytest.mark.parametrize(("old", "new"), RENAMED)
def test_a_renamed_setting_has_its_new_name_alone(old, new):
    check_config(with_setting(new), ".")
    with pytest.raises(ConfigError, match=f"{old}: unknown setting"):
        check_config(with_setting(old), ".")


def test_the_table_of_renamed_settings_is_read():
    assert len(RENAMED) >= 9
