import threading
import time

import pytest

from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.robots_cache import UNREACHABLE_LIFETIME_S, RobotsCache

SITE = "http://example.com"


def test_each_origin_is_asked_once_by_however_many_threads():
    asked = []

    def fetch(url):
        asked.append(url)
        time.sleep(0.02)
        return b"User-agent: *\nDisallow: /a"

    cache, found = RobotsCache(fetch, "dallebot"), []
    paths = [f"http://example.com/{i}" for i in range(8)] + ["https://example.com/"]
    threads = [threading.Thread(target=lambda p=p: found.append(cache.of(p))) for p in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == ["http://example.com/robots.txt", "https://example.com/robots.txt"]
    assert len(found) == 9


def test_an_outage_is_forgotten_sooner_than_an_answer(monkeypatch):
    answers: list[bytes | FetchFailure] = [FetchFailure(Reason.SERVER_ERROR, ""), b"", b"unused"]
    cache, now = RobotsCache(lambda _: answers.pop(0), "dallebot"), [0.0]
    monkeypatch.setattr("pipelines.web.robots_cache.time.monotonic", lambda: now[0])
    assert cache.of(SITE).closed_by
    now[0] = UNREACHABLE_LIFETIME_S + 1
    assert not cache.of(SITE).closed_by
    now[0] += UNREACHABLE_LIFETIME_S + 1
    cache.of(SITE)
    assert len(answers) == 1


def test_a_bug_in_the_fetch_is_not_remembered_as_an_answer():
    def broken(_):
        raise ZeroDivisionError

    cache = RobotsCache(broken, "dallebot")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.of(SITE)
