"""A first config is a config: it is read, keeps every row of a user's own, and replaces no file."""

from pathlib import Path

import pytest
import yaml

from dalle_model.errors import UsageError
from orchestration import api
from orchestration.engine.config import ConfigError
from orchestration.engine.config_file import load_config
from orchestration.engine.first_config import MAX_SHARDS, MIN_SHARDS, first_config
from pipelines.io.material import Material
from tests.support.sources import samples, write_image_folder


def material(num_pairs: int = 10, captions: str = "web") -> Material:
    section = "crawl:\n  sources:\n    - path: a.warc"
    return Material(("one",), section, num_pairs, captions)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("num_pairs", "num_shards"),
    [(0, MIN_SHARDS), (300, MIN_SHARDS), (100_000, 20), (10**12, MAX_SHARDS)],
)
def test_shards_grow_with_what_is_there(num_pairs, num_shards):
    values = yaml.safe_load(first_config("a.warc", material(num_pairs)))
    assert values["num_shards"] == num_shards


@pytest.mark.parametrize(
    ("captions", "recipe"), [("web", "dalle"), ("own", "none"), ("none", "none")]
)
def test_the_recipe_follows_from_where_captions_are_from(captions, recipe):
    text = first_config("a.warc", material(captions=captions))
    values = yaml.safe_load(text)
    assert values["captions"] == {"recipe": recipe}
    assert "conceptual_captions, coyo" in text
    assert ("dedupe" in values) == (captions == "own")
    assert values["encode"] == {"codec": "demo"}
    assert "side" not in values["images"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("photos/", "photos"),
        ("s3://bucket/in/*.warc.gz", "run"),
        ("s3://bucket/my photos", "my-photos"),
        ("https://example.org/", "example-org"),
        ("https://example.org/art/2024.html", "2024"),
        ("two\nlines.tar", "two-lines"),
    ],
)
def test_a_run_has_a_name_that_a_config_may_have(path, name):
    assert yaml.safe_load(first_config(path, material()))["name"] == name


def test_paths_count_from_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_image_folder(tmp_path / "in" / "photos", samples(3))
    for out, written in (
        ("dalle.yaml", "in/photos"),
        ("in/dalle.yaml", "photos"),
        ("out/dalle.yaml", f"{tmp_path}/in/photos"),
    ):
        Path(out).parent.mkdir(exist_ok=True)
        made = api.init("in/photos", out)
        assert yaml.safe_load(made.text)["crawl"]["sources"][0]["path"] == written
        assert load_config(out).crawl.sources[0].path == f"{tmp_path}/in/photos"
        assert str(made).splitlines()[-1] == f"config   {out}"


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path):
    write_image_folder(tmp_path / "photos", samples(3))
    out = tmp_path / "dalle.yaml"
    out.write_text("mine")
    with pytest.raises(ConfigError, match="is there already; name another file with --out"):
        api.init(f"{tmp_path}/photos", str(out))
    assert out.read_text() == "mine"
    api.init(f"{tmp_path}/photos", str(out), replaces=True)
    assert load_config(str(out)).captions.recipe == "none"


@pytest.mark.parametrize("path", ["none.tar", "https://user:word@site.test/", "https:///"])
def test_nothing_is_written_for_what_is_not_there(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        api.init(path)
    assert list(tmp_path.iterdir()) == []
