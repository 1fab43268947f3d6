"""A web of many hosts in virtual time: `python -m benchmarks.simulated_web [NUMBER OF A CASE ...]`.

The scheduling is the stage's own code (`pipelines.fetch.owner`, `pipelines.web.pace`); only the
requests are made up, and the clock runs while all wait. So an hour of 1,000 workers takes minutes.
Workers share nothing, and are simulated one after the other.
"""

import asyncio
import heapq
import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from pipelines.fetch.buckets import Image, Outcome, bucket_of, host_of, in_buckets
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.journal import Fetched
from pipelines.fetch.owner import fetch_all
from pipelines.io.keys import image_part
from pipelines.web import pace as pace_module
from pipelines.web.failures import FetchFailure, Reason
from pipelines.web.pace import Pace, PaceSettings
from tests.support.virtual_time import run_in_virtual_time

NUM_WORKERS = 1000
NUM_SHARDS = 64
NUM_HOSTS = 10_000
NUM_IMAGES = 100_000
SKEW = 1.0  # of Zipf's law, by which few hosts have most images
# Source: docs/fetching.md: of the links of LAION-400M 56 % could be fetched without a retry. Two
# thirds of the others are taken for images that are gone, and one third for hosts that are.
GONE, DEAD = 0.30, 0.14
TARPITS = 0.01  # of hosts that answer robots.txt and let images time out; chosen
LATENCY_S = 0.25  # median of an answer; chosen: DNS, TLS and the way there and back
CPU_S = 1 / 300  # of an image. Source: docs/benchmarks.md, `fetch` alone, in a whole process


@dataclass(frozen=True)
class Host:
    """How a simulated host answers."""

    is_dead: bool
    is_tarpit: bool
    latency_s: float


@dataclass
class Seen:
    """What the web saw, and what came of it.

    Args:
        begins: of requests for images, in seconds of virtual time, by host.
        ends: of the last request of each worker.
        reasons: of all images.
    """

    begins: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    ends: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    images_at: Counter[int] = field(default_factory=Counter)  # by second


class _Books:
    """Stands for the journal: counts outcomes and writes nothing."""

    is_full = False

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._reasons: dict[str, str] = {}

    def add(self, bucket: int, image: Image, found: bytes | FetchFailure) -> None:
        del bucket
        self._reasons[image.key] = found.reason if isinstance(found, FetchFailure) else "fetched"

    def end(self, bucket: int) -> None:
        del bucket

    def take(self) -> list[Fetched]:
        return []

    def write(self, taken: list[Fetched]) -> None:
        del taken

    def close(self) -> None:
        self._seen.reasons.update(self._reasons.values())


class Web:
    """Hosts by name, and images by host, from one seed."""

    def __init__(self, num_hosts: int, num_images: int, seed: int = 0) -> None:
        chance = random.Random(seed)
        self.hosts = {f"h{i}.test": self._host(chance, i) for i in range(num_hosts)}
        weights = [1 / (rank + 1) ** SKEW for rank in range(num_hosts)]
        chosen = chance.choices(list(self.hosts), weights, k=num_images)
        urls = [f"http://{host}/{number}" for number, host in enumerate(chosen)]
        self.images = {image_part(url.encode()): url for url in urls}
        self.largest = Counter(chosen).most_common(1)[0][1]

    def _host(self, chance: random.Random, rank: int) -> Host:
        """The hosts with the most images are alive; what they would cost is the point."""
        fate = chance.random() if rank >= 100 else 1.0
        is_dead, is_tarpit = fate < DEAD, DEAD <= fate < DEAD + TARPITS
        return Host(is_dead, is_tarpit, chance.lognormvariate(0, 0.5) * LATENCY_S)


async def _work(
    web: Web, parts: Sequence[Any], config: FetchConfig, sharers: int, seen: Seen
) -> None:
    """One worker, from its first bucket to its last."""
    loop = asyncio.get_running_loop()
    pace = Pace(PaceSettings(config.per_host_concurrency, config.per_host_delay_s, sharers))
    robots: dict[str, asyncio.Task[bool]] = {}
    cpu_free = 0.0

    async def ask_robots(host: str) -> bool:
        """Whether the host answers; a dead one has its three attempts."""
        is_dead = web.hosts[host].is_dead
        await asyncio.sleep(3 * config.timeout_s + 3 if is_dead else web.hosts[host].latency_s)
        return not is_dead

    async def fetch(url: str) -> bytes | FetchFailure:
        nonlocal cpu_free
        host = host_of(url)
        if host not in robots:
            robots[host] = asyncio.create_task(ask_robots(host))
        if not await asyncio.shield(robots[host]):
            return FetchFailure(Reason.ROBOTS_UNREACHABLE, host)
        attempts = 3 if web.hosts[host].is_tarpit else 1
        for _ in range(attempts):
            async with pace.turn(host, is_guest=sharers > 1):
                begin = loop.time()
                took = config.timeout_s if attempts > 1 else web.hosts[host].latency_s
                await asyncio.sleep(took)
                seen.begins[host].append((begin, loop.time()))
                seen.images_at[int(begin)] += 1
        if attempts > 1:
            return FetchFailure(Reason.TIMED_OUT, host)
        cpu_free = max(cpu_free, loop.time()) + CPU_S
        await asyncio.sleep(cpu_free - loop.time())
        is_gone = int(image_part(url.encode())[-8:], 16) / 2**32 < GONE
        return FetchFailure(Reason.NOT_FOUND, url) if is_gone else b"picture"

    books = _Books(seen)
    known: dict[int, dict[str, Outcome]] = {}
    await fetch_all(parts, known, fetch, config, books)
    books.close()
    seen.ends.append(loop.time())


