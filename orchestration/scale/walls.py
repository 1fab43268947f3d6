"""What gives way as a run grows: at how many pairs, and what to do about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestration.scale.engines import GB, Engine
from orchestration.scale.estimate import rows_per_shard
from pipelines.stage import Cost

# The local runner decodes what it groups while it still has it encoded. Measured: groups of 1 GB in
# payloads of 1 KiB took 3.5 GB, of which 0.2 were there before (infra/SCALE.md).
RAM_PER_SHUFFLED_BYTE = 3.3
BUSIEST_SHARE = 0.01  # of all images on one host; chosen: a large photo site in a web crawl
DELAY_S = 1.0  # between two requests to a host; chosen: what sites ask of crawlers most often


@dataclass(frozen=True)
class Wall:
    """Something that gives way.

    Args:
        pairs: at which it does.
        what: gives way.
        remedy: what is done about it.
    """

    pairs: float
    what: str
    remedy: str


def walls(costs: Mapping[str, Cost], engine: Engine, hours: float, max_shards: int) -> list[Wall]:
    """All that give way sooner or later, the first one first.

    Args:
        costs: of a row, by stage.
        engine: where it runs.
        hours: in which it should be done.
        max_shards: that a config may have.
    """
    found = [*_memory(costs, engine), *_work(costs, engine, hours), *_shards(costs, max_shards)]
    return sorted([*found, *_hosts(costs, hours)], key=lambda wall: wall.pairs)


def _memory(costs: Mapping[str, Cost], engine: Engine) -> Iterator[Wall]:
    for name, cost in costs.items():
        held = cost.held_bytes
        if engine.is_one_machine:
            held = max(held, RAM_PER_SHUFFLED_BYTE * cost.shuffled_bytes)
        if held:
            yield Wall(
                engine.worker_ram_bytes / held,
                f"{name} holds up to {held:,.0f} bytes of every row in one "
                f"{'machine' if engine.is_one_machine else 'worker'}, which has "
                f"{engine.worker_ram_bytes / GB:,.0f} GB",
                "give that stage machines with more memory, or make several runs, each of some of "
                "the sources",
            )


def _work(costs: Mapping[str, Cost], engine: Engine, hours: float) -> Iterator[Wall]:
    cpu_s = sum(cost.cpu_s for cost in costs.values())
    if cpu_s:
        yield Wall(
            engine.max_workers * hours * 3600 / cpu_s,
            f"{engine.max_workers:,} workers are not done in {hours:,.0f} hours",
            "give it more hours, or a profile with more workers",
        )


def _shards(costs: Mapping[str, Cost], max_shards: int) -> Iterator[Wall]:
    rows = rows_per_shard(costs.values())
    yield Wall(
        max_shards * rows,
        f"a config has at most {max_shards:,} shards, of {rows:,.0f} rows each",
        "store JPEGs, or squares of the codec's size, so that a shard holds more rows; or make "
        "several runs",
    )


def _hosts(costs: Mapping[str, Cost], hours: float) -> Iterator[Wall]:
    images = hours * 3600 / DELAY_S
    if any(cost.received_bytes for cost in costs.values()):
        yield Wall(
            images / BUSIEST_SHARE,
            f"a host with {BUSIEST_SHARE:.0%} of all images gives {images:,.0f} of them in "
            f"{hours:,.0f} hours, one in {DELAY_S:.0f} s",
            "more workers do not help: give it more hours, or leave out what a host has too much "
            "of",
        )
