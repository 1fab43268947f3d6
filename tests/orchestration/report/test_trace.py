"""What explain tells of hostile rows and damaged runs."""

from pathlib import Path

import pyarrow as pa
import pytest

from dalle_model import files
from orchestration.api import explain
from orchestration.engine.config import NoRunError, config_class, keep_config, load_run_config
from orchestration.report.trace import is_caption, trace
from pipelines.captions.recipe import recipe_url
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.parquet import to_bytes
from pipelines.rejection import Rejection

KEY = "0" * 40


def write_run(root: str, caption: str, kept: pa.Table | None = None) -> None:
    dropped = Rejection(KEY, "http://a.example/1.png", caption, "crawl", "caption_too_long")
    config = {"crawl": {"sources": [{"path": "/nowhere.tsv"}]}, "num_shards": 1}
    run = RunFolder(root, 1)
    files.write_json(run.config, config)
    rejected = to_bytes(rejection_table([dropped]))
    crawl = run.stage("crawl")
    files.write_bytes(crawl.part(0), to_bytes(rejection_table([]) if kept is None else kept))
    files.write_bytes(crawl.rejected(0), rejected)
    write_manifest(crawl, Manifest("crawl", "f", {}, {}, {}, num_shards=1))


def test_a_caption_does_not_steer_the_terminal(tmp_path):
    write_run(str(tmp_path), "red\nball \x1b[31m \u202e café")
    lines = str(explain(KEY, str(tmp_path))).splitlines()
    assert lines[2] == r"caption  red\nball \x1b[31m \u202e café"


def test_of_a_long_caption_the_start_is_shown(tmp_path):
    write_run(str(tmp_path), "x" * 10_000)
    caption = str(explain(KEY, str(tmp_path))).splitlines()[2]
    assert caption == f"caption  {'x' * 500}… (10,000 characters)"


def test_rows_are_found_in_every_row_group_and_shown_without_their_images(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 2)
    keys = [f"{n:040x}" for n in range(1, 6)]
    urls = [f"http://a.example/{n % 2}.png" for n in range(1, 6)]
    columns = {"key": keys, "url": urls, "encoded": [bytes(n) for n in range(1, 6)]}
    write_run(str(tmp_path), "", pa.table(columns | {"sha256": [""] * 5}))
    found = trace(str(tmp_path), "http://a.example/1.png")
    rows = [step.row for steps in found.values() for step in steps if step.kept]
    assert [(row["key"], row["bytes"]) for row in rows] == [(keys[n], n + 1) for n in (0, 2, 4)]
    assert {name for row in rows for name in row} == {"key", "url", "sha256", "bytes"}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"unknown": 1}', b"\xff"])
def test_a_damaged_config_is_one_clear_message(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(NoRunError, match="is damaged or of another version"):
        load_run_config(str(tmp_path))


@pytest.mark.parametrize(
    ("query", "is_text"),
    [
        ("a red ball", True),
        ("Red", True),
        ("see http://a.example/1.png", True),
        ("deadbeef", False),
        (KEY, False),
        ("HTTPS://a.example/1.png", False),
        ("urn:x:1", False),
    ],
)
def test_what_is_neither_key_nor_url_is_a_caption(query, is_text):
    assert is_caption(query) == is_text


def test_a_text_that_is_kept_is_shown_as_it_will_be():
    told = explain("A brown dog &amp; its bone - Stock Photo", recipe="dalle")
    assert str(told).splitlines()[2] == "becomes  A brown dog & its bone"


def test_a_text_meets_every_rule_with_the_line_of_the_recipe(tmp_path):
    values = {
        "crawl": {"sources": [{"path": "/nowhere.tsv"}]},
        "captions": {"overrides": {"too_few_words": 9}},
    }
    keep_config(str(tmp_path), config_class().model_validate(values))
    told = str(explain("A brown dog runs over the grass", str(tmp_path))).splitlines()
    assert told[2] == "captions DROPPED  (too_few_words)"
    lines = {line.split()[1]: line for line in told[3:]}
    assert lines["too_few_words"].split()[0] == "FAIL"
    assert lines["too_few_words"].endswith("captions.overrides")
    recipe = Path(recipe_url("dalle")).read_text("utf-8").splitlines()
    place = lines["wrong_language"].split()[-2]
    assert lines["wrong_language"].split()[-1] == "en"
    name, _, number = place.partition(":")
    assert name == "dalle.yaml"
    assert recipe[int(number) - 1].strip() == "wrong_language:"
