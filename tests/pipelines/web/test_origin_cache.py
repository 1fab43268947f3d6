import asyncio
from types import SimpleNamespace

import pytest

from pipelines.web import origin_cache
from pipelines.web.origin_cache import OriginCache

SITE = "http://example.com"


def test_each_origin_is_asked_once_however_many_wait():
    asked = []

    async def fetch(site):
        asked.append(site)
        await asyncio.sleep(0.02)
        return "rules"

    async def ask(paths):
        cache = OriginCache(fetch)
        return await asyncio.gather(*map(cache.of, paths))

    paths = [f"http://example.com/{i}" for i in range(8)] + ["https://example.com/"]
    assert asyncio.run(ask(paths)) == ["rules"] * 9
    assert sorted(asked) == ["http://example.com", "https://example.com"]


def test_who_stops_waiting_leaves_the_answer_to_the_others():
    async def fetch(_):
        await asyncio.sleep(0.05)
        return "rules"

    async def ask():
        cache = OriginCache(fetch)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.001):
                await cache.of(SITE)
        return await cache.of(SITE)

    assert asyncio.run(ask()) == "rules"


def test_an_answer_is_forgotten_when_its_lifetime_ends(monkeypatch):
    answers, now = [10.0, 20.0, 30.0], [0.0]

    async def fetch(_):
        return answers.pop(0)

    async def ask():
        cache, found = OriginCache(fetch, lifetime_s=lambda answer: answer), []
        for now[0] in (0.0, 10.0, 10.1, 30.0):
            found.append(await cache.of(SITE))
        return found

    monkeypatch.setattr(origin_cache, "time", SimpleNamespace(monotonic=lambda: now[0]))
    assert asyncio.run(ask()) == [10.0, 10.0, 20.0, 20.0]


def test_the_oldest_of_too_many_origins_is_forgotten(monkeypatch):
    monkeypatch.setattr(origin_cache, "MAX_ORIGINS", 2)
    asked: list[str] = []

    async def fetch(site):
        asked.append(site)

    async def ask():
        cache = OriginCache(fetch)
        for name in ("a", "b", "a", "c", "b", "a"):
            await cache.of(f"http://{name}.test/")

    asyncio.run(ask())
    assert asked == [f"http://{name}.test" for name in ("a", "b", "c", "a")]


def test_a_bug_in_the_fetch_is_not_remembered_as_an_answer():
    asked = []

    async def broken(site):
        asked.append(site)
        raise ZeroDivisionError

    async def ask():
        cache = OriginCache(broken)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await cache.of(SITE)

    asyncio.run(ask())
    assert len(asked) == 2
