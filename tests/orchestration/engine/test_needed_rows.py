"""Which freed rows are wanted, by the marks alone; `test_cleaning.py` brings them back."""

import pytest

from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.needed_rows import to_be_made, want_inputs, want_rows, with_those
from orchestration.engine.plan import Run
from pipelines.io.cleaned import Cleaned, read_mark, write_mark


@pytest.fixture
def run(tmp_path) -> Run:
    (tmp_path / "pairs.tsv").write_text("a barn\thttp://h.example/1.png\n")
    config = check_config({"crawl": {"sources": [{"path": "pairs.tsv"}]}}, str(tmp_path))
    made = Run(config, str(tmp_path / "run"))
    for name in ("crawl", "images"):
        write_mark(made.folder.stage(name), Cleaned(5, 2))
    return made


def wanted_by(run: Run, name: str) -> str | None:
    mark = read_mark(run.folder.stage(name))
    return None if mark is None else mark.wanted_by


def test_a_reader_wants_what_was_freed_and_says_so_once(run):
    graph = Graph.of(run.config)
    encode = [stage for stage in graph.stages if stage.name == "encode"]
    assert want_inputs(run, graph, encode) == ["images"]
    assert wanted_by(run, "images") == "encode"
    assert wanted_by(run, "crawl") == ""
    assert wanted_by(run, "dedupe") is None
    assert want_inputs(run, graph, encode) == []


@pytest.mark.parametrize("holds_images", [True, False])
def test_candidates_are_wanted_for_the_images_that_they_held(run, holds_images):
    mark = Cleaned(5, 2, holds_images=holds_images)
    write_mark(run.folder.stage("crawl"), mark)
    graph = Graph.of(run.config)
    captions, fetch, images = graph.stages[1:4]
    assert want_inputs(run, graph, [fetch]) == ["crawl"] * holds_images
    write_mark(run.folder.stage("crawl"), mark)
    assert want_inputs(run, graph, [images]) == ["crawl"] * holds_images
    write_mark(run.folder.stage("crawl"), mark)
    assert want_inputs(run, graph, [captions]) == ["crawl"]


def test_all_stages_of_a_new_run_are_to_be_made_and_want_nothing(run):
    graph = Graph.of(run.config)
    assert to_be_made(run, graph, graph.stages) == list(graph.stages)
    write_mark(run.folder.stage("images"), Cleaned(5, 2, "encode"))
    assert want_rows(run, graph, graph.stages, []) == list(graph.stages)
    assert wanted_by(run, "images") == ""


def test_stages_are_joined_in_the_order_of_the_run(run):
    graph = Graph.of(run.config)
    chosen = with_those(graph, graph.stages[3:4], ["crawl", "encode"])
    assert [stage.name for stage in chosen] == ["crawl", "images", "encode"]