def by_host(web: Web, num_workers: int, config: FetchConfig) -> Iterator[list[Any]]:
    """The buckets of each worker, of which a host is in one."""
    buckets: dict[int, dict[int, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for key, url in web.images.items():
        shard = int(key[:16], 16) % NUM_SHARDS
        buckets[bucket_of(url, config.host_buckets)][shard][key] = url
    for worker in range(num_workers):
        yield [
            (number, _packed(shards)) for number, shards in buckets.items()
            if number % num_workers == worker
        ]  # fmt: skip


def by_shard(web: Web, num_workers: int, _: FetchConfig) -> Iterator[list[Any]]:
    """A shard for each worker, with some images of all hosts: what other ways of work do."""
    shards: dict[int, dict[str, str]] = defaultdict(dict)
    for key, url in web.images.items():
        shards[int(key[:16], 16) % num_workers][key] = url
    for worker in range(num_workers):
        yield [(worker, _packed({worker: shards[worker]}))]


def _packed(shards: dict[int, dict[str, str]]) -> list[tuple[int, bytes]]:
    return [(shard, in_buckets(urls, 1)[0]) for shard, urls in shards.items() if urls]


Way = Callable[[Web, int, FetchConfig], Iterator[list[Any]]]


def simulate(web: Web, way: Way, num_workers: int, config: FetchConfig, sharers: int = 1) -> Seen:
    """What the web saw of all workers."""
    seen = Seen()
    for parts in way(web, num_workers, config):
        run_in_virtual_time(_timed(web, parts, config, sharers, seen))
    return seen


async def _timed(web: Web, parts: Any, config: FetchConfig, sharers: int, seen: Seen) -> None:
    clock: Any = SimpleNamespace(monotonic=asyncio.get_running_loop().time)
    vars(pace_module)["time"] = clock
    try:
        await _work(web, parts, config, sharers, seen)
    finally:
        vars(pace_module)["time"] = time


def most_at_once(spans: list[tuple[float, float]]) -> int:
    """The most spans that overlap at any time."""
    ends: list[float] = []
    most = 0
    for begin, end in sorted(spans):
        while ends and ends[0] <= begin:
            heapq.heappop(ends)
        heapq.heappush(ends, end)
        most = max(most, len(ends))
    return most


def _line(name: str, web: Web, seen: Seen, limit: int) -> str:
    over = {host: n for host, s in seen.begins.items() if (n := most_at_once(s)) > limit}
    ends = sorted(seen.ends)
    half, nine = (ends[int(len(ends) * share)] for share in (0.5, 0.9))
    fetched = seen.reasons["fetched"]
    lost = seen.reasons["host_budget"] + seen.reasons["deadline"]
    most = max(most_at_once(spans) for spans in seen.begins.values())
    rate = sum(seen.images_at.values()) / max(ends)
    return (
        f"| {name} | {most} | {len(over):,} | {half:,.0f} | {nine:,.0f} | {max(ends):,.0f} "
        f"| {rate:,.0f} | {fetched:,} | {lost:,} |"
    )


HEAD = (
    "| 1,000 workers | most requests at one host, limit 2 | hosts above it | half of the workers"
    " done, s | 90 % | all | images/s | fetched | beyond a limit |\n|---|" + "---:|" * 8
)


def main(chosen: Sequence[str]) -> None:
    """Print a table of all cases, or of those chosen by number."""
    web = Web(NUM_HOSTS, NUM_IMAGES)
    plain = FetchConfig()
    cases: list[tuple[str, Way, FetchConfig, int]] = [
        ("by shard, each with the limits of all", by_shard, plain, 1),
        ("by shard, each with its share", by_shard, plain, NUM_WORKERS),
        ("by host", by_host, plain, 1),
        ("by host, `max_images_per_host: 1000`", by_host, _with(max_images_per_host=1000), 1),
        ("by host, `deadline_s: 120`", by_host, _with(deadline_s=120.0), 1),
    ]
    print(f"{NUM_IMAGES:,} images, {NUM_HOSTS:,} hosts, {web.largest:,} of the largest")
    print(HEAD)
    for name, way, config, sharers in [cases[int(n)] for n in chosen] or cases:
        start = time.perf_counter()
        seen = simulate(web, way, NUM_WORKERS, config, sharers)
        print(_line(name, web, seen, plain.per_host_concurrency), flush=True)
        print(f"{name}: {time.perf_counter() - start:.0f} s of this machine", file=sys.stderr)


def _with(**changes: Any) -> FetchConfig:
    return FetchConfig.model_validate(changes)


if __name__ == "__main__":
    main(sys.argv[1:])
