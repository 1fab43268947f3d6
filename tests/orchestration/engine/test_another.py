"""A finished run is not replaced by another one unasked; a changed setting asks nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.engine.another import ReplacingError
from orchestration.engine.config_file import check_config
from orchestration.engine.plan import Run, RunError
from orchestration.engine.progress import Quiet
from orchestration.engine.run import run_stages
from orchestration.engine.verify import run_checksum
from pipelines.io.layout import RunFolder
from pipelines.io.manifest import read_manifest

ROWS = (
    "a red apple on a table\thttp://h.example/1.png\ntwo dogs on a beach\thttp://h.example/2.png\n"
)
STAGES = ["crawl", "captions"]


def of(tmp_path: Path, source: str = "pairs.tsv", **settings: object) -> Run:
    if not (tmp_path / source).exists():
        (tmp_path / source).write_text(ROWS)
    crawl = {"sources": [{"path": source, "caption_column": 0, "url_column": 1}]}
    config = check_config({"num_shards": 2, "crawl": crawl} | settings, str(tmp_path))
    return Run(config, f"{tmp_path}/run")


@pytest.fixture
def finished(tmp_path) -> Run:
    run = of(tmp_path)
    run_stages(run, STAGES, Quiet())
    return run


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"num_shards": 3}, "num_shards is 2 there and 3 in this config"),
        (
            {"source": "other.tsv", "name": "other", "captions": {"recipe": "laion"}},
            "its name is 'run' there and 'other' in this config",
        ),
    ],
)
def test_another_run_is_refused_with_what_it_would_replace(finished, tmp_path, changed, why):
    before = run_checksum(finished.root)
    other = of(tmp_path, **changed)
    with pytest.raises(ReplacingError, match=why) as caught:
        run_stages(other, STAGES, Quiet())
    assert "captions   changed: " in str(caught.value)
    assert ("num_shards (2 -> 3)" in str(caught.value)) == ("num_shards" in changed)
    assert "2 shards, 2 rows would be made again" in str(caught.value)
    assert "--yes" in str(caught.value)
    assert run_checksum(finished.root) == before
    assert run_stages(finished, STAGES, Quiet())[0].num_shards == 2
    run_stages(replace(other, replaces=True), STAGES, Quiet())
    manifest = read_manifest(RunFolder(finished.root).stage("captions"))
    assert manifest is not None
    assert manifest.num_shards == other.config.num_shards


def test_a_stage_alone_needs_its_inputs_in_as_many_shards(finished, tmp_path):
    other = replace(of(tmp_path, num_shards=3), replaces=True)
    with pytest.raises(RunError, match=r"crawl, which is not finished in 3 shards in .*/run; run"):
        run_stages(other, ["captions"], Quiet())
    assert read_manifest(RunFolder(finished.root).stage("captions")) is not None


def test_sources_that_have_none_in_common_are_another_run(finished, tmp_path):
    other = of(tmp_path, "others.tsv")
    with pytest.raises(ReplacingError, match=r"made of pairs\.tsv, this config reads others\.tsv"):
        run_stages(other, STAGES, Quiet())


@pytest.mark.parametrize(
    "changed",
    [
        {"captions": {"overrides": {"too_few_words": 4}}},
        {"name": "renamed"},  # which replaces nothing
        {
            "crawl": {
                "sources": [
                    {"path": "pairs.tsv", "caption_column": 0, "url_column": 1, "name": "mine"}
                ]
            }
        },
    ],
)
def test_a_changed_setting_goes_on_without_a_question(finished, tmp_path, changed):
    manifests = run_stages(of(tmp_path, **changed), STAGES, Quiet())
    assert [manifest.stage for manifest in manifests] == STAGES


def test_what_is_not_finished_may_be_replaced(finished, tmp_path):
    for stage in STAGES:
        Path(RunFolder(finished.root).stage(stage).manifest).unlink()
    manifests = run_stages(of(tmp_path, num_shards=3), STAGES, Quiet())
    assert [manifest.num_shards for manifest in manifests] == [3] * len(STAGES)
