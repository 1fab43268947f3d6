"""The work of one stage as it travels to the workers, and what becomes of its shards."""

import os
import socket
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.shard_schema import Encoding
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.rejection import Rejection


@dataclass(frozen=True)
class StageTask:
    """The work of one stage, as it is sent to the workers.

    Args:
        root: URL of the run directory.
        stage: its name, and the name of its folder.
        num_shards: of the whole run.
        attempt: identifies this work; a shard finished under another one is redone.
        fingerprint: of the stage, for the metadata of what it writes.
        pending: the shards still to do.
        inputs: by role, the URLs of what it reads: folders of shards, or single files.
        is_next: whether it writes beside a finished result, to replace it when it is whole.
        retried: reasons whose dropped rows are taken up again; empty where all rows are.
        began_s: when it began, in seconds since 1970; 0 where this is not known.
        job: key of the job on a runner elsewhere that does it; empty on this machine.
        earlier: URLs of the folders of earlier results in which a row that is the same was made by
            the same work, the ones to look in first before the others.
    """

    root: str
    stage: str
    num_shards: int
    attempt: str
    fingerprint: str
    pending: tuple[int, ...]
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_next: bool = False
    retried: tuple[str, ...] = ()
    began_s: float = 0.0
    job: str = ""
    earlier: tuple[str, ...] = ()

    @property
    def folder(self) -> StageFolder:
        """The folder that it writes to."""
        return self.finished.next if self.is_next else self.finished

    @property
    def finished(self) -> StageFolder:
        """The folder of the result, which may be another one than that it writes to."""
        return RunFolder(self.root, self.num_shards).stage(self.stage)

    @property
    def earlier_results(self) -> tuple[StageFolder, ...]:
        """The folders of earlier results, of as many shards; none while rows are retried."""
        if self.retried:
            return ()
        return tuple(StageFolder(url, self.num_shards) for url in self.earlier)

    def part(self, index: int) -> str:
        """URL of a shard of rows kept."""
        return self.folder.part(index)

    def rejected(self, index: int) -> str:
        """URL of the rejections of a shard."""
        return self.folder.rejected(index)

    def note(self, index: int, kind: str) -> str:
        """URL of what this very work notes of a shard for its own later steps."""
        return self.folder.note(index, kind, self.attempt)

    def notes(self, kind: str) -> str:
        """URL of the folder of what this very work notes that is no shard's."""
        return self.folder.notes(kind, self.attempt)

    def url(self, role: str) -> str:
        """URL of the one input of a role.

        Raises:
            KeyError: the stage reads no such role, or more than one of it: a bug in the stage.
        """
        urls = self.inputs.get(role, ())
        if len(urls) != 1:
            raise KeyError(f"{self.stage} reads {len(urls)} inputs of the role {role!r}, not one")
        return urls[0]

    def input(self, role: str) -> StageFolder:
        """The folder of shards of the one input of a role; raises as `url`."""
        return StageFolder(self.url(role), self.num_shards)

    def all_inputs(self, role: str) -> tuple[StageFolder, ...]:
        """The folders of shards of all inputs of a role, in the order of the run."""
        return tuple(StageFolder(url, self.num_shards) for url in self.inputs.get(role, ()))


@dataclass(frozen=True)
class ShardResult:
    """The outcome of one shard: the rows kept, the rows dropped, and the number of rows in.

    Args:
        kept: in the schema of the stage's output; any order.
        rejected: any order; a table in `REJECTION_SCHEMA` where there are many.
        rows_in: for the books; must equal the rows of `kept`, without those `added`, plus
            `rejected`.
        passed_over: what was no row, by kind; in any one shard, since all shards are added up.
        warnings: for a person, one line each.
        cpu_s: CPU seconds that other processes spent on it.
        tallies: what was counted besides rows, by name; all shards are added up.
        reused: rows in, of which the work was taken from an earlier result.
        added: rows of `kept` beyond the first that one row in became, such as further views of its
            image.
    """

    kept: pa.Table
    rejected: Sequence[Rejection] | pa.Table
    rows_in: int
    passed_over: Mapping[str, int] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    cpu_s: float = 0.0
    tallies: Mapping[str, int] = field(default_factory=dict)
    reused: int = 0
    added: int = 0


@dataclass(frozen=True)
class BatchedResult:
    """The same of a shard that is made while it is written, and is never held whole.

    Args:
        schema: of the rows kept.
        batches: results of some rows each, read once, which add up to that of the shard. Keys of
            rows kept ascend from batch to batch.
        encodings: of columns that are not written plain, by path in the Parquet schema.
    """

    schema: pa.Schema
    batches: Iterable[ShardResult]
    encodings: Mapping[str, Encoding] = field(default_factory=dict)


Result = ShardResult | BatchedResult


@dataclass(frozen=True)
class ShardReport:
    """A finished shard, as its progress marker and the manifest hold it."""

    index: int
    attempt: str
    rows_in: int
    rows_out: int
    reasons: dict[str, int]
    kept_file: dict[str, Any]
    rejected_file: dict[str, Any]
    timing: dict[str, Any] = field(default_factory=dict)
    passed_over: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    tallies: dict[str, int] = field(default_factory=dict)
    rows_added: int = 0


class Stopwatch:
    """Wall and CPU seconds of this process since the stopwatch was created."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self, elsewhere_s: float = 0.0) -> dict[str, Any]:
        """The seconds elapsed, with the host and the number of the process.

        Args:
            elsewhere_s: CPU seconds that other processes spent on the same work.
        """
        return {
            "wall_s": round(time.perf_counter() - self._wall, 4),
            "cpu_s": round(time.process_time() - self._cpu + elsewhere_s, 4),
            "elsewhere_s": round(elsewhere_s, 4),
            "host": socket.gethostname(),
            "process": os.getpid(),
        }


def finished_shards(
    task: StageTask, known: Mapping[int, ShardReport] | None = None
) -> dict[int, ShardReport]:
    """The shards that this very work has finished, from their markers, in order.

    Args:
        task: the work.
        known: shards found before, whose markers are not read again.
    """
    known = known or {}
    read = {task.folder.marker(index) for index in known}
    urls = [url for url in task.folder.markers() if url not in read]
    found = {r.index: r for r in at_once(_report, urls) if r and r.attempt == task.attempt}
    return dict(sorted({**known, **found}.items()))


def _report(url: str) -> ShardReport | None:
    """What a marker says; None where it is damaged, or of another version: the shard is redone."""
    try:
        values = files.read_json(url)
        return ShardReport(**values | {"attempt": sys.intern(values["attempt"])})  # one for all
    except (ValueError, TypeError, KeyError):
        return None
