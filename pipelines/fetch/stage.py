"""The fetch stage as a value: captions with the bytes of their image, politely downloaded."""

from pipelines.fetch.config import RETRIED, FetchConfig, dependencies
from pipelines.io.task import ShardResult
from pipelines.records import CAPTION_SCHEMA, CAPTIONS, FETCHED, FETCHED_SCHEMA
from pipelines.stage import Job, Reads, Resources, Retry, ShardWork, Stage, Writes


def _process(job: Job, index: int) -> ShardResult:
    from pipelines.fetch.shard import fetch_shard

    return fetch_shard(job.task, index, job.config, job.runtime)


def _retry(job: Job, index: int) -> ShardResult:
    from pipelines.fetch.retry import retry_shard

    return retry_shard(job.task, index, job.config, job.runtime)


STAGE = Stage(
    name="fetch",
    about="image URLs to bytes as served",
    config=FetchConfig,
    reads={CAPTIONS: Reads(CAPTION_SCHEMA)},
    writes=Writes(FETCHED, FETCHED_SCHEMA),
    work=ShardWork(_process),
    dependencies=lambda config, _: dependencies(config),
    resources=Resources(needs_web=lambda _: True),
    retry=Retry(RETRIED, _retry),
)
