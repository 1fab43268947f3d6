"""The order of stages, who reads whose output, and what makes the work of a stage new."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from orchestration.engine import config as configs
from orchestration.engine import graph as graphs
from orchestration.engine.config import ReplayConfig, RunConfig, config_class
from orchestration.engine.graph import Graph, all_stages
from orchestration.engine.registry import StageError, registry
from pipelines.io.layout import RunFolder
from pipelines.records import CODEC, IMAGE_SCHEMA, IMAGES, SELECTION, SELECTION_SCHEMA
from pipelines.stage import LocalResult, LocalWork, Reads, Stage, Writes

TABLE = {"sources": [{"path": "/pairs.tsv"}]}
SITE = {"sites": [{"start": "http://a.demo.test/"}]}
REPLAYED = ReplayConfig(archive="/web.warc.gz", hosts=".demo.test")
DATA = ["crawl", "captions", "fetch", "images", "dedupe", "encode"]
FILTER = replace(registry()["dedupe"], name="sharpness", is_default=False)


def graph_of(**sections: Any) -> Graph:
    return Graph.of(config_class().model_validate({"crawl": TABLE} | sections))


def names(graph: Graph) -> list[str]:
    return [stage.name for stage in graph.stages]


@pytest.fixture
def with_stage(monkeypatch):
    """Stages beside those that are bundled."""

    def add(*stages: Stage) -> None:
        known = dict(registry()) | {stage.name: stage for stage in stages}
        monkeypatch.setattr(configs, "registry", lambda: known)
        monkeypatch.setattr(graphs, "registry", lambda: known)
        configs.config_class.cache_clear()

    yield add
    configs.config_class.cache_clear()


def test_a_run_has_the_data_stages_in_the_order_in_which_they_read_each_other():
    assert names(graph_of()) == DATA


def test_asking_for_a_model_asks_for_those_it_stands_on():
    assert names(graph_of(samples={})) == [*DATA, "bpe", "prior", "samples"]
    assert names(graph_of(bpe={})) == [*DATA, "bpe"]
    for codec in ("dvae", "vq"):
        assert names(graph_of(**{codec: {}})) == [*DATA[:5], codec, "encode"]


def test_a_codec_is_an_input_where_it_is_trained_and_a_setting_where_it_is_not():
    run = RunFolder("/run")
    trained, named = graph_of(dvae={}), graph_of(encode={"codec": "/own.safetensors"})
    encode = registry()["encode"]
    assert trained.input_urls(encode, run)[CODEC] == ("/run/dvae/dvae.safetensors",)
    assert named.input_urls(encode, run)[CODEC] == ("/own.safetensors",)
    assert (trained.provided(encode), named.provided(encode)) == ({}, {CODEC: "/own.safetensors"})
    assert trained.url(CODEC, run) == "/run/dvae/dvae.safetensors"
    assert named.url(CODEC, run) == "/own.safetensors"


def test_filters_of_images_run_in_the_order_of_the_config(with_stage):
    with_stage(FILTER)
    graph = graph_of(sharpness={}, selections=["dedupe", "sharpness"])
    assert names(graph) == [*DATA[:5], "sharpness", "encode"]
    first = graph_of(sharpness={}, selections=["sharpness", "dedupe"])
    assert names(first) == [*DATA[:4], "sharpness", "dedupe", "encode"]
    run = RunFolder("/run")
    urls = first.input_urls(registry()["dedupe"], run)
    assert urls == {IMAGES: ("/run/images",), SELECTION: ("/run/sharpness",)}
    urls = first.input_urls(registry()["encode"], run)
    assert urls[SELECTION] == ("/run/sharpness", "/run/dedupe")


def test_columns_that_are_read_must_be_written(with_stage):
    reads = IMAGE_SCHEMA.append(pa.field("sharpness", pa.float32()))
    with_stage(replace(FILTER, reads={IMAGES: Reads(reads)}))
    with pytest.raises(StageError, match=r"sharpness reads images\.sharpness, images writes none"):
        graph_of(sharpness={})


def test_columns_are_read_in_the_type_in_which_they_are_written(with_stage):
    with_stage(replace(FILTER, reads={IMAGES: Reads(pa.schema([("width", pa.int64())]))}))
    with pytest.raises(StageError, match="as int64, images writes uint32"):
        graph_of(sharpness={})


def test_a_role_that_nobody_writes_is_refused(with_stage):
    with_stage(replace(FILTER, reads={"faces": Reads()}))
    with pytest.raises(StageError, match="reads 'faces', which no stage of this run writes"):
        graph_of(sharpness={})


def test_two_writers_of_one_role_are_refused_where_one_is_read(with_stage):
    with_stage(replace(FILTER, writes=Writes(IMAGES, SELECTION_SCHEMA), reads={}))
    with pytest.raises(StageError, match="both write 'images', which dedupe reads"):
        graph_of(sharpness={})


def test_a_circle_is_refused(with_stage):
    work = LocalWork(lambda job, on_step: LocalResult((), {}))
    config = registry()["bpe"].config
    one, other = (
        Stage(name, "", config, Writes(name), work, {read: Reads()}, is_default=False)
        for name, read in (("chicken", "egg"), ("egg", "chicken"))
    )
    with_stage(one, other)
    with pytest.raises(StageError, match="egg, chicken read each other's output in a circle"):
        graph_of(egg={})


def fingerprint_of(name: str, replay: ReplayConfig | None, crawl: dict[str, Any]) -> str:
    config: RunConfig = config_class().model_validate({"crawl": crawl})
    graph = Graph.of(config.model_copy(update={"replay": replay}))
    return graph.fingerprint(registry()[name], {})


def fetch_fingerprint(replay: ReplayConfig | None) -> str:
    return fingerprint_of("fetch", replay, TABLE)


def test_images_from_an_archive_are_other_work_than_images_from_the_web():
    assert fetch_fingerprint(REPLAYED) != fetch_fingerprint(None)


def test_pages_from_an_archive_are_other_work_where_sites_are_crawled():
    assert fingerprint_of("crawl", REPLAYED, SITE) != fingerprint_of("crawl", None, SITE)
    assert fingerprint_of("crawl", REPLAYED, TABLE) == fingerprint_of("crawl", None, TABLE)


def test_the_place_of_an_archive_is_no_part_of_the_work():
    here, there = (ReplayConfig(archive=a, hosts=".demo.test") for a in ("/a.warc", "/b.warc"))
    assert fetch_fingerprint(here) == fetch_fingerprint(there)


def test_what_sources_carry_is_part_of_the_work_of_the_stage_that_makes_columns_of_it():
    def settings(carry):
        source = {"path": "a.tsv", "carry": carry}
        config = config_class().model_validate({"crawl": {"sources": [source]}})
        graph = Graph.of(config)
        return {stage.name: graph.settings(stage) for stage in graph.stages}

    text, number, nothing = settings(["score"]), settings({"score": "number"}), settings([])
    changed = {name for name in text if text[name] != number[name]}
    assert changed == {"crawl", "encode"}
    assert "facts" not in nothing["encode"]


def test_all_stages_are_in_the_order_of_a_run_though_two_write_one_role():
    stages = all_stages()
    places = {stage.name: place for place, stage in enumerate(stages)}
    assert len(stages) == len(registry())
    assert {stage.name for stage in stages if stage.writes.role == CODEC} == {"dvae", "vq"}
    assert sorted(places, key=lambda name: places[name])[:3] == ["crawl", "captions", "fetch"]
    assert max(places["dvae"], places["vq"]) < places["encode"] < places["prior"]
