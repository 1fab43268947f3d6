"""What makes a stage's work new."""

from orchestration.config import ReplayConfig, RunConfig
from orchestration.stages import fingerprint, graph


def fetch_fingerprint(replay: ReplayConfig | None) -> str:
    config = RunConfig.model_validate({"crawl": {"sources": [{"path": "/pairs.tsv"}]}})
    config = config.model_copy(update={"replay": replay})
    stage = next(stage for stage in graph(config) if stage.name == "fetch")
    return fingerprint(stage, config, {"captions": "c"})


def test_pictures_from_an_archive_are_other_work_than_pictures_from_the_web():
    replayed = fetch_fingerprint(ReplayConfig(archive="/web.warc.gz", hosts=".demo.test"))
    assert replayed != fetch_fingerprint(None)


def test_the_place_of_an_archive_is_no_part_of_the_work():
    here, there = (ReplayConfig(archive=a, hosts=".demo.test") for a in ("/a.warc", "/b.warc"))
    assert fetch_fingerprint(here) == fetch_fingerprint(there)
