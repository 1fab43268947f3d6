"""`python -m tests.support.many_shards 5000 100000`: the driver's work on a stage of N tiny shards.

Prints milliseconds a shard of each thing that the driver does beside the runner, on a disk, and the
requests a shard on a store that counts them as S3 does (for at most 2,000 shards: it is slow).
"""

import gc
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dalle_model import files
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, missing_files, read_manifest, write_manifest
from pipelines.io.task import ShardReport, StageTask, finished_shards
from tests.support.counted_store import PROTOCOL, counted_store

STAGE = "captions"
CONTENT = b"a shard of few bytes"
MAX_COUNTED = 2_000
IDENTITY: dict[str, Any] = {
    "stage": STAGE, "fingerprint": "f" * 64, "config": {}, "inputs": {}, "dependencies": {},
}  # fmt: skip


def make_shards(root: str, num_shards: int) -> StageTask:
    """Shards, rejections and markers as workers leave them; without a sync for each."""
    task = StageTask(root, STAGE, num_shards, "a" * 64, "f" * 64, tuple(range(num_shards)))
    entry = {"rows": 2, "bytes": len(CONTENT), "sha256": files.sha256(CONTENT)}
    for index in range(num_shards):
        report = ShardReport(
            *(index, task.attempt, 3, 2, {"too_short": 1}, entry, entry),
            timing={"wall_s": 0.5, "cpu_s": 0.4, "elsewhere_s": 0.0, "host": "worker"},
        )
        document = json.dumps(asdict(report), indent=2, sort_keys=True).encode()
        for url, content in (
            (task.part(index), CONTENT),
            (task.rejected(index), CONTENT),
            (task.folder.marker(index), document),
        ):
            _write(url, content)
    return task


def _write(url: str, content: bytes) -> None:
    if not files.is_local(url):
        return files.write_bytes(url, content)
    path = Path(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return None


def steps(task: StageTask) -> dict[str, Callable[[], Any]]:
    """What the driver does for a stage, in this order, after its shards are written."""
    folder: StageFolder = RunFolder(task.root, task.num_shards).stage(task.stage)

    def finish() -> None:
        reports = finished_shards(task).values()
        write_manifest(folder, Manifest.of_shards(reports, task.num_shards, **IDENTITY))

    def up_to_date() -> None:
        manifest = read_manifest(folder)
        assert manifest is not None
        assert manifest.digest
        assert not missing_files(folder, manifest)

    return {
        "one poll of the bar": lambda: len(folder.markers()),
        "markers to manifest": finish,
        "tidying": folder.tidy,
        "markers removed": lambda: files.remove(folder.progress),
        "nothing to do": up_to_date,
    }


def measure(num_shards: int) -> None:
    """Print milliseconds a shard on this disk."""
    with tempfile.TemporaryDirectory() as root:
        task = make_shards(root, num_shards)
        total = 0.0
        for name, step in steps(task).items():
            gc.collect()
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            total += wall
            sys.stdout.write(
                f"{num_shards:>7,} shards: {name:<20} {wall / num_shards * 1e3:8.4f} ms a shard, "
                f"{wall:7.2f} s, {cpu:7.2f} CPU s\n"
            )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        size = Path(RunFolder(root).stage(STAGE).manifest).stat().st_size / 1e6
        sys.stdout.write(
            f"{num_shards:>7,} shards: {'all':<20} {total / num_shards * 1e3:8.4f} ms a shard, "
            f"manifest.json {size:.2f} MB, peak {peak:.0f} MB\n"
        )


def count(num_shards: int) -> None:
    """Print requests a shard on a store."""
    store = counted_store()
    task = make_shards(f"{PROTOCOL}://bucket/run", num_shards)
    for name, step in steps(task).items():
        store.requests.clear()
        step()
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(store.requests.items()))
        each = store.requests.total() / num_shards
        sys.stdout.write(f"{num_shards:>7,} shards: {name:<20} {each:8.4f} a shard ({kinds})\n")


if __name__ == "__main__":
    for argument in map(int, sys.argv[1:]):
        measure(argument)
        if argument <= MAX_COUNTED:
            count(argument)
