"""What makes a stage's work new."""

from typing import Any

from orchestration.engine.config import ReplayConfig, RunConfig
from orchestration.engine.graph import fingerprint, graph

TABLE = {"sources": [{"path": "/pairs.tsv"}]}
SITE = {"sites": [{"start": "http://a.demo.test/"}]}
REPLAYED = ReplayConfig(archive="/web.warc.gz", hosts=".demo.test")


def fingerprint_of(name: str, replay: ReplayConfig | None, crawl: dict[str, Any]) -> str:
    config = RunConfig.model_validate({"crawl": crawl}).model_copy(update={"replay": replay})
    stage = next(stage for stage in graph(config) if stage.name == name)
    return fingerprint(stage, config, {})


def fetch_fingerprint(replay: ReplayConfig | None) -> str:
    return fingerprint_of("fetch", replay, TABLE)


def test_pictures_from_an_archive_are_other_work_than_pictures_from_the_web():
    assert fetch_fingerprint(REPLAYED) != fetch_fingerprint(None)


def test_pages_from_an_archive_are_other_work_where_sites_are_crawled():
    assert fingerprint_of("crawl", REPLAYED, SITE) != fingerprint_of("crawl", None, SITE)
    assert fingerprint_of("crawl", REPLAYED, TABLE) == fingerprint_of("crawl", None, TABLE)


def test_the_place_of_an_archive_is_no_part_of_the_work():
    here, there = (ReplayConfig(archive=a, hosts=".demo.test") for a in ("/a.warc", "/b.warc"))
    assert fetch_fingerprint(here) == fetch_fingerprint(there)
