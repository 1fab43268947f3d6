"""The work of one owner on buckets, without a web: what is asked, when, and what is told of it."""

import asyncio
from collections import Counter

import pytest

from pipelines.fetch.blocklists import Blocked
from pipelines.fetch.buckets import Image, in_buckets, unpack_outcomes
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.journal import Journal
from pipelines.fetch.owner import fetch_all, over_budget
from pipelines.web.failures import FetchFailure, Reason

CONFIG = FetchConfig(concurrency=4, max_host_failures=3)
DOWN = FetchFailure(Reason.TIMED_OUT, "no answer")


def bucket(number, hosts, num_images, num_shards=2):
    """A bucket in which each shard wants its share of the images of some hosts."""
    parts = []
    for shard in range(num_shards):
        urls = {
            f"{i:020x}{host:0>4}": f"http://{host}/{i}"
            for host in hosts
            for i in range(shard, num_images, num_shards)
        }
        parts.append((shard, in_buckets(urls, 1)[0]))
    return number, parts


def fetched(buckets, folder, fetch, config=CONFIG, limit=8):
    """The outcomes of all images by URL's key, after a journal of its own."""
    journal = Journal(str(folder), Blocked(), limit)
    known = {number: journal.read(number) for number, _ in buckets}
    asyncio.run(fetch_all(buckets, known, fetch, config, journal))
    journal.close()
    return {o.key: o for _, packed in journal.by_shard() for o in unpack_outcomes(packed)}


async def picture(url):
    await asyncio.sleep(0)
    return url.encode()


def test_every_image_is_fetched_once(tmp_path):
    asked: Counter[str] = Counter()

    async def fetch(url):
        asked[url] += 1
        return await picture(url)

    found = fetched([bucket(0, "ab", 10), bucket(1, "cd", 7)], tmp_path, fetch)
    assert len(found) == 34
    assert set(asked.values()) == {1}
    assert {o.reason for o in found.values()} == {""}


def test_hosts_of_all_open_buckets_share_the_connections_and_keep_their_own_limits(tmp_path):
    active: Counter[str] = Counter()
    most: Counter[str] = Counter()

    async def fetch(url):
        names = (url.split("/")[2], "all")
        for name in names:
            active[name] += 1
            most[name] = max(most[name], active[name])
        await asyncio.sleep(0.001)
        for name in names:
            active[name] -= 1
        return b"x"

    fetched([bucket(i, chr(97 + i), 12) for i in range(6)], tmp_path, fetch)
    assert most.pop("all") == CONFIG.concurrency
    assert set(most.values()) <= {1, 2}  # `per_host_concurrency`


def test_a_bucket_is_opened_only_when_the_ones_before_leave_room(tmp_path):
    opened = []

    def lazily():
        for number in range(20):
            opened.append(number)
            yield bucket(number, "abcdef", 8)

    async def fetch(url):
        asked.append(url)
        begun = (len(asked) + CONFIG.concurrency) // 48  # buckets, of 48 images each
        assert len(opened) <= begun + 2
        await asyncio.sleep(0.001)
        return b"x"

    asked: list[str] = []
    asyncio.run(fetch_all(lazily(), {}, fetch, CONFIG, Journal(str(tmp_path), Blocked())))
    assert opened == list(range(20))


def test_what_was_noted_before_is_not_asked_for_again_and_told_all_the_same(tmp_path):
    buckets = [bucket(number, host, 6) for number, host in enumerate("abc")]
    whole = fetched(buckets, tmp_path / "whole", picture)

    async def dies(url):
        if url == "http://c/3":
            raise ZeroDivisionError
        return await picture(url)

    one_by_one = CONFIG.model_copy(update={"concurrency": 1})
    with pytest.raises(ZeroDivisionError):
        fetched(buckets, tmp_path / "killed", dies, one_by_one, limit=1)
    asked = []

    async def fetch(url):
        asked.append(url)
        return await picture(url)

    again = fetched(buckets, tmp_path / "killed", fetch)
    assert again.keys() == whole.keys()
    assert sorted(asked) == [f"http://c/{i}" for i in range(6)]


@pytest.mark.parametrize("concurrency", [1, 3, 50])
def test_a_host_is_given_up_in_each_shard_for_itself(tmp_path, concurrency):
    """So a shard has the same rows whoever fetches it, and together with which others."""

    async def fetch(url):
        await asyncio.sleep(0)
        return DOWN if url.startswith("http://dead") else b"x"

    config = CONFIG.model_copy(update={"concurrency": concurrency, "per_host_concurrency": 8})
    found = fetched([bucket(0, ["dead", "good"], 20)], tmp_path, fetch, config)
    reasons = {key: o.reason for key, o in found.items() if key.endswith("dead")}
    for shard in (0, 1):
        of_shard = [reasons[key] for key in sorted(reasons) if found[key].shard == shard]
        assert of_shard == ["timed_out"] * 3 + ["host_given_up"] * 7
    given_up = next(o for o in found.values() if o.reason == "host_given_up")
    assert given_up.detail == "3 failures in a row at dead"


def test_a_bucket_of_which_all_is_known_stays_as_it_is(tmp_path):
    async def down(url):
        return DOWN

    first = fetched([bucket(0, "a", 20)], tmp_path, down)
    notes = sorted(path.name for path in tmp_path.rglob("*.notes"))

    async def never(url):
        raise AssertionError(url)

    assert fetched([bucket(0, "a", 20)], tmp_path, never) == first
    assert sorted(path.name for path in tmp_path.rglob("*.notes")) == notes


def test_the_least_keys_of_a_host_are_within_its_budget_in_whatever_shard():
    images = [Image(f"{i:02}", i % 3, f"http://{'ab'[i % 2]}.test/{i}") for i in range(12)]
    over = dict(over_budget(images, 4))
    assert [image.key for image in over] == ["08", "09", "10", "11"]
    assert over[images[8]] == FetchFailure(Reason.HOST_BUDGET, "of a.test", 6, 4)
    assert list(over_budget(images, None)) == []


def test_images_over_the_budget_are_not_asked_for(tmp_path):
    asked = []

    async def fetch(url):
        asked.append(url)
        return b"x"

    config = CONFIG.model_copy(update={"max_images_per_host": 3})
    found = fetched([bucket(0, "ab", 10)], tmp_path, fetch, config)
    assert sorted(asked) == [f"http://{host}/{i}" for host in "ab" for i in range(3)]
    assert Counter(o.reason for o in found.values()) == {"": 6, "host_budget": 14}


def test_after_its_deadline_no_image_of_a_host_is_asked_for(tmp_path):
    asked: Counter[str] = Counter()

    async def fetch(url):
        host = url.split("/")[2]
        asked[host] += 1
        await asyncio.sleep(0.05 if host == "slow" else 0)
        return b"x"

    config = CONFIG.model_copy(update={"deadline_s": 0.01, "per_host_concurrency": 1})
    found = fetched(
        [bucket(0, ["slow"], 9), bucket(1, ["quick"], 1, num_shards=1)], tmp_path, fetch, config
    )
    assert asked == {"slow": 1, "quick": 1}
    late = [o for o in found.values() if o.reason == "deadline"]
    assert len(late) == 8
    assert {(o.detail, o.threshold) for o in late} == {("of slow", 0.01)}
