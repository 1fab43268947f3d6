"""The Python API: one function a command, with the same parameters, and results that are values."""

import inspect
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import typer.main

import dalle
from dalle_model.guide.settings import GuideSettings
from orchestration import api
from orchestration.cli.main import app
from orchestration.engine.config import ConfigError, NoRunError
from pipelines.io.keys import pair_key

CAPTIONS = ["a red apple on a wooden table", "two dogs running along the beach", "IMG_2031.jpg"]
# What a command calls otherwise than its function: the parts of `SampleSettings`.
SETTINGS_OF_SAMPLE = {"seed", "temperature", "top_k", "top_p", "guidance"}
SETTINGS_OF_MINI = {"seed", "temperature", "gen_top_k", "gen_top_p", "cond_scale"}
SETTINGS_OF_GUIDE = {setting.name for setting in fields(GuideSettings)}
# Of commands whose function has another: `dalle.plan` is of a config, and `config` is an argument.
# `import` is a word of Python.
NAMES = {
    "plan": "estimate",
    "plan train": "estimate_training",
    "config": "settings",
    "shards import": "shards import_",
}
GROUPS = ("evaluate", "evaluate human", "shards")  # commands of several words
MODULES = {"evaluate human": "human_study"}  # of functions, where not called as the group
OPTIONS = {"plan": ("run", "shows_plan")}  # functions that are an option of another's command


def functions() -> dict[str, inspect.Signature]:
    public = {name: getattr(api, name) for name in vars(api) if name in dalle.__all__}
    for group in GROUPS:
        module = public.pop(MODULES.get(group, group), None)
        public |= (
            {f"{group} {name}": found for name, found in vars(module).items()} if module else {}
        )
    return {
        name: inspect.signature(function)
        for name, function in public.items()
        if inspect.isfunction(function)
        and function.__module__.startswith("orchestration.commands.")
    }


def commands() -> dict[str, set[str]]:
    found: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for group in GROUPS:
        found |= {f"{group} {name}": command for name, command in found.pop(group).commands.items()}
    found |= {f"plan {name}": command for name, command in found["plan"].commands.items()}
    return {
        NAMES.get(name, name): {parameter.name for parameter in command.params} - {"help"}
        for name, command in found.items()
    }


def test_each_command_is_a_function_and_each_function_a_command():
    assert sorted(commands()) == sorted(functions().keys() - OPTIONS.keys())
    for name, (command, option) in OPTIONS.items():
        assert option in commands()[command]
        assert functions()[name].parameters.keys() <= functions()[command].parameters.keys()


@pytest.mark.parametrize("name", sorted(functions().keys() - OPTIONS.keys()))
def test_a_command_and_its_function_take_the_same(name):
    given = set(functions()[name].parameters) - {"progress"}
    taken = commands()[name] - {option for _, option in OPTIONS.values()}
    if name in {"sample", "complete"}:
        taken = taken - SETTINGS_OF_SAMPLE | {"settings"}
    if name == "mini":
        taken = taken - SETTINGS_OF_MINI | {"settings"}
    if name == "guide":
        taken = taken - SETTINGS_OF_GUIDE | {"settings"}
    if name in {"settings", "score"}:
        taken -= {"as_json"}  # a form of printing
    if name == "evaluate human tally":
        taken -= {"as_json"}
    if name == "shards stats":
        taken -= {"as_json", "strict"}  # forms of printing, and of the exit code
    if name in {"run", "recipes"}:
        taken = taken | {"beam_options"}  # what follows the names on the command line
    assert given == taken


@pytest.fixture
def settings(tmp_path, monkeypatch) -> dict[str, object]:
    rows = "".join(f"{text}\thttp://host.example/{i}.png\n" for i, text in enumerate(CAPTIONS))
    (tmp_path / "pairs.tsv").write_text(rows)
    monkeypatch.chdir(tmp_path)
    source = {"path": "pairs.tsv", "caption_column": 0, "url_column": 1}
    return {"name": "mine", "num_shards": 2, "crawl": {"sources": [source]}}


