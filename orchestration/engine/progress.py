"""How a run reports its progress: drawn by the command line, ignored by default elsewhere."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from pipelines.io.manifest import Manifest
from pipelines.io.task import StageTask
from pipelines.stage import Stage


class Progress(Protocol):
    """Receives the events of a run."""

    def stage(self, name: str, why: str = "", /) -> AbstractContextManager[None]:
        """A stage runs until the block ends."""
        ...

    def shards(self, stage: Stage, task: StageTask, finished: int, /) -> None:
        """The running stage writes shards, `finished` of which were done before."""
        ...

    def step(self, step: int, total: int, metrics: Mapping[str, float] = ..., /) -> None:
        """A step of a training or of a sampling is done."""
        ...

    def skipped(self, name: str, why: str, manifest: Manifest, /) -> None:
        """A stage was up to date."""
        ...

    def finished(self, manifest: Manifest, timings: dict[str, Any], /) -> None:
        """A stage has just been done."""
        ...

    def say(self, text: str, /) -> None:
        """A line of its own."""
        ...


class Quiet:
    """Ignores every event."""

    @contextmanager
    def stage(self, name: str, why: str = "", /) -> Iterator[None]:
        yield

    def shards(self, stage: Stage, task: StageTask, finished: int, /) -> None: ...

    def step(self, step: int, total: int, metrics: Mapping[str, float] = {}, /) -> None: ...

    def skipped(self, name: str, why: str, manifest: Manifest, /) -> None: ...

    def finished(self, manifest: Manifest, timings: dict[str, Any], /) -> None: ...

    def say(self, text: str, /) -> None: ...
