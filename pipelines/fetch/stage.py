"""The fetch stage as a value: captions with the bytes of their image, politely downloaded."""

from pipelines.fetch.config import FetchConfig, dependencies
from pipelines.io.task import ShardResult
from pipelines.records import CAPTION_SCHEMA, CAPTIONS, FETCHED, FETCHED_SCHEMA
from pipelines.stage import Job, Reads, Resources, ShardWork, Stage, Writes


def _process(job: Job, index: int) -> ShardResult:
    from pipelines.fetch.shard import fetch_shard

    return fetch_shard(job.task, index, job.config, job.runtime)


def _notices(config: FetchConfig) -> list[str]:
    return [f"private hosts may be reached: {rule.allowance}" for rule in config.allow]


STAGE = Stage(
    name="fetch",
    about="image URLs to bytes as served",
    config=FetchConfig,
    reads={CAPTIONS: Reads(CAPTION_SCHEMA)},
    writes=Writes(FETCHED, FETCHED_SCHEMA),
    work=ShardWork(_process),
    dependencies=lambda config, _: dependencies(config),
    notices=_notices,
    resources=Resources(needs_web=lambda _: True),
)