def test_a_run_from_a_mapping_is_a_value(settings, capfd):
    result = dalle.run(settings, stages=["crawl", "captions"])
    assert result.directory == "runs/mine"
    assert [(m.stage, m.rows_in, m.rows_out) for m in result.manifests] == [
        ("crawl", 3, 3),
        ("captions", 3, 2),
    ]
    assert Path(result.report).exists()
    assert capfd.readouterr().out == ""
    assert dalle.report(result.directory) == result.report
    assert dalle.verify(result.directory).num_files == {"captions": 2, "crawl": 2}


def test_an_explanation_is_steps_and_text(settings):
    result = dalle.run(settings, stages=["crawl", "captions"])
    key = pair_key("http://host.example/2.png", CAPTIONS[2])
    explanation = dalle.explain(key, result.directory)
    (steps,) = explanation.steps.values()
    assert [(step.stage, step.kept) for step in steps] == [("crawl", True), ("captions", False)]
    failed = [check.reason for check in steps[1].checks if not check.passed]
    assert failed == ["file_name", "too_few_words"]
    assert "FAIL file_name" in str(explanation)


def test_a_text_needs_no_run(settings):
    assert "becomes  A brown dog" in str(dalle.explain("A brown dog - Stock Photo", recipe="dalle"))
    with pytest.raises(NoRunError, match="A text needs no run: name a recipe with --recipe"):
        dalle.explain("A brown dog", "nowhere")


def test_recipes_are_compared(settings):
    compared = dalle.recipes(settings, ["dalle", "laion"])
    assert compared.directories == ["runs/mine/recipes/dalle", "runs/mine/recipes/laion"]
    assert "laion" in Path(compared.report).read_text()


def test_a_wrong_setting_is_named_without_a_file(settings):
    with pytest.raises(
        ConfigError, match=r"^num_shard: unknown setting; did you mean `num_shards`"
    ):
        dalle.run(settings | {"num_shard": 1})


def test_a_model_that_is_not_there_lists_those_that_are(settings):
    known = "bpe, clip, dvae, mini, prior, vq"
    with pytest.raises(ConfigError, match=rf"no model 'glide' to train; there are {known}$"):
        dalle.train("glide", settings)
    with pytest.raises(ConfigError, match=r"no model 'dvea' to train; did you mean `dvae`\?$"):
        dalle.train("dvea", settings)


def test_a_codec_is_loaded_by_its_name():
    assert dalle.load_codec("demo").facts.grid == 8


def test_a_plan_is_values_and_touches_nothing(settings):
    planned = dalle.plan(settings, stages=["crawl", "captions"])
    assert [(stage.stage, stage.action) for stage in planned] == [
        ("crawl", "make"),
        ("captions", "make"),
    ]
    assert not Path("runs").exists()


def test_another_run_is_replaced_only_where_that_is_said(settings):
    dalle.run(settings, "one", ["crawl"])
    other = settings | {"num_shards": 3}
    with pytest.raises(dalle.UsageError, match="num_shards is 2 there and 3 in this config"):
        dalle.run(other, "one", ["crawl"])
    result = dalle.run(other, "one", ["crawl"], replaces=True)
    assert result.manifests[0].num_shards == 3


def test_a_run_without_a_row_leaves_a_report(settings):
    empty = settings | {"captions": {"overrides": {"too_few_words": 99}}}
    with pytest.raises(dalle.DalleError, match="captions left no row"):
        dalle.run(empty)
    assert "too_few_words" in Path("runs/mine/report/index.html").read_text()


def test_a_file_in_the_place_of_a_directory_is_wrong_usage(settings):
    for path in ("pairs.tsv", "pairs.tsv/run"):
        with pytest.raises(ConfigError, match=r"pairs\.tsv: a file is where a folder is needed"):
            dalle.run(settings, path)
        for command in (dalle.verify, dalle.report, dalle.grid):
            with pytest.raises(NoRunError, match=rf"{path} is not a run directory"):
                command(path)


def test_the_latest_run_is_meant_where_none_is_named(settings):
    with pytest.raises(NoRunError, match="no run below `runs` here"):
        dalle.verify()
    for name in ("a", "b"):
        dalle.run(settings | {"name": name}, stages=["crawl"])
    assert dalle.report() == "runs/b/report/index.html"
    dalle.report("runs/a")
    assert dalle.report() == "runs/a/report/index.html"
