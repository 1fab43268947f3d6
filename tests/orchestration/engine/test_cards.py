"""When the card of a stage is written, and when it is left alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from dalle_model import files
from orchestration.engine.cards import keep_card
from orchestration.engine.config_file import check_config
from orchestration.engine.graph import Graph
from orchestration.engine.plan import Run
from orchestration.engine.verify import verify_run
from pipelines.io.manifest import Manifest
from pipelines.stage import Card
from tests.support.commands import dalle
from tests.support.tiny_run import write_tiny_config


def write(folder, manifests) -> str:
    return f"{[m.stage for m in manifests]} in {Path(folder.url).name}"


@pytest.fixture
def run(tmp_path) -> Run:
    config = check_config({"crawl": {"sources": [{"path": "pairs.tsv"}]}}, str(tmp_path))
    return Run(config, str(tmp_path / "run"))


@pytest.fixture
def graph(run) -> Graph:
    graph = Graph.of(run.config)
    first = replace(graph.stages[0], card=Card(write, 1))
    return replace(graph, stages=(first, *graph.stages[1:]))


def finished(rows: int) -> Manifest:
    return Manifest("crawl", "f", {}, {}, {}, num_shards=8, rows_in=rows, rows_out=rows)


def kept(run: Run, graph: Graph, manifest: Manifest) -> Path:
    keep_card(run, graph, graph.stages[0], manifest)
    return Path(run.folder.stage("crawl").card)


def test_it_is_written_where_it_is_missing(run, graph):
    assert kept(run, graph, finished(1)).read_text().startswith("['crawl'] in crawl\n<!-- of ")


def test_what_a_person_changes_stays_until_the_result_is_another(run, graph):
    path = kept(run, graph, finished(1))
    path.write_text(path.read_text().replace("crawl", "mine"))
    assert "mine" in kept(run, graph, finished(1)).read_text()
    assert "mine" not in kept(run, graph, finished(2)).read_text()


def test_another_version_of_the_text_replaces_it(run, graph):
    before = kept(run, graph, finished(1)).read_text()
    newer = replace(graph.stages[0], card=Card(write, 2))
    after = kept(run, replace(graph, stages=(newer, *graph.stages[1:])), finished(1)).read_text()
    assert before != after


def test_it_is_written_into_a_store_too(run, graph):
    stored = replace(run, root="memory://cards/run")
    keep_card(stored, graph, graph.stages[0], finished(1))
    content = files.read_bytes(stored.folder.stage("crawl").card)
    assert content.startswith(b"['crawl'] in crawl\n<!-- of ")


def test_a_stage_without_one_has_none(run, graph):
    plain = Graph.of(run.config)
    assert not kept(run, plain, finished(1)).exists()


@pytest.mark.slow
def test_a_finished_run_without_a_card_gets_one_and_is_the_same_run(tmp_path):
    config, root = write_tiny_config(tmp_path), tmp_path / "run"
    dalle("run", "--config", config, "--dir", root)
    path = root / "encode" / "README.md"
    text, before = path.read_bytes(), verify_run(str(root))
    path.unlink()
    assert verify_run(str(root)) == before
    again = dalle("run", "--config", config, "--dir", root)
    assert again.stderr.count("nothing to do") == 6
    assert path.read_bytes() == text
    assert str(tmp_path) not in text.decode()
    assert verify_run(str(root)) == before
    assert not before.foreign
