"""The fetch stage as a value: captions with the bytes of their image, politely downloaded."""

from typing import Any

from pipelines.fetch.config import RETRIED, FetchConfig, dependencies
from pipelines.io.task import ShardResult
from pipelines.records import CAPTION_SCHEMA, CAPTIONS, FETCHED, FETCHED_SCHEMA
from pipelines.stage import (
    Job,
    Reads,
    Resources,
    Retry,
    ShardWork,
    Stage,
    Writes,
    plain_settings,
)


def _process(job: Job, index: int) -> ShardResult:
    from pipelines.fetch.shard import fetch_shard

    return fetch_shard(job.task, index, job.config, job.runtime)


def _notices(config: FetchConfig) -> list[str]:
    return [f"private hosts may be reached: {rule.allowance}" for rule in config.allow]


def _retry(job: Job, index: int) -> ShardResult:
    from pipelines.fetch.retry import retry_shard

    return retry_shard(job.task, index, job.config, job.runtime)


def _settings(config: FetchConfig) -> dict[str, Any]:
    values = plain_settings(config)
    values["blocklists"] = {"max_hamming": config.blocklists.max_hamming}
    return values  # of the lists their content counts, not their place: dependencies


def _relocate(config: FetchConfig, folder: str) -> FetchConfig:
    return config.model_copy(update={"blocklists": config.blocklists.relocated(folder)})


STAGE = Stage(
    name="fetch",
    about="image URLs to bytes as served",
    config=FetchConfig,
    reads={CAPTIONS: Reads(CAPTION_SCHEMA)},
    writes=Writes(FETCHED, FETCHED_SCHEMA),
    work=ShardWork(_process),
    settings=_settings,
    relocate=_relocate,
    dependencies=lambda config, _: dependencies(config),
    notices=_notices,
    resources=Resources(needs_web=lambda _: True),
    retry=Retry(RETRIED, _retry),
)
