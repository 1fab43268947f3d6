"""A set of token shards made of others: a folder that is written shard by shard, manifest last.

It is written as a stage writes its own: each file whole or absent, rejections beside the rows, a
marker for each shard that is done. So the same call goes on where it was interrupted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from dalle_model import files
from dalle_model.errors import UsageError
from orchestration.engine.progress import Progress
from pipelines.io.finish import finish_shard
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.manifest_groups import digest_of
from pipelines.io.task import Result, StageTask, Stopwatch, finished_shards

_IDENTITY = ".dalle-shards"  # hidden: who reads the shards passes it over; gone when they are whole


class OutputError(UsageError):
    """A folder cannot take a new set of token shards: why, and what to name instead."""


class Input(Protocol):
    """What a set is made of: a `TokenSet`, or the files of another format."""

    @property
    def fingerprint(self) -> str:
        """Names its rows, as far as that is told without reading them."""

    @property
    def identities(self) -> Iterable[tuple[str, int, str | None]]:
        """URL, bytes and stamp of each file, which change when it does."""


@dataclass(frozen=True)
class Making:
    """What is made of some sets, and how.

    Args:
        out: URL of the folder to write.
        verb: the command, such as `join`.
        sets: that are read.
        settings: all else that decides the rows.
        num_shards: to write.
    """

    out: str
    verb: str
    sets: tuple[Input, ...]
    settings: dict[str, Any]
    num_shards: int

    @property
    def fingerprint(self) -> str:
        """Names the work, as far as footers tell what is read."""
        inputs = [one.fingerprint for one in self.sets]
        return digest_of([self.verb, self.settings, self.num_shards, inputs])

    @property
    def task(self) -> StageTask:
        """The same as the work of a stage."""
        shards = [identity for one in self.sets for identity in one.identities]
        attempt = digest_of([self.fingerprint, shards])
        numbers = tuple(range(self.num_shards))
        return StageTask(self.out, "", self.num_shards, attempt, self.fingerprint, numbers)


def write_set(making: Making, work: Callable[[int], Result], progress: Progress) -> Manifest:
    """Write the shards that are not there yet, and then the manifest.

    Args:
        making: what, of what, and where.
        work: the rows of a shard, by its number.
        progress: receives each shard.

    Raises:
        OutputError: the folder holds something else.
        DalleError: whatever the work raises.
    """
    task = making.task
    claim(task.folder, task.attempt)
    reports = finished_shards(task)
    for index in range(making.num_shards):
        if index not in reports:
            stopwatch = Stopwatch()
            reports[index] = finish_shard(task, index, work(index), stopwatch)
        progress.step(index + 1, making.num_shards)
    manifest = Manifest.of_shards(
        reports.values(),
        making.num_shards,
        stage=making.verb,
        fingerprint=making.fingerprint,
        config=making.settings,
        inputs={str(n): one.fingerprint for n, one in enumerate(making.sets)},
        dependencies={},
    )
    write_manifest(task.folder, manifest)
    release(task.folder)
    return manifest


def claim(folder: StageFolder, attempt: str) -> None:
    """Say in a folder which work it is of, unless it says so; raises as `write_set`."""
    if files.is_local(folder.url) and files.exists(folder.url) and not files.is_folder(folder.url):
        raise OutputError(
            f"{folder.url.rstrip('/')}: a file is where a folder is needed; name another"
        )
    url, where = folder.file(_IDENTITY), folder.url.rstrip("/")
    names = files.sweep_temporary(folder.url)
    if _is_of(url, attempt, names):
        folder.tidy()
        return
    if names:
        raise OutputError(
            f"{where} is not empty, and not the interrupted work of this very command: it "
            f"holds {files.printable(names[-1])}; name another folder, or delete this one"
        )
    files.write_json(url, {"attempt": attempt})


def release(folder: StageFolder) -> None:
    """Take away from a folder that is whole what only unfinished work needs."""
    files.remove(folder.progress)
    files.remove(folder.file(_IDENTITY))


def _is_of(url: str, attempt: str, names: Iterable[str]) -> bool:
    if _IDENTITY not in names:
        return False
    try:
        return bool(files.read_json(url) == {"attempt": attempt})
    except ValueError:
        return False
