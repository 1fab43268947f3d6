import asyncio
from types import SimpleNamespace

import pytest

from pipelines.web import origin_cache
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.origin_cache import OriginCache
from pipelines.web.robots import (
    MAX_ROBOTS_BYTES,
    UNREACHABLE_LIFETIME_S,
    Robots,
    lifetime_s,
    parse_robots,
    robots_of,
)

SITE = "http://example.com"


def may_fetch(body, path):
    return parse_robots(body, "dallebot").refusal(SITE + path) is None


@pytest.mark.parametrize(
    ("body", "allowed", "refused"),
    [
        ("", ["/", "/a"], []),
        ("User-agent: *\nDisallow: /", [], ["/", "/a"]),
        ("User-agent: *\nDisallow:", ["/a"], []),
        ("User-agent: *\nDisallow: /a", ["/", "/b", "/A"], ["/a", "/ab", "/a/b"]),
        ("User-agent: *\nDisallow: /a/\nAllow: /a/b/", ["/a/b/c", "/a"], ["/a/c"]),
        ("User-agent: *\nDisallow: /a\nAllow: /a", ["/a"], []),
        ("User-agent: *\nDisallow: /*.png$", ["/a.png?x", "/a.jpg"], ["/a.png", "/b/c.png"]),
        ("User-agent: *\nDisallow: /*?size=", ["/a"], ["/a?size=2"]),
        ("User-agent: dallebot\nDisallow: /a\n\nUser-agent: *\nDisallow: /", ["/b"], ["/a"]),
        ("User-agent: DalleBot\nDisallow: /a", ["/b"], ["/a"]),
        ("User-agent: otherbot\nDisallow: /", ["/a"], []),
        ("User-agent: otherbot\nUser-agent: dallebot\nDisallow: /a", [], ["/a"]),
        ("User-agent: dallebot\nDisallow: /a\nUser-agent: x\nDisallow: /c\n"
         "User-agent: dallebot\nDisallow: /b", ["/c"], ["/a", "/b"]),
        ("user-AGENT : *\n disallow : /a # all of it", ["/b"], ["/a"]),
        ("User-agent: *\r\nDisallow: /a\r\n", ["/b"], ["/a"]),
        ("User-agent: *\nDisallow: /a%20b\nDisallow: /ä", ["/c"], ["/a%20b", "/%C3%A4"]),
        ("User-agent: *\n\nDisallow: /a", ["/b"], ["/a"]),
        ("<html><body>Not found</body></html>", ["/a"], []),
    ],
)  # fmt: skip
def test_rules(body, allowed, refused):
    assert [path for path in allowed if not may_fetch(body.encode(), path)] == []
    assert [path for path in refused if may_fetch(body.encode(), path)] == []


CLOSED = "Disallow: /"
OPEN = "Allow: /"


