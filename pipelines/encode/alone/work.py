"""The work of encoding without a run: the job of the encode stage, and what its manifest says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dalle_model.errors import UsageError
from pipelines.encode.config import EncodeConfig
from pipelines.encode.stage import STAGE
from pipelines.io import fingerprints
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest
from pipelines.io.task import BatchedResult, Result, ShardResult, StageTask
from pipelines.records import CODEC
from pipelines.stage import Facts, Job

OnRows = Callable[[int], None]


class OtherTokensError(UsageError):
    """A folder holds the tokens of other work, with which these are not mixed."""


@dataclass(frozen=True)
class Inputs:
    """What is encoded.

    Args:
        num_shards: of the tokens, as of the images.
        urls: of what the stage reads, by role.
        digests: of what is read, by the name of what made it.
        facts: that settings have fixed of the images.
        follows: names of the work on a row that came before, by stage; None where nothing can be
            said of it.
        process: encodes a shard; tells of rows as they are read.
    """

    num_shards: int
    digests: Mapping[str, str]
    process: Callable[[Job, int, OnRows], Result]
    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)
    follows: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Work:
    """All shards of an encoding.

    Args:
        job: of the encode stage.
        identity: what the manifest says of the work, whatever comes out of it.
        process: as of `Inputs`.
    """

    job: Job
    identity: Mapping[str, Any]
    process: Callable[[Job, int, OnRows], Result]

    @property
    def task(self) -> StageTask:
        """The shards, and where they are written."""
        return self.job.task


def work_of(inputs: Inputs, out: str, config: EncodeConfig) -> Work:
    """The work of encoding some inputs; where they are a run's, that of the run's encode stage.

    Args:
        inputs: to encode.
        out: URL of a directory, in which the stage has its folder as in that of a run.
        config: of the stage.

    Raises:
        CodecError: the codec cannot be used.
        VocabError: the text tokenizer cannot be used.
        OtherTokensError: the folder holds finished tokens of other work, or of other shards.
    """
    own = STAGE.settings(config)
    heeded = {name: inputs.facts[name] for name in STAGE.heeds if name in inputs.facts}
    settings = own | ({"facts": heeded} if heeded else {})
    dependencies = STAGE.dependencies(config, {CODEC: config.codec})
    about = (settings, inputs.digests, dependencies)
    fingerprint = fingerprints.fingerprint(STAGE.name, inputs.num_shards, *about)
    task = StageTask(
        root=out,
        stage=STAGE.name,
        num_shards=inputs.num_shards,
        attempt=fingerprint,
        fingerprint=fingerprint,
        pending=tuple(range(inputs.num_shards)),
        inputs={**inputs.urls, CODEC: (config.codec,)},
    )
    _refuse_other(task.folder, fingerprint)
    row_work = ""
    if inputs.follows is not None and STAGE.reuse is not None:
        about_rows = (STAGE.name, own, dependencies)
        row_work = fingerprints.row_work(*about_rows, inputs.follows, {}, STAGE.reuse.beside)
    identity = {
        "stage": STAGE.name,
        "fingerprint": fingerprint,
        "config": settings,
        "inputs": dict(inputs.digests),
        "dependencies": dependencies,
        "row_work": row_work,
    }
    return Work(Job(task, config, facts=inputs.facts), identity, inputs.process)


def counted(result: BatchedResult, on_rows: OnRows) -> BatchedResult:
    """The same result, telling of the rows of each batch."""
    return BatchedResult(result.schema, _telling(result.batches, on_rows), result.encodings)


def _telling(batches: Iterable[ShardResult], on_rows: OnRows) -> Iterator[ShardResult]:
    for batch in batches:
        on_rows(batch.rows_in)
        yield batch


def _refuse_other(folder: StageFolder, fingerprint: str) -> None:
    found = read_manifest(folder)
    is_other = found is not None and found.fingerprint != fingerprint
    if is_other or set(folder.present()) - set(folder.parts()):
        raise OtherTokensError(
            f"{folder.url} holds the tokens of other images, or of another codec, library or "
            "setting; name another folder, or delete that one and give the same command again"
        )
