import json
import re

from tests.support.documents import ROOT
from tools.flex_template import METADATA, URL, metadata, text


def test_the_file_is_up_to_date():
    assert METADATA == ROOT / "infra" / "dataflow" / "metadata.json"
    assert METADATA.read_text() == text(), "run `python -m tools.flex_template`"


def test_a_job_must_be_given_a_config_and_a_directory_in_a_bucket():
    by_name = {one["name"]: one for one in metadata()["parameters"]}
    assert [name for name, one in by_name.items() if not one["isOptional"]] == ["config", "dir"]
    for fits in ("gs://bucket/run", "gs://my.bucket-1/a/b.yaml"):
        assert re.fullmatch(URL, fits)
    for wrong in ("/tmp/run", "s3://bucket/run", "gs://", "gs://B/x", "gs://bucket"):
        assert not re.fullmatch(URL, wrong)


def test_stages_are_named_one_by_one_and_none_that_trains():
    (one,) = (p for p in metadata()["parameters"] if p["name"] == "stages")
    (pattern,) = one["regexes"]
    assert re.fullmatch(pattern, "crawl,captions,fetch,images,dedupe,encode")
    for wrong in ("", "prior", "crawl,", "crawl captions", "nope"):
        assert not re.fullmatch(pattern, wrong)


def test_the_form_is_json_of_plain_values():
    assert json.loads(text()) == metadata()
    assert metadata()["streaming"] is False
