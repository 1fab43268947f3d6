"""Every setting is listed with a meaning, and every value with where it comes from."""

import pytest

from orchestration import api
from orchestration.engine.config import ConfigError
from orchestration.engine.registry import registry
from orchestration.engine.settings_list import REQUIRED, all_settings, settings_in

CONFIG = """\
crawl:
  sources:
    - path: a.tsv
    - {path: b.tsv, name: b}
captions: {overrides: {too_few_words: 4}}
prior: {preset: paper}
"""


@pytest.fixture
def config(tmp_path) -> str:
    path = tmp_path / "dalle.yaml"
    path.write_text(CONFIG)
    return str(path)


def by_name(url: str) -> dict[str, tuple[object, str]]:
    return {setting.name: (setting.value, setting.source) for setting in settings_in(url)}


def test_every_setting_has_a_meaning_and_stands_once():
    settings = all_settings()
    assert [setting.name for setting in settings if not setting.meaning] == []
    names = [setting.name for setting in settings]
    assert len(names) == len(set(names)) > 100
    assert {"num_shards", "images.side", "crawl.sources[].path", "replay.archive"} <= set(names)
    assert {"samples.best_of", "samples.scorer", "zero_shot.best_of"} <= set(names)
    assert {name.partition(".")[0] for name in names if "." in name} >= set(registry())


def test_defaults_are_as_json_has_them():
    found = {setting.name: setting.default for setting in all_settings()}
    assert found["images.formats"] == ["JPEG", "PNG", "WEBP", "GIF"]
    assert found["images.side"] is None
    assert found["crawl.sources[].path"] == REQUIRED
    assert found["dvae.training.steps"] == 3_000_000


def test_a_value_says_where_it_comes_from(config, tmp_path):
    found = by_name(config)
    assert found["crawl.sources[0].path"] == (f"{tmp_path}/a.tsv", f"{config}:3")
    assert found["crawl.sources[1].name"] == ("b", f"{config}:4")
    assert found["captions.overrides"] == ({"too_few_words": 4.0}, f"{config}:5")
    assert found["captions.recipe"] == ("dalle", "default")
    assert found["images.side"] == (64, "of encode")
    assert found["prior.preset"] == ("paper", f"{config}:6")
    assert found["prior.training.steps"][1] == "preset"
    assert found["prior.model.layers"] == (64, "preset")
    assert found["prior.model.grid"] == (8, "of encode")
    assert found["prior.model.text_vocab"] == (1024, "of bpe")
    assert found["dvae.model.side"] == (256, "not in this run")
    assert not any("[]" in name for name in found)


def test_a_side_that_a_dvae_answers_is_its_own(config):
    with open(config, "a") as file:  # noqa: PTH123
        file.write("dvae: {model: {side: 128}}\n")
    assert by_name(config)["images.side"] == (192, "of dvae")


def test_one_setting_and_one_section(config):
    (side,) = api.settings("images.side")
    assert (side.default, side.value, side.source) == (None, None, "")
    assert {s.name.partition(".")[0] for s in api.settings("images")} == {"images"}
    assert [s.name for s in api.settings("crawl.sources.path", config)] == [
        "crawl.sources[0].path",
        "crawl.sources[1].path",
    ]
    assert [s.name for s in api.settings("crawl.sources[].kind")] == ["crawl.sources[].kind"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("imags.side", "did you mean `images.side`"),
        ("image", "did you mean `images`"),
        ("zz", "`dalle config` lists all"),
    ],
)
def test_a_name_that_is_no_setting(name, message):
    with pytest.raises(ConfigError, match=message):
        api.settings(name)
