"""The fetch stage as a value: captions with the bytes of their image, politely downloaded."""

from typing import Any

from pipelines.fetch.config import RETRIED, FetchConfig, dependencies
from pipelines.io.layout import StageFolder
from pipelines.records import (
    CANDIDATE_SCHEMA,
    CANDIDATES,
    CAPTION_SCHEMA,
    CAPTIONS,
    FETCHED,
    FETCHED_SCHEMA,
)
from pipelines.stage import (
    Cost,
    Job,
    PipelineWork,
    Reads,
    Resources,
    Retry,
    Reuse,
    Stage,
    Writes,
    plain_settings,
)


def _build(tasks: Any, job: Job) -> Any:
    from pipelines.fetch.pipeline import build

    return build(tasks, job)


def _notices(config: FetchConfig) -> list[str]:
    return [f"private hosts may be reached: {rule.allowance}" for rule in config.allow]


def _settings(config: FetchConfig) -> dict[str, Any]:
    values = plain_settings(config)
    values["blocklists"] = {"max_hamming": config.blocklists.max_hamming}
    del values["host_buckets"]
    for limit in ("max_images_per_host", "deadline_s"):
        if values[limit] is None:
            del values[limit]  # as before there was one
    return values  # of the lists their content counts, not their place: dependencies


def _relocate(config: FetchConfig, folder: str) -> FetchConfig:
    return config.model_copy(update={"blocklists": config.blocklists.relocated(folder)})


def _pulse(folder: StageFolder) -> str:
    from pipelines.fetch.journal import num_buckets

    buckets = num_buckets(folder)
    return f"{buckets:,} buckets of hosts" if buckets else ""


STAGE = Stage(
    name="fetch",
    about="image URLs to bytes as served",
    config=FetchConfig,
    reads={
        CANDIDATES: Reads(CANDIDATE_SCHEMA, is_pinned=True),
        CAPTIONS: Reads(CAPTION_SCHEMA),
    },
    writes=Writes(FETCHED, FETCHED_SCHEMA),
    work=PipelineWork(_build),
    cost=Cost(
        cpu_s=1 / 343,
        stored_bytes=208e3,  # JPEGs of 500 to 1,200 px
        received_bytes=208e3,
        source="docs/benchmarks.md; `python -m benchmarks real_size`",
    ),
    settings=_settings,
    relocate=_relocate,
    dependencies=lambda config, _: dependencies(config),
    notices=_notices,
    pulse=_pulse,
    resources=Resources(needs_web=lambda _: True),
    retry=Retry(RETRIED),
    reuse=Reuse(),
)
