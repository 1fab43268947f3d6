"""What explain tells of hostile rows and damaged runs."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from dalle_model import files
from orchestration.api import explain
from orchestration.engine.config import NoRunError, config_class, keep_config, load_run_config
from orchestration.report.trace import ExplainError, trace
from pipelines.captions.recipe import recipe_url
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.parquet import to_bytes
from pipelines.records import CANDIDATE_SCHEMA, Candidate
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
    rows = [step.row for steps in found.steps.values() for step in steps if step.kept]
    assert [(row["key"], row["bytes"]) for row in rows] == [(keys[n], n + 1) for n in (0, 2, 4)]
    assert {name for row in rows for name in row} == {"key", "url", "sha256", "bytes"}


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"unknown": 1}', b"\xff"])
def test_a_damaged_config_is_one_clear_message(tmp_path, content):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(NoRunError, match="is damaged or of another version"):
        load_run_config(str(tmp_path))


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
    assert name == "recipes/dalle.yaml"
    assert recipe[int(number) - 1].strip() == "wrong_language:"


NAMED = [
    Candidate("a" * 40, "urn:sha256:aa11", "a cat", name="sub/cat.jpg", carried='{"cls":3}'),
    Candidate("b" * 40, "urn:sha256:aa22", "a dog", name="t.tar!sub/7"),
    Candidate("c" * 40, "http://a.test/c.png", "a fox", page_url="http://a.test/p/1"),
    Candidate("d" * 40, "http://a.test/d.png", "a hen", page_url="http://a.test/p/2"),
]


@pytest.fixture
def named_run(tmp_path):
    """A run whose crawl has kept rows with names, and dropped a copy that quotes one."""
    write_run(str(tmp_path), "x")
    crawl = RunFolder(str(tmp_path), 1).stage("crawl")
    rows = [row._asdict() for row in NAMED]
    files.write_bytes(crawl.part(0), to_bytes(pa.Table.from_pylist(rows, CANDIDATE_SCHEMA)))
    copy = Rejection("a" * 40, "urn:sha256:aa11", "a cat", "crawl", "duplicate_pair")
    noted = to_bytes(rejection_table([replace(copy, detail="copies/pussy.jpg")]))
    files.write_bytes(crawl.rejected(0), noted)
    return str(tmp_path)


@pytest.mark.parametrize(
    ("query", "expected"),
    [("sub/cat.jpg", "a"), ("cat.jpg", "a"), ("t.tar!sub/7", "b"), ("sub/7", "b"), ("7", "b"),
     ("pussy.jpg", "a"), ("urn:sha256:aa11", "a"), ("urn:sha256:aa", "ab"), ("a" * 8, "a"),
     ("http://a.test/c.png", "c"), ("http://a.test/c", "c"), ("HTTP://A.test:80", "cd"),
     ("http://a.test/p/1", "c"), ("http://a.test/p/", "cd")],
)  # fmt: skip
def test_rows_are_found_by_name_and_by_the_start_of_a_url_or_key(named_run, query, expected):
    assert list(explain(query, named_run).steps) == [letter * 40 for letter in expected]


def test_a_row_tells_its_name_and_what_it_carries(named_run):
    lines = str(explain("cat.jpg", named_run)).splitlines()
    assert lines[3:5] == ["name     sub/cat.jpg", "carries  cls 3"]


def test_a_text_that_is_no_name_is_a_caption(named_run):
    assert str(explain("A fox runs over the grass", named_run)).startswith("caption  A fox runs")
    assert str(explain("cat.jpg", named_run, recipe="dalle")).startswith("caption  cat.jpg")


def test_what_no_row_has_is_an_error_that_says_what_is_looked_for(named_run):
    with pytest.raises(ExplainError, match=r"has the key, URL or name 'http://b\.test/'"):
        explain("http://b.test/", named_run)


def test_of_very_many_rows_the_first_are_shown_and_all_counted(named_run, monkeypatch):
    monkeypatch.setattr("orchestration.report.trace.MAX_TRACED", 1)
    monkeypatch.setattr("orchestration.report.trace_text.MAX_ROWS", 1)
    told = explain("http://a.test/", named_run)
    assert list(told.steps) == ["c" * 40]
    assert str(told).endswith("… and 1 more rows; give a longer key, URL or name")
