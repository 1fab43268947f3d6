"""The one worker that asks the hosts of some buckets: all of them at once, each at its own rate."""

import asyncio
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from typing import Protocol

from pipelines.fetch.backends.chosen import gives_up_hosts, image_fetcher
from pipelines.fetch.backends.native import given_up
from pipelines.fetch.blocklists import blocked_of
from pipelines.fetch.buckets import Image, Outcome, host_of, images_of
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.journal import NOTED, Fetched, Journal
from pipelines.fetch.schedule import Outages, run_by_host
from pipelines.io.task import StageTask
from pipelines.io.wanted import while_wanted
from pipelines.stage import Runtime
from pipelines.web.failures import UNREACHABLE, FetchFailure, Reason
from pipelines.web.loop import run

_TURNS = 3  # of the loop, in which a bucket starts its first images, or its next ones

Bucket = tuple[int, Iterable[tuple[int, bytes]]]  # its number; shards and what each wants of it
Fetch = Callable[[str], Awaitable[bytes | FetchFailure]]


def fetch_buckets(
    buckets: Sequence[Bucket], task: StageTask, config: FetchConfig, runtime: Runtime
) -> Iterator[tuple[int, bytes]]:
    """Fetch the images of some buckets, each image once, and put their bytes aside.

    No other worker asks the hosts of these buckets meanwhile, but where a redirect leads there.

    Args:
        buckets: each once.
        task: the stage's work; what it has noted of these buckets before is not fetched again.
        config: limits and policy.
        runtime: where it runs.

    Yields:
        Shards with outcomes, as `pack_outcomes` packs them.

    Raises:
        BlocklistError: a list cannot be read, or a line of it is no entry.
        NotWantedError: the job that does this was ended.
    """
    blocked = blocked_of(task, config.blocklists)
    journal = Journal(task.notes(NOTED), blocked)
    fetch = image_fetcher(config, runtime, blocked.refuses)
    known = {number: journal.read(number) for number, _ in buckets}
    run(while_wanted(fetch_all(buckets, known, fetch, config, journal), task))
    journal.close()
    yield from journal.by_shard()


class Record(Protocol):
    """What `fetch_all` needs of a journal."""

    def add(self, bucket: int, image: Image, found: bytes | FetchFailure) -> None: ...
    def end(self, bucket: int) -> None: ...
    @property
    def is_full(self) -> bool: ...
    def take(self) -> list[Fetched]: ...
    def write(self, taken: list[Fetched]) -> None: ...


async def fetch_all(
    buckets: Iterable[Bucket],
    known: Mapping[int, Mapping[str, Outcome]],
    fetch: Fetch,
    config: FetchConfig,
    journal: Record,
) -> None:
    """Fetch buckets in their order, opening the next as soon as a connection would be idle.

    Args:
        buckets: each once.
        known: outcomes of images that are not fetched again, by bucket and by the image's part of
            the key.
        fetch: fetches a URL.
        config: limits and policy.
        journal: takes each outcome.

    Raises:
        Exception: the first that a fetch or the journal raises; all others are cancelled.
    """
    owner = _Owner(fetch, config, journal)
    try:
        async with asyncio.TaskGroup() as opened:
            for number, parts in buckets:
                images = images_of(parts)
                already = dict(known.get(number, {}))
                opened.create_task(owner.fetch_bucket(number, images, already))
                await owner.has_room()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class _Owner:
    def __init__(self, fetch: Fetch, config: FetchConfig, journal: Record) -> None:
        self._fetch, self._config, self._journal = fetch, config, journal
        self._slots = asyncio.Semaphore(config.concurrency)
        self._num_ready = 0  # images that have a slot, or only lack one
        self._room = asyncio.Event()
        self._writing = asyncio.Lock()
        self._began: dict[str, float] = {}
        most = config.max_host_failures if gives_up_hosts(config) else 0
        self._outages = Outages[Image, str](_is_outage, most, _shard)

    async def has_room(self) -> None:
        """Wait until a slot stays idle."""
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if self._num_ready < self._config.concurrency:
                return
            self._room.clear()
            await self._room.wait()

    async def fetch_bucket(
        self, number: int, images: list[Image], known: dict[str, Outcome]
    ) -> None:
        journal, config = self._journal, self._config
        for image, failure in over_budget(images, config.max_images_per_host):
            if image.key not in known:
                journal.add(number, image, failure)
                known[image.key] = Outcome(*image[:2], failure.reason.value)

        async def work(image: Image) -> str:
            async with self._slot():
                found = await self._found(image)
                journal.add(number, image, found)
                await self._write()
            return found.reason.value if isinstance(found, FetchFailure) else ""

        reasons = await run_by_host(
            ((host_of(image.url), image) for image in images),
            work,
            config.concurrency,
            config.per_host_concurrency,
            self._outages,
            {image: known[image.key].reason for image in images if image.key in known},
        )
        for image in images:
            if image not in reasons and not _was_given_up(known.get(image.key)):
                journal.add(number, image, given_up(image.url, config))
        journal.end(number)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        self._num_ready += 1
        try:
            async with self._slots:
                yield
        finally:
            self._num_ready -= 1
            self._room.set()

    async def _found(self, image: Image) -> bytes | FetchFailure:
        host, now = host_of(image.url), asyncio.get_running_loop().time()
        deadline_s = self._config.deadline_s
        if deadline_s is not None and now - self._began.setdefault(host, now) > deadline_s:
            return FetchFailure(Reason.DEADLINE, f"of {host}", threshold=deadline_s)
        return await self._fetch(image.url)

    async def _write(self) -> None:
        """Write what is aside where it has become much; meanwhile others go on."""
        if self._journal.is_full:
            async with self._writing:
                if self._journal.is_full:
                    await asyncio.to_thread(self._journal.write, self._journal.take())


def over_budget(images: list[Image], most: int | None) -> Iterator[tuple[Image, FetchFailure]]:
    """The images of each host beyond the first ones, and their failure.

    Args:
        images: of a bucket, in the order of their keys.
        most: images of one host; None for no limit.
    """
    if most is None:
        return
    wanted = Counter(host_of(image.url) for image in images)
    seen: Counter[str] = Counter()
    for image in images:
        host = host_of(image.url)
        seen[host] += 1
        if seen[host] > most:
            yield image, FetchFailure(Reason.HOST_BUDGET, f"of {host}", wanted[host], most)


def _was_given_up(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.reason == Reason.HOST_GIVEN_UP


def _is_outage(reason: str) -> bool:
    return reason in UNREACHABLE


def _shard(image: Image) -> int:
    return image.shard
