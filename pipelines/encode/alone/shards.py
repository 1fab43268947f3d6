"""The shards of an encoding: which are finished, how one is made, and when all are whole."""

from collections.abc import Iterable
from typing import Any

from dalle_model import files
from pipelines.encode.alone.work import OnRows, Work
from pipelines.io.finish import finish_shard
from pipelines.io.manifest import Manifest, read_manifest, write_manifest, write_timings
from pipelines.io.task import ShardReport, StageTask, Stopwatch, finished_shards


def unfinished(work: Work, share: Iterable[int]) -> list[int]:
    """Those of some shards that this very work has not finished, or whose files have changed.

    The checksums of all files are compared: what is skipped is proven.
    """
    reports = finished_shards(work.task)
    return [i for i in share if i not in reports or not _is_proven(work.task, reports[i])]


def encode_shard(work: Work, index: int, on_rows: OnRows) -> None:
    """Make a shard; each of its files is whole or absent, and its marker is the last.

    Args:
        work: the shard is of.
        index: of the shard.
        on_rows: told of rows as they are read.

    Raises:
        DalleError: the codec or the images cannot be used.
    """
    stopwatch = Stopwatch()
    finish_shard(work.task, index, work.process(work.job, index, on_rows), stopwatch)


def complete(work: Work) -> Manifest | None:
    """The manifest, written once all shards are there; None while some are not.

    Several processes may come to the end at once: each writes the same bytes.
    """
    reports = finished_shards(work.task)
    if len(reports) < work.task.num_shards:
        return None
    manifest = Manifest.of_shards(reports.values(), work.task.num_shards, **work.identity)
    folder = work.task.folder
    if read_manifest(folder) is None:
        write_timings(folder, _timings(reports.values()))
        write_manifest(folder, manifest)
    return manifest


def _is_proven(task: StageTask, report: ShardReport) -> bool:
    written = (
        (task.part(report.index), report.kept_file),
        (task.rejected(report.index), report.rejected_file),
    )
    try:
        return all(files.sha256_of(url) == entry["sha256"] for url, entry in written)
    except FileNotFoundError:
        return False


def _timings(reports: Iterable[ShardReport]) -> dict[str, Any]:
    """CPU seconds and the hosts of all shards; the processes were not all there all the time."""
    timings = [report.timing for report in reports]
    return {
        "cpu_s": round(sum(one["cpu_s"] for one in timings), 3),
        "hosts": sorted({one["host"] for one in timings}),
    }
