import re

import pytest

from orchestration.engine.config import ConfigError, RunConfig
from orchestration.engine.graph import all_stages
from orchestration.scale.engines import ENGINES
from orchestration.scale.plan import estimate, known_costs, max_shards
from orchestration.work import read_config
from pipelines.encode.rates import cost_of
from tests.support.documents import ROOT

SIZES = ("1e6", "1e8", "5e9")


def test_every_stage_that_reads_or_writes_shards_by_default_states_its_cost():
    assert list(known_costs()) == [s.name for s in all_stages() if s.is_default and s.is_sharded]


def test_a_cost_names_a_document_that_is_there():
    for name, cost in known_costs().items():
        document = re.match(r"\w+/\w+\.md", cost.source)
        assert document, name
        assert (ROOT / document[0]).exists()


def config_with(**sections: object) -> RunConfig:
    return read_config({"crawl": {"sources": [{"path": "web.warc"}]}} | sections)


def test_seconds_and_bytes_follow_the_settings_of_a_run():
    images, views = {"side": 128, "store": "jpeg"}, ["centre", "flip"]
    config = config_with(images=images, encode={"views": views})
    own = known_costs(config)
    assert list(own) == list(known_costs())
    assert own["encode"].cpu_s == 2 * cost_of("demo").cpu_s
    assert own["images"].image_bytes == own["images"].stored_bytes == pytest.approx(162e3 / 4 / 3)
    shown = str(estimate(1e6, "local", 168, config=config))
    assert "encode: " in shown
    assert "2 views of each image" in shown


def test_the_run_s_own_codec_is_told_not_to_be_measured():
    assumed = known_costs(config_with(vq={}))["encode"].assumes
    assert assumed.startswith("the codec that the run trains is not measured")


def test_the_most_shards_are_those_of_the_config():
    assert max_shards() == 99_999


@pytest.mark.parametrize("profile", ENGINES)
@pytest.mark.parametrize("pairs", SIZES)
def test_what_has_given_way_is_told_from_what_comes_next(pairs, profile):
    found = estimate(float(pairs), profile, hours=168)
    hit = [wall.pairs <= found.pairs for wall in found.walls]
    assert hit == sorted(hit, reverse=True)
    assert hit.count(False) <= 1
    assert str(found).count("gives way at") == hit.count(True)


def test_more_pairs_never_cost_less():
    sums = [sum(estimate(float(n), "dataflow", 168).dollars.values()) for n in SIZES]
    assert sums == sorted(sums)


@pytest.mark.parametrize(
    ("pairs", "profile", "hours", "said"),
    [
        (1e6, "dataflo", 1, "no profile 'dataflo' to plan for; did you mean `dataflow`"),
        (1e6, "qqq", 1, "there are local, flink, dataflow"),
        (0, "local", 1, "--pairs 0"),
        (float("nan"), "local", 1, "--pairs nan"),
        (float("inf"), "local", 1, "--pairs inf"),
        (1e6, "local", 0, "--hours 0"),
    ],
)
def test_what_makes_no_sense_is_refused(pairs, profile, hours, said):
    with pytest.raises(ConfigError, match=said):
        estimate(pairs, profile, hours)


def test_the_lines_are_those_that_a_person_reads():
    lines = str(estimate(5e9, "dataflow", hours=168)).splitlines()
    assert re.fullmatch(
        r"5,000,000,000 pairs on dataflow: \d+ workers of one core, [\d.]+ hours, [\d,]+ shards",
        lines[0],
    )
    assert lines[2].split() == [
        "stage",
        "core",
        "hours",
        "stored",
        "shuffled",
        "from",
        "the",
        "web",
    ]
    assert [line.split()[0] for line in lines[3:10]] == [*known_costs(), "all"]
    assert "gives way at" in lines[-2]