@pytest.mark.parametrize(
    ("groups", "is_allowed"),
    [
        (["User-agent: dalle", CLOSED], True),  # a prefix is another name
        (["User-agent: dallebot-news", CLOSED], True),
        (["User-agent: dalle", OPEN, "User-agent: *", CLOSED], False),
        (["User-agent: dallebot/2.1", CLOSED], False),
        (["User-agent: dallebot and friends", CLOSED], False),
        (["User-agent: *bot", CLOSED], True),
        (["User-agent: * # everyone", CLOSED], False),
        (["User-agent:", CLOSED], True),
        (["User-agent: dallebot", "Sitemap: /s", "User-agent: x", CLOSED], False),
        (["User-agent: dallebot", "Unknown: line", "User-agent: x", CLOSED], False),
        (["User-agent: dallebot", "Crawl-delay: 1", "User-agent: x", CLOSED], False),
        (["User-agent: dallebot", "", "# note", "User-agent: x", CLOSED], False),
        (["User-agent: dallebot", OPEN, "User-agent: x", CLOSED], True),
        (["User-agent: dallebot", "Disallow:", "User-agent: x", CLOSED], True),
        (["Disallow: /", "User-agent: x", CLOSED], True),
        (["useragent dallebot", "disalow /"], False),
        (["User-agent: *", CLOSED, "User-agent: dallebot", "Crawl-delay: 1"], True),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_which_group_speaks_to_us(groups, is_allowed, line_end):
    assert may_fetch(line_end.join(groups).encode(), "/a") is is_allowed


def test_a_byte_order_mark_hides_no_rule():
    assert not may_fetch(b"\xef\xbb\xbfUser-agent: *\nDisallow: /a", "/a")


def test_binary_rubbish_is_survived_and_rules_in_it_count():
    assert may_fetch(bytes(range(256)) * 100, "/a")
    assert not may_fetch(b"\xff\xfe\x00\nUser-agent: *\nDisallow: /a", "/a")


def test_the_first_500_kib_count_and_a_line_cut_in_two_does_not():
    head = b"User-agent: *\nDisallow: /early\n"
    filler = b"# " + b"x" * 997 + b"\n"
    body = head + filler * 600
    assert len(body) > MAX_ROBOTS_BYTES
    assert not may_fetch(body + b"Disallow: /late\n", "/early")
    assert may_fetch(body + b"Disallow: /late\n", "/late")
    room = MAX_ROBOTS_BYTES - len(head) - len("Disallow: /")
    cut = head + b"#" * (room - 1) + b"\n" + b"Disallow: /long\n"  # would read "Disallow: /"
    assert may_fetch(cut, "/other")


@pytest.mark.parametrize(
    ("reason", "refusal"),
    [
        (Reason.NOT_FOUND, None),
        (Reason.CLIENT_ERROR, None),
        (Reason.RATE_LIMITED, None),
        (Reason.TOO_MANY_REDIRECTS, None),
        (Reason.EMPTY_BODY, None),
        (Reason.SERVER_ERROR, Reason.ROBOTS_UNREACHABLE),
        (Reason.TIMED_OUT, Reason.ROBOTS_UNREACHABLE),
        (Reason.CONNECTION_FAILED, Reason.ROBOTS_UNREACHABLE),
        (Reason.DNS_FAILED, Reason.ROBOTS_UNREACHABLE),
        (Reason.BROKEN_RESPONSE, Reason.ROBOTS_UNREACHABLE),
        (Reason.BROKEN_REDIRECT, Reason.ROBOTS_UNREACHABLE),
        (Reason.SCHEME_REFUSED, Reason.ROBOTS_UNREACHABLE),
        (Reason.ADDRESS_REFUSED, Reason.ADDRESS_REFUSED),
        (Reason.HOST_UNKNOWN, Reason.HOST_UNKNOWN),
    ],
)
def test_what_a_failed_fetch_means(reason, refusal):
    found = robots_of(FetchFailure(reason, "detail"), "dallebot").refusal(SITE + "/a")
    assert (found.reason if found else None) is refusal
    assert found is None or not found.is_transient


def test_crawl_delay_is_read_and_capped():
    def delay(value):
        body = f"User-agent: *\nCrawl-delay: {value}\nDisallow: /x".encode()
        return parse_robots(body, "dallebot").delay_s

    assert [delay(v) for v in ("2.5", "900", "-3", "soon")] == [2.5, 30.0, 0.0, 0.0]
    assert Robots().delay_s == 0.0


def test_an_outage_is_forgotten_sooner_than_an_answer(monkeypatch):
    answers: list[bytes | FetchFailure] = [FetchFailure(Reason.SERVER_ERROR, ""), b"", b"unused"]
    now = [0.0]

    async def fetch(_):
        return robots_of(answers.pop(0), "dallebot")

    async def ask():
        cache = OriginCache(fetch, lifetime_s)
        assert (await cache.of(SITE)).closed_by
        now[0] = UNREACHABLE_LIFETIME_S + 1
        assert not (await cache.of(SITE)).closed_by
        now[0] += UNREACHABLE_LIFETIME_S + 1
        await cache.of(SITE)

    monkeypatch.setattr(origin_cache, "time", SimpleNamespace(monotonic=lambda: now[0]))
    asyncio.run(ask())
    assert len(answers) == 1
