"""Where a run can work, as far as a plan of its size counts it."""

from collections.abc import Mapping
from dataclasses import dataclass

GB = 1e9


@dataclass(frozen=True)
class Engine:
    """The workers of a profile, each on one core.

    Args:
        max_workers: that it may have.
        worker_ram_bytes: of one worker, or of the whole machine where there is one.
        is_one_machine: whether all workers are on one, which then holds every shuffle.
    """

    max_workers: int
    worker_ram_bytes: float
    is_one_machine: bool = False


# By profile. Chosen: a large machine of one's own; task managers of the size at which 100,000 rows
# went through every stage on Flink (infra/SCALE.md); on Dataflow what `crawl` asks for, and as many
# workers as can still be watched one by one.
ENGINES: Mapping[str, Engine] = {
    "local": Engine(max_workers=32, worker_ram_bytes=128 * GB, is_one_machine=True),
    "flink": Engine(max_workers=256, worker_ram_bytes=3 * GB),
    "dataflow": Engine(max_workers=1000, worker_ram_bytes=4 * GB),
}
