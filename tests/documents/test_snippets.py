"""Every snippet of every document runs, or is read by what would run it."""

import re
import shlex
import tomllib
from importlib.util import find_spec
from typing import Any

import pytest
import typer.main
import yaml
from typer.exceptions import TyperException

from benchmarks.__main__ import BENCHMARKS
from dalle_model.tokenizers.installed import CODECS
from dalle_model.tokenizers.registry import inspect_codec
from orchestration.beam.options import check_options
from orchestration.beam.profile import load_profile
from orchestration.beam.profile_arguments import arguments_of
from orchestration.cli.main import app
from orchestration.cli.options import split_arguments
from orchestration.engine.config_file import load_config
from orchestration.engine.registry import registry
from pipelines import plugins
from pipelines.captions.recipe import known_recipes, load_funnel, load_recipe
from pipelines.select.registry import RECIPES
from tests.support.documents import DOCUMENTS, ROOT, Snippet, code_spans, snippets
from tests.support.plugins import COLOURS_CODEC, SHARPNESS_STAGE

SOURCES = {"crawl": {"sources": [{"path": "pages.warc.gz"}]}}  # a config needs at least one
NAME = r"dalle ((shards|evaluate( human)?) )?\w+"  # of a command
MAX_CODEC_LINES = 35  # of text: a codec of one's own is short
TARGETS = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_languages_are_those_that_are_tested():
    assert {s.language for s in snippets()} == {"", "console", "json", "python", "toml", "yaml"}


def test_toml_names_the_groups_of_entry_points():
    shown = [tomllib.loads(s.text)["project"]["entry-points"] for s in snippets("toml")]
    known = {plugins.STAGES, plugins.RULES, plugins.CORPUS_RULES, plugins.READERS, CODECS}
    assert known in [groups.keys() for groups in shown]
    assert all(groups.keys() <= known for groups in shown)


@pytest.mark.parametrize("snippet", snippets("yaml"), ids=str)
def test_yaml_is_a_config_a_recipe_a_profile_or_a_codec(snippet, tmp_path):
    path = tmp_path / "snippet.yaml"
    values = yaml.safe_load(snippet.text)
    if "runner" in values:
        path.write_text(snippet.text)
        check_options(arguments_of(load_profile(str(path))))
        return
    if "token_shape" in values:
        path.write_text(snippet.text)
        for half in ("encoder.pt", "decoder.pt"):
            (tmp_path / half).touch()
        assert inspect_codec(str(path)).num_codes == values["num_codes"]
        return
    if "rules" in values:
        path.write_text(snippet.text)
        assert load_recipe(str(path)).rules
        load_funnel(str(path), {})
        return
    path.write_text(snippet.text + ("" if "crawl" in values else yaml.safe_dump(SOURCES)))
    config = load_config(str(path))
    if config.captions.overrides:
        load_funnel(config.captions.recipe, config.captions.overrides)


def commands(snippet: Snippet) -> list[list[str]]:
    """The words of each line that a person would type; comments are left out."""
    lines = snippet.text.splitlines()
    assert all(line.startswith("$ ") for line in lines if line)
    return [shlex.split(line.removeprefix("$ "), comments=True) for line in lines if line]


@pytest.mark.parametrize("snippet", snippets("console"), ids=str)
def test_commands_are_known(snippet):
    for words in commands(snippet):
        check_command(words)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_within_the_text_are_known(document):
    for span in code_spans(document):
        is_command = re.match(r"(dalle|make|python -m) [a-z]", span)
        if re.fullmatch(
            r"dalle ((shards|evaluate( human)?) )?\w+", span
        ):  # a name, without what it needs
            check_command([*span.split(), "--help"])
        elif is_command and not re.search(r"[…|]|[A-Z]{3}", span):  # no placeholders
            check_command(shlex.split(span))


def check_command(words: list[str]) -> None:
    """Raise unless whoever is named would understand the rest."""
    program = words[0].removeprefix(".venv/bin/")
    if program == "dalle":
        check_dalle(words[1:])
    elif program == "make":
        assert TARGETS is not None
        assert set(words[1:]) <= set(TARGETS[1].split())
    elif program == "pip":
        check_pip(words[1:])
    elif words[1:3] == ["-m", "benchmarks"]:
        assert set(words[3:]) <= set(BENCHMARKS)
    else:
        assert (program, words[1]) == ("python", "-m"), words
        module = ROOT / words[2].replace(".", "/")
        is_ours = module.with_suffix(".py").exists() or (module / "__main__.py").exists()
        is_beams = words[2].startswith("apache_beam.") and find_spec(words[2]) is not None
        assert is_ours or is_beams or words[2] == "pytest"
        assert [name for name in words[3:] if "tests" in name and not (ROOT / name).exists()] == []


def check_dalle(arguments: list[str]) -> None:
    group: Any = typer.main.get_command(app)
    context = group.make_context("dalle", list(arguments))
    name, command, rest = group.resolve_command(context, list(arguments))
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        context = command.make_context(name, list(rest), parent=context)
        name, command, rest = command.resolve_command(context, list(rest))
    if rest in (["--help"], ["-h"]):
        return
    given = command.make_context(name, rest, parent=context).params
    if given.get("profile") and not given["profile"].endswith(".yaml"):
        load_profile(given["profile"])
    if name == "run":
        assert set(split_arguments(given["stages"] or [])[0]) <= set(registry())
    if name == "recipes":
        assert set(split_arguments(given["names"] or [])[0]) <= set(known_recipes())
    if "model" in given:  # of `dalle train`, not of `dalle plan train`
        assert not registry()[given["model"]].is_sharded
    if given.get("recipe"):
        assert given["recipe"] in (RECIPES if name == "keep" else known_recipes())


def check_pip(words: list[str]) -> None:
    assert words[0] == "install"
    for name in words[1:]:
        if found := re.search(r"dalle.*\[(.*)\]$", name):
            assert set(found[1].split(",")) <= set(PROJECT["optional-dependencies"])
        if "/" in name:
            wheel = f"dist/dalle-{PROJECT['version']}-py3-none-any.whl"
            assert name.partition("[")[0] == wheel


def test_an_unknown_command_is_caught():
    for line in (
        "dalle nope",
        "dalle verify --nope",
        "dalle shards nope",
        "dalle run nope",
        "make nope",
        "rm -r runs",
    ):
        with pytest.raises((AssertionError, TyperException)):
            check_command(line.split())


@pytest.mark.slow
@pytest.mark.parametrize("snippet", snippets("python"), ids=str)
def test_python_runs(snippet, in_run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    exec(compile(snippet.text, str(snippet), "exec"), {"__name__": "snippet"})


@pytest.mark.slow
def test_other_tools_read_the_token_shards(in_run, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    shown = snippets("python", path=ROOT / "docs" / "token-shards.md")
    assert len(shown) == 3
    found: dict[str, Any] = {}
    for snippet in shown:
        exec(snippet.text, found)
    assert len(found["rows"][0]["image_tokens"]) == 64
    assert len(found["frame"]["image_tokens"][0]) == 64


def test_the_stage_that_contributors_are_shown_is_the_one_that_is_tested():
    shown = snippets("python", path=ROOT / "CONTRIBUTING.md")
    assert SHARPNESS_STAGE in [snippet.text for snippet in shown]


def test_the_codec_that_is_shown_is_the_one_that_is_tested_and_short():
    (shown,) = snippets("python", path=ROOT / "docs" / "codecs.md")
    assert shown.text == COLOURS_CODEC
    assert len([line for line in shown.text.splitlines() if line]) <= MAX_CODEC_LINES
