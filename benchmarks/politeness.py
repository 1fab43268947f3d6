"""Many processes at one server that counts: `python -m benchmarks.politeness [PROCESSES [BEAM …]]`.

What each host is asked while the stage `fetch` runs as on many workers, in a table. It is no
race, so it is none of `python -m benchmarks`. With options of Beam the processes are those of
another runner, as of the local Flink cluster: `python -m tools.flink run python -m benchmarks…`.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from orchestration.beam.execute import execute
from pipelines.fetch.config import FetchConfig
from pipelines.fetch.stage import STAGE
from pipelines.io.task import StageTask, finished_shards
from pipelines.records import CANDIDATES, CAPTIONS
from pipelines.stage import Job, Runtime
from pipelines.web.addresses import LoopbackAllowance
from tests.support.counting_server import Seen, seen_by
from tests.support.raw_server import running
from tests.support.wanted_images import write_wanted

NUM_PROCESSES = 8
NUM_SHARDS = 8
NUM_HOSTS = 16  # chosen: what they allow together is within what two busy cores can do
LATENCY_S = 0.5
NUM_BYTES = 20_000
SUFFIX = ".bench.test"
CASES: dict[
    str, tuple[int, dict[str, float], float]
] = {  # images of a host, settings, requests a second that a host allows
    "2 at once": (40, {"per_host_concurrency": 2}, 2 / LATENCY_S),
    "1 at once, 0.5 s apart": (
        20,
        {"per_host_concurrency": 1, "per_host_delay_s": 0.5},
        1 / (LATENCY_S + 0.5),
    ),
}


def main(num_processes: int, beam_options: Sequence[str]) -> None:
    """Print a table."""
    print(
        f"| {num_processes} processes, {NUM_HOSTS} hosts | images | most at once | least gap, s "
        "| robots.txt a host | busiest host, images/s | it allows | all, images/s | they allow |"
    )
    print("|---|" + "---:|" * 8)
    for name, (num_images, settings, allowed) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            seen = _seen(folder, num_processes, num_images, settings, beam_options)
        print(_line(name, list(seen.values()), allowed), flush=True)


def _seen(
    folder: str,
    num_processes: int,
    num_images: int,
    settings: dict[str, float],
    beam_options: Sequence[str],
) -> dict[str, Seen]:
    task = StageTask(
        root=folder,
        stage=STAGE.name,
        num_shards=NUM_SHARDS,
        attempt="benchmark",
        fingerprint="benchmark",
        pending=tuple(range(NUM_SHARDS)),
        inputs={role: (str(Path(folder) / "inputs" / role),) for role in (CANDIDATES, CAPTIONS)},
    )
    urls = [f"http://h{h}{SUFFIX}/{i}" for h in range(NUM_HOSTS) for i in range(num_images)]
    write_wanted(task, urls)
    with running("tests.support.counting_server", LATENCY_S, NUM_BYTES) as port:
        loopback = LoopbackAllowance(port, SUFFIX)
        runtime = Runtime(num_processes, loopback, is_remote=bool(beam_options))
        execute(STAGE, Job(task, FetchConfig.model_validate(settings), runtime), beam_options)
        seen = seen_by(port)
    kept = sum(report.rows_out for report in finished_shards(task).values())
    if kept != len(urls):
        raise RuntimeError(f"{kept} of {len(urls)} images were fetched")
    return seen


def _line(name: str, seen: list[Seen], allowed: float) -> str:
    images = sum(each.images for each in seen)
    spans = [each.last - each.first for each in seen]
    busiest = max((each.images - 1) / span for each, span in zip(seen, spans, strict=True))
    whole_s = max(each.last for each in seen) - min(each.first for each in seen)
    return (
        f"| {name} | {images:,} | {max(each.most_active for each in seen)} "
        f"| {min(each.least_gap_s for each in seen):.2f} | {max(each.robots for each in seen)} "
        f"| {busiest:.1f} | {allowed:.1f} | {images / whole_s:,.0f} | {allowed * len(seen):,.0f} |"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else NUM_PROCESSES, sys.argv[2:])
