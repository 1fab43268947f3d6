import hashlib

import pytest

from pipelines.crawl.candidates import Found
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.image import (
    MAX_TEXT_BYTES,
    Image,
    InlineImage,
    read_sidecar,
    to_inline_image,
)
from pipelines.crawl.sources import Source
from pipelines.io.keys import local_pair_key
from pipelines.rejection import Rejection

CONFIG = CrawlConfig(sources=(Source(path="unused"),), max_image_bytes=10, max_caption_chars=20)


def _to_inline_image(
    url: str = "", caption: str = "a barn", encoded: bytes = b"picture", num_bytes: int = 0
):
    return to_inline_image(Image(Found(url, caption, "file"), encoded, num_bytes=num_bytes), CONFIG)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("HTTP://Site.test:80/a.jpg#x", "http://site.test/a.jpg"),
        *((raw, None) for raw in ("", "a.jpg", "file:///a.jpg", "s3://b/a.jpg", "/data/a.jpg")),
    ],
)
def test_the_url_is_one_of_the_web_or_a_name_of_the_bytes(url, expected):
    row = _to_inline_image(url)
    assert isinstance(row, InlineImage)
    name = "urn:sha256:" + hashlib.sha256(b"picture").hexdigest()
    assert row.candidate.url == (expected or name)
    assert row.candidate.key == local_pair_key(b"picture", "a barn")
    assert row.candidate.encoded is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"caption": " \n"}, "no_caption"),
        ({"caption": "x" * 21}, "caption_too_long"),
        ({"encoded": b"x" * 11}, "picture_too_large"),
        ({"encoded": b"", "num_bytes": 11}, "picture_too_large"),
    ],
)
def test_what_makes_no_candidate(values, reason):
    row = _to_inline_image(**values)
    assert isinstance(row, Rejection)
    assert row.reason == reason


def test_rejections_of_different_images_have_different_keys():
    rows = [_to_inline_image(caption="", encoded=encoded) for encoded in (b"a", b"b")]
    assert len({row.key for row in rows if isinstance(row, Rejection)}) == 2


def test_lines_are_captions_where_the_caller_says_so():
    source, text = Source(path="t"), b"one\r\n\r\ntwo\r\n"
    assert read_sidecar(text, None, source, is_line_a_caption=True).captions == ("one", "two")
    whole = read_sidecar(text, None, source, is_line_a_caption=False)
    assert whole.captions == ("one\r\n\r\ntwo",)
    assert read_sidecar(b" \n", None, source, is_line_a_caption=True).captions == ("",)
    assert read_sidecar(None, None, source, is_line_a_caption=True).captions == ("",)


@pytest.mark.parametrize(
    "document", [b"", b"null", b'"text"', b"\xff", b"{" * 10_000, b" " * (MAX_TEXT_BYTES + 1)]
)
def test_metadata_that_cannot_be_read(document):
    with pytest.raises(ValueError, match=r"JSON|Expecting|decode|deep|bytes of text"):
        read_sidecar(b"a caption", document, Source(path="t"), is_line_a_caption=True)
