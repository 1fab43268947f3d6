"""How long a number of pairs takes, what it leaves and costs: a row's costs times the rows.

Every stage is taken to see every pair, since what a recipe or the web drops is not known before a
run: hours and bytes are upper bounds. Waiting for hosts is not in them (`walls.py`).
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.scale.engines import GB, Engine
from orchestration.scale.prices import Prices
from pipelines.stage import Cost

# Of images in a shard. Source: Hugging Face datasets, `config.py: MAX_SHARD_SIZE`, for files on the
# Hub. Where images come with their source, `crawl` needs 1.6 GB for it (infra/SCALE.md).
SHARD_BYTES = 500e6
MAX_SHARD_ROWS = 65_536  # chosen: a shard of tokens alone is then some 12 MB


@dataclass(frozen=True)
class StageEstimate:
    """What all pairs cost one stage.

    Args:
        stage: its name.
        core_hours: of work.
        stored_bytes: in the run directory.
        shuffled_bytes: between workers.
        received_bytes: from the web.
        assumes: which choice the hours are of, where another one takes many times as long.
    """

    stage: str
    core_hours: float
    stored_bytes: float
    shuffled_bytes: float
    received_bytes: float
    assumes: str = ""


@dataclass(frozen=True)
class Totals:
    """What a run needs.

    Args:
        stages: in the order of the run; those whose cost is known.
        workers: of one core each.
        hours: of the whole run, where all workers are always busy.
        num_shards: that hold 500 MB of images each, and 65,536 rows at most.
    """

    stages: tuple[StageEstimate, ...]
    workers: int
    hours: float
    num_shards: int

    @property
    def core_hours(self) -> float:
        """Of all stages."""
        return sum(stage.core_hours for stage in self.stages)

    @property
    def stored_bytes(self) -> float:
        """Of all stages."""
        return sum(stage.stored_bytes for stage in self.stages)

    @property
    def shuffled_bytes(self) -> float:
        """Of all stages."""
        return sum(stage.shuffled_bytes for stage in self.stages)

    @property
    def received_bytes(self) -> float:
        """Of all stages."""
        return sum(stage.received_bytes for stage in self.stages)


def totals(pairs: float, costs: Mapping[str, Cost], engine: Engine, hours: float) -> Totals:
    """What a number of pairs needs.

    Args:
        pairs: image-caption pairs that are crawled.
        costs: of a row, by stage, in the order of the run.
        engine: where it runs.
        hours: in which it should be done; the engine may have too few workers for that.
    """
    stages = tuple(
        StageEstimate(
            name,
            pairs * cost.cpu_s / 3600,
            pairs * cost.stored_bytes,
            pairs * _shuffled(cost, engine),
            pairs * cost.received_bytes,
            cost.assumes,
        )
        for name, cost in costs.items()
    )
    work = sum(stage.core_hours for stage in stages)
    workers = min(engine.max_workers, max(1, math.ceil(work / hours)))
    return Totals(stages, workers, work / workers, num_shards(pairs, costs.values()))


def _shuffled(cost: Cost, engine: Engine) -> float:
    elsewhere = 0.0 if engine.is_one_machine else cost.shuffled_elsewhere_bytes
    return elsewhere or cost.shuffled_bytes


def num_shards(pairs: float, costs: Iterable[Cost]) -> int:
    """Shards that are few, and little to make again."""
    return max(1, math.ceil(pairs / rows_per_shard(costs)))


def rows_per_shard(costs: Iterable[Cost]) -> float:
    """Rows of which the images fill a shard."""
    image = max((cost.image_bytes for cost in costs), default=0)
    return min(MAX_SHARD_ROWS, SHARD_BYTES / image) if image else MAX_SHARD_ROWS


def dollars(found: Totals, prices: Prices, months: float) -> dict[str, float]:
    """What it costs, by the name of the price.

    Args:
        found: what a run needs.
        prices: of each unit.
        months: for which the run directory is kept.
    """
    units = {
        "core_hour": found.core_hours,
        "stored_gb_month": found.stored_bytes / GB * months,
        "shuffled_gb": found.shuffled_bytes / GB,
        "received_gb": found.received_bytes / GB,
    }
    return {name: number * getattr(prices, name).usd for name, number in units.items()}
