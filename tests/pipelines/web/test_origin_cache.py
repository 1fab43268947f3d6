import threading
import time

import pytest

from pipelines.web import origin_cache
from pipelines.web.origin_cache import OriginCache

SITE = "http://example.com"


def test_each_origin_is_asked_once_by_however_many_threads():
    asked = []

    def fetch(site):
        asked.append(site)
        time.sleep(0.02)
        return "rules"

    cache, found = OriginCache(fetch), []
    paths = [f"http://example.com/{i}" for i in range(8)] + ["https://example.com/"]
    threads = [threading.Thread(target=lambda p=p: found.append(cache.of(p))) for p in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == ["http://example.com", "https://example.com"]
    assert found == ["rules"] * 9


def test_an_answer_is_forgotten_when_its_lifetime_ends(monkeypatch):
    answers, now = [10.0, 20.0, 30.0], [0.0]
    cache = OriginCache(lambda _: answers.pop(0), lifetime_s=lambda answer: answer)
    monkeypatch.setattr("pipelines.web.origin_cache.time.monotonic", lambda: now[0])
    found = []
    for now[0] in (0.0, 10.0, 10.1, 30.0):
        found.append(cache.of(SITE))
    assert found == [10.0, 10.0, 20.0, 20.0]


def test_the_oldest_of_too_many_origins_is_forgotten(monkeypatch):
    monkeypatch.setattr(origin_cache, "MAX_ORIGINS", 2)
    asked: list[str] = []
    cache = OriginCache(asked.append)
    for name in ("a", "b", "a", "c", "b", "a"):
        cache.of(f"http://{name}.test/")
    assert asked == [f"http://{name}.test" for name in ("a", "b", "c", "a")]


def test_a_bug_in_the_fetch_is_not_remembered_as_an_answer():
    def broken(_):
        raise ZeroDivisionError

    cache = OriginCache(broken)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.of(SITE)
