import asyncio

import aiohttp
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
    read = []

    async def receive(cap):
        read.append(cap)
        return [b"123456789"]

    with pytest.raises(FetchError, match="declared"):
        asyncio.run(body_of(URL, receive, headers, 5, keeps_head=False))
    assert read == []
    assert asyncio.run(body_of(URL, receive, headers, 5, keeps_head=True)) == b"12345"


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
    left = [b"a", b"b"]

    async def chunks():
        while left:
            yield left.pop()

    asyncio.run(drain(chunks(), {"content-length": length}))
    assert left == ([] if is_read else [b"a", b"b"])


def test_a_body_that_does_not_come_is_let_go():
    raised = []

    async def broken():
        yield b"a"
        raised.append(1)
        raise aiohttp.ClientPayloadError

    asyncio.run(drain(broken(), {"content-length": "2"}))
    assert raised


def test_a_body_that_stalls_is_let_go():
    async def stalled():
        yield b"a"
        await asyncio.Event().wait()

    asyncio.run(drain(stalled(), {"content-length": "2"}))
