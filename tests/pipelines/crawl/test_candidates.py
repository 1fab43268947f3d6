import pytest

from pipelines.crawl.candidates import (
    MAX_QUOTED_CHARS,
    Found,
    rejection,
    to_candidate,
)
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.sources import Source
from pipelines.io.keys import pair_key
from pipelines.records import Candidate
from pipelines.rejection import Rejection

CONFIG = CrawlConfig(sources=(Source(path="unused"),))
FOUND = Found("a.jpg", "a red barn", "alt", base_url="http://site.test/dir/p")


def _reason(row: Candidate | Rejection) -> str:
    return row.reason if isinstance(row, Rejection) else ""


@pytest.mark.parametrize(
    ("raw_url", "url"),
    [
        ("a.jpg", "http://site.test/dir/a.jpg"),
        ("../a.jpg", "http://site.test/a.jpg"),
        ("//CDN.test:80/a.jpg#top", "http://cdn.test/a.jpg"),
        ("HTTPS://cdn.test:443/x/../a.jpg?b=1", "https://cdn.test/a.jpg?b=1"),
    ],
)
def test_urls_are_resolved_and_canonical(raw_url, url):
    row = to_candidate(FOUND._replace(raw_url=raw_url), CONFIG)
    assert isinstance(row, Candidate)
    assert (row.url, row.key) == (url, pair_key(url, "a red barn"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"raw_url": ""}, "bad_url"),
        ({"raw_url": "#"}, "bad_url"),
        ({"raw_url": "ftp://site.test/a.jpg"}, "bad_url"),
        ({"raw_url": "javascript:alert(1)"}, "bad_url"),
        ({"raw_url": "file:///etc/passwd"}, "bad_url"),
        ({"raw_url": "http://user:word@site.test/a"}, "bad_url"),
        ({"raw_url": "http://[broken/a"}, "bad_url"),
        ({"raw_url": "http://"}, "bad_url"),
        ({"raw_url": "a.jpg", "base_url": ""}, "bad_url"),
        ({"raw_url": "x" * 1_000_000}, "bad_url"),
        ({"raw_url": " DATA:image/gif;base64,R0lG"}, "data_uri"),
        ({"caption": ""}, "no_caption"),
        ({"caption": " \t\xa0"}, "no_caption"),
        ({"caption": "x" * 10_001}, "caption_too_long"),
        ({"opt_out": "noai"}, "page_opt_out"),
        ({"opt_out": "noai", "caption": ""}, "page_opt_out"),
    ],
)
def test_each_occurrence_is_kept_or_dropped_for_one_reason(change, reason):
    row = to_candidate(FOUND._replace(**change), CONFIG)
    assert _reason(row) == reason
    assert len(row.url) <= MAX_QUOTED_CHARS
    assert len(row.caption) <= MAX_QUOTED_CHARS


@pytest.mark.parametrize("caption", ["", " \t\xa0"])
def test_images_without_a_caption_are_kept_where_none_is_needed(caption):
    config = CONFIG.model_copy(update={"min_caption_chars": 0})
    row = to_candidate(FOUND._replace(caption=caption), config)
    assert isinstance(row, Candidate)
    assert (row.caption, row.key) == ("", pair_key(row.url, ""))
    spaced = to_candidate(FOUND._replace(caption=" barn "), config)
    assert spaced.caption == " barn "


def test_limits_on_captions_come_from_the_config():
    config = CONFIG.model_copy(update={"min_caption_chars": 5})
    short = to_candidate(FOUND._replace(caption=" barn "), config)
    assert isinstance(short, Rejection)
    assert (short.reason, short.measured, short.threshold) == ("caption_too_short", 4, 5)


def test_opt_outs_may_be_kept_as_data():
    config = CONFIG.model_copy(update={"honours_page_opt_out": False})
    row = to_candidate(FOUND._replace(opt_out="noai"), config)
    assert isinstance(row, Candidate)
    assert row.opt_out == "noai"


def test_key_of_a_row_without_a_url_is_made_of_what_it_had():
    row = to_candidate(FOUND._replace(raw_url="ftp://x/"), CONFIG)
    assert row.key == pair_key("ftp://x/", "a red barn")


def test_long_text_is_quoted_in_short_but_keyed_whole():
    row = rejection("u" * 5000, "c" * 5000, "bad_url", "d" * 5000)
    assert row.key == pair_key("u" * 5000, "c" * 5000)
    assert {len(row.url), len(row.caption), len(row.detail)} == {MAX_QUOTED_CHARS}
