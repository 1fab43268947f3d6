import httpcore
import pytest

from pipelines.web.answers import (
    MAX_DRAINED_BYTES,
    Response,
    body_of,
    check_type,
    drain,
    header_text,
)
from pipelines.web.failures import FetchError, Reason

URL = "http://a.test/p"


def test_of_two_locations_the_first_counts():
    headers = (("location", "/a"), ("location", "/b"))
    assert Response(302, b"", "", URL, headers).redirects_to == "/a"
    assert Response(200, b"x", "", URL, headers).redirects_to is None


def test_header_text():
    assert header_text("ä".encode()) == header_text("ä".encode("latin-1")) == "ä"


@pytest.mark.parametrize("content_type", ["", "text/html", " TEXT/HTML ; charset=x"])
def test_types_that_pass(content_type):
    check_type(URL, content_type, frozenset({"text/html"}))
    check_type(URL, "anything/else", frozenset())


def test_a_type_that_does_not():
    with pytest.raises(FetchError) as caught:
        check_type(URL, "text/htmlx", frozenset({"text/html"}))
    assert caught.value.failure.reason is Reason.UNWANTED_TYPE


def test_a_declared_length_above_the_cap_is_refused_unless_the_head_is_kept():
    headers = {"content-length": "9"}
    with pytest.raises(FetchError, match="declared"):
        body_of(URL, iter([b"123456789"]), headers, 5, keeps_head=False)
    assert body_of(URL, iter([b"123456789"]), headers, 5, keeps_head=True) == b"12345"


@pytest.mark.parametrize(
    ("length", "is_read"),
    [
        ("2", True),
        (str(MAX_DRAINED_BYTES), True),
        (str(MAX_DRAINED_BYTES + 1), False),
        ("x", False),
    ],
)
def test_small_bodies_are_drained(length, is_read):
    chunks = iter([b"a", b"b"])
    drain(chunks, {"content-length": length})
    assert list(chunks) == ([] if is_read else [b"a", b"b"])


def test_a_body_that_does_not_come_is_let_go():
    def broken():
        yield b"a"
        raise httpcore.ReadTimeout

    chunks = broken()
    drain(chunks, {"content-length": "2"})
    assert next(chunks, None) is None
