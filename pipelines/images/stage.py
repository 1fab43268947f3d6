"""The images stage as a value: bytes as served become upright RGB at the encoder's size."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dalle_model.tokenizers.registry import inspect_codec
from pipelines.images.config import ANY_ASPECT, ImagesConfig, dependencies, upscales
from pipelines.io.material import Material, line, section
from pipelines.io.task import BatchedResult, StageTask
from pipelines.records import (
    CANDIDATE_SCHEMA,
    CANDIDATES,
    CODEC_RESAMPLE,
    FETCHED,
    FETCHED_SCHEMA,
    IMAGE_CROP,
    IMAGE_RESAMPLE,
    IMAGE_SCHEMA,
    IMAGE_SIDE,
    IMAGES,
    WANTED_SIDE,
)
from pipelines.rejection import Check
from pipelines.stage import (
    Cost,
    Facts,
    Job,
    Reads,
    Reuse,
    Row,
    ShardWork,
    Stage,
    Writes,
    plain_settings,
)

COST = Cost(
    cpu_s=1 / 84,
    stored_bytes=162e3,  # photographs as PNG of 256 px
    image_bytes=162e3,
    source="docs/benchmarks.md; `python -m benchmarks images real_size`",
)


def _process(job: Job, index: int) -> BatchedResult:
    from pipelines.images.shard import process_shard

    return process_shard(job.task, index, job.config)


def _settings(config: ImagesConfig) -> dict[str, Any]:
    """A side or filter that is not set is the same as the one that is meant."""
    return plain_settings(config) | {"side": config.stored_side, "resize": config.resample}


def _cost(config: ImagesConfig, _provided: Mapping[str, str]) -> Cost:
    """A PNG's bytes go with its pixels; as JPEG they are a third (docs/benchmarks.md)."""
    num_bytes = COST.image_bytes * (config.stored_side / 256) ** 2
    if config.store == "jpeg":
        num_bytes /= 3
    return replace(COST, stored_bytes=num_bytes, image_bytes=num_bytes)


def _facts(config: ImagesConfig, _provided: Mapping[str, str]) -> Facts:
    return {
        IMAGE_SIDE: config.stored_side,
        IMAGE_RESAMPLE: config.resample,
        IMAGE_CROP: config.crop,
    }


def _checks(_task: StageTask, row: Row, config: ImagesConfig) -> list[Check]:
    """The rules on the size; of a dropped row it is not known."""
    from pipelines.images.rules import checks

    if "width" not in row:
        return []
    return list(checks(row["width"], row["height"], None, config))


def _begins(material: Material) -> str:
    if material.keeps_all:
        height, width = inspect_codec(material.codec).image_shape
        crop = "center" if height == width and not material.like else "none"
        return section("images", f"  max_aspect: {ANY_ASPECT}", f"  crop: {crop}")
    return section(
        "images",
        line("  # side: 256", "of the shorter edge as stored; the codec's unless it is set"),
        line(f"  max_aspect: {ImagesConfig().max_aspect}", "longer images are dropped"),
    )


STAGE = Stage(
    name="images",
    about="bytes to upright RGB at the encoder's size, without metadata",
    config=ImagesConfig,
    reads={
        CANDIDATES: Reads(CANDIDATE_SCHEMA, is_pinned=True),
        FETCHED: Reads(FETCHED_SCHEMA),
    },
    writes=Writes(IMAGES, IMAGE_SCHEMA),
    work=ShardWork(_process),
    cost=COST,
    cost_of=_cost,
    settings=_settings,
    dependencies=lambda config, _: dependencies(config),
    checks=_checks,
    reuse=Reuse(),
    facts=_facts,
    answers={"side": WANTED_SIDE, "resize": CODEC_RESAMPLE},
    begins=_begins,
    misfit=lambda config, _: upscales(config),
)
