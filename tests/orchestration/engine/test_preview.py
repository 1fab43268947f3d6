"""What a run would do is said without doing it, and is what it then does."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run, RunError
from orchestration.engine.preflight import chosen_stages
from orchestration.engine.preview import PlannedStage, preview
from orchestration.engine.progress import Quiet
from orchestration.engine.run import run_stages
from orchestration.engine.verify import run_checksum

ROWS = (
    "a red apple on a table\thttp://h.example/1.png\ntwo dogs on a beach\thttp://h.example/2.png\n"
)


@pytest.fixture
def run(tmp_path) -> Run:
    (tmp_path / "pairs.tsv").write_text(ROWS)
    crawl = {"sources": [{"path": "pairs.tsv", "caption_column": 0, "url_column": 1}]}
    config = check_config({"num_shards": 2, "crawl": crawl}, str(tmp_path))
    return Run(config, f"{tmp_path}/run")


def planned(run: Run, *names: str) -> list[PlannedStage]:
    graph = Graph.of(run.config)
    return preview(run, graph, chosen_stages(graph.stages, names))


def with_section(run: Run, name: str, **settings: object) -> Run:
    section = getattr(run.config, name).model_copy(update=settings)
    return replace(run, config=run.config.model_copy(update={name: section}))


def test_a_new_run_would_make_all(run):
    assert [stage.action for stage in planned(run)] == ["make"] * 6
    assert str(planned(run)[0]) == "crawl      not finished yet: would be made"
    assert not Path(run.root).exists()


def test_a_changed_setting_is_named_with_what_it_costs(run):
    run_stages(run, ["crawl", "captions"], Quiet())
    before = run_checksum(run.root)
    assert [stage.action for stage in planned(run)[:2]] == ["keep", "keep"]
    changed = with_section(run, "captions", overrides={"too_few_words": 4.0})
    crawl, captions, fetch, *_ = planned(changed)
    assert str(crawl).endswith("is finished, 2 rows")
    assert str(captions) == (
        "captions   changed: overrides.too_few_words (None -> 4.0): "
        "2 shards, 2 rows would be made again"
    )
    assert fetch.action == "make"
    assert run_checksum(run.root) == before


def test_a_stage_follows_where_its_input_may_change(run):
    run_stages(run, ["crawl", "captions"], Quiet())
    changed = with_section(run, "crawl", min_caption_chars=2)
    crawl, captions = planned(changed, "crawl", "captions")
    assert crawl.action == "make_again"
    assert (captions.action, str(captions)) == (
        "follow",
        "captions   reads the rows of crawl: 2 shards, 2 rows would be made again if those change",
    )


def test_a_stage_whose_input_is_not_made_is_refused_as_by_the_run(run):
    with pytest.raises(RunError, match="run `dalle run crawl captions`"):
        planned(run, "captions")
