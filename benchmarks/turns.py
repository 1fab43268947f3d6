"""One turn of a contestant of `real_size`, in a process of its own: `python -m benchmarks.turns`.

So each turn starts cold, as a command does, and the CPU time of whatever it starts is counted. What
it is to do comes as JSON on standard input.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.processes import adopt_orphans, cpu_seconds, descendants, end_orphans

SUFFIX = ".bench.test"
NUM_HOSTS = 64  # chosen: more than any contestant has connections to one of them
NUM_SHARDS = 4
THREADS = 64
SIDE = 256
DONE = "rows done "


@dataclass(frozen=True)
class Turn:
    """What one contestant does once.

    Args:
        contestant: a function of this module.
        port: of the server on loopback.
        names: of the images there.
        folder: for what it writes; emptied before.
        workers: processes.
        images: its settings of the stage `images`, where it has them.
    """

    contestant: str
    port: int
    names: list[str]
    folder: str
    workers: int = 1
    images: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Cost:
    """Seconds of a turn, from the start of its process to its end, with all its children."""

    cpu: float
    wall: float
    done: int


def run(turn: Turn) -> Cost:
    """Run a turn.

    Raises:
        RuntimeError: it failed; with what it printed.
    """
    shutil.rmtree(turn.folder, ignore_errors=True)
    Path(turn.folder).mkdir(parents=True)
    adopt_orphans()
    known = set(descendants("self"))  # such as the server
    cpu, start = cpu_seconds(known), time.perf_counter()
    with (Path(turn.folder) / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.turns"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"NO_ALBUMENTATIONS_UPDATE": "1"},
        )
        assert process.stdin is not None
        with process.stdin as pipe:
            pipe.write(json.dumps(asdict(turn)))
        process.wait()
        wall = time.perf_counter() - start
        end_orphans(known)
        log.seek(0)
        said = log.read()
    done = [line for line in said.splitlines() if line.startswith(DONE)]
    if process.returncode or not done:
        raise RuntimeError(f"{turn.contestant} ended with {process.returncode}:\n{said[-2000:]}")
    return Cost(cpu_seconds(known) - cpu, wall, int(done[-1].removeprefix(DONE)))


def ours(turn: Turn) -> int:
    """The stages `fetch` and `images`, from shards of captions to shards of stored images."""
    from pipelines.records import FETCHED

    write_captions(turn)
    run_stage(turn, "fetch", {"concurrency": THREADS})
    shutil.move(f"{turn.folder}/fetch", f"{turn.folder}/inputs/{FETCHED}")
    return run_stage(turn, "images", {"side": SIDE} | turn.images)


def ours_fetch(turn: Turn) -> int:
    """The stage `fetch` alone."""
    write_captions(turn)
    return run_stage(turn, "fetch", {"concurrency": THREADS})


def bare_fetch(turn: Turn) -> int:
    """None of our promises: no caps, no robots.txt, no total deadline, no retries."""
    import asyncio

    import aiohttp

    async def fetch(session: aiohttp.ClientSession, name: str) -> int:
        async with session.get(f"http://127.0.0.1:{turn.port}/{name}") as answer:
            return len(await answer.read())

    async def fetch_all() -> int:
        connector = aiohttp.TCPConnector(limit=THREADS)
        async with aiohttp.ClientSession(connector=connector) as session:
            sizes = await asyncio.gather(*(fetch(session, name) for name in turn.names))
        return sum(size > 0 for size in sizes)

    return asyncio.run(fetch_all())


def img2dataset(turn: Turn) -> int:
    """The peer, with the options that its users begin with."""
    download = import_module("img2dataset").download
    urls = Path(turn.folder) / "urls.txt"
    urls.write_text("".join(f"http://127.0.0.1:{turn.port}/{name}\n" for name in turn.names))
    download(
        url_list=str(urls),
        output_folder=f"{turn.folder}/out",
        image_size=SIDE,
        resize_mode="center_crop",
        output_format="webdataset",
        processes_count=turn.workers,
        thread_count=THREADS,
        number_sample_per_shard=max(1, len(turn.names) // NUM_SHARDS),
        enable_wandb=False,
    )
    stats = Path(turn.folder).glob("out/*_stats.json")
    return sum(json.loads(path.read_text())["successes"] for path in stats)


def write_captions(turn: Turn) -> None:
    """Shards of captions whose images the server has, one caption an image."""
    import pyarrow as pa

    from dalle_model import files
    from pipelines.io.keys import pair_key, shard_of
    from pipelines.io.parquet import to_bytes
    from pipelines.records import CAPTION_SCHEMA, CAPTIONS

    shards: list[list[dict[str, Any]]] = [[] for _ in range(NUM_SHARDS)]
    for number, name in enumerate(turn.names):
        url, caption = f"http://h{number % NUM_HOSTS}{SUFFIX}/{name}", f"a boat, number {number}"
        key = pair_key(url, caption)
        row = dict.fromkeys(CAPTION_SCHEMA.names, "") | {"sha256": None}
        row |= {"key": key, "url": url, "caption": caption}
        shards[shard_of(key, NUM_SHARDS)].append(row)
    folder = _task(turn, "fetch").input(CAPTIONS)
    for index, rows in enumerate(shards):
        rows.sort(key=lambda row: row["key"])
        table = pa.Table.from_pylist(rows, schema=CAPTION_SCHEMA)
        files.write_bytes(folder.part(index), to_bytes(table))


def run_stage(turn: Turn, name: str, settings: Mapping[str, Any]) -> int:
    """Run a stage as the engine does, in this process or with worker processes; the rows kept."""
    from orchestration.beam.execute import execute
    from orchestration.engine.registry import registry
    from pipelines.io.finish import finish_shard
    from pipelines.io.task import Stopwatch, finished_shards
    from pipelines.stage import Job, Runtime, ShardWork
    from pipelines.web.addresses import LoopbackAllowance

    stage = registry()[name]
    loopback = LoopbackAllowance(turn.port, SUFFIX)
    runtime = Runtime(turn.workers, loopback)
    job = Job(_task(turn, name), stage.config.model_validate(settings), runtime)
    if turn.workers > 1 or not isinstance(stage.work, ShardWork):
        execute(stage, job, [])
    else:
        for index in range(NUM_SHARDS):
            finish_shard(job.task, index, stage.work.process(job, index), Stopwatch())
    return sum(report.rows_out for report in finished_shards(job.task).values())


def _task(turn: Turn, stage: str) -> Any:
    from pipelines.io.task import StageTask
    from pipelines.records import CANDIDATES, CAPTIONS, FETCHED

    return StageTask(
        root=turn.folder,
        stage=stage,
        num_shards=NUM_SHARDS,
        attempt="benchmark",
        fingerprint="benchmark",
        pending=tuple(range(NUM_SHARDS)),
        inputs={
            role: (f"{turn.folder}/inputs/{role}",) for role in (CANDIDATES, CAPTIONS, FETCHED)
        },
    )


CONTESTANTS: dict[str, Callable[[Turn], int]] = {
    contestant.__name__: contestant for contestant in (ours, ours_fetch, bare_fetch, img2dataset)
}


def _main() -> None:
    turn = Turn(**json.load(sys.stdin))
    done = CONTESTANTS[turn.contestant](turn)
    sys.stdout.write(f"\n{DONE}{done}\n")


if __name__ == "__main__":
    _main()
