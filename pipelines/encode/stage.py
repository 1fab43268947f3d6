"""The encode stage as a value: the images that survived become token shards."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from dalle_model.shard_schema import SCHEMA_VERSION
from dalle_model.tokenizers.installed import split_name
from pipelines.encode.config import EncodeConfig, codec_facts, dependencies, text_dependencies
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.material import Material, line, quoted, section
from pipelines.io.task import BatchedResult, ShardResult
from pipelines.paths import counted_from
from pipelines.records import (
    CARRIED,
    CODEC,
    CODEC_RESAMPLE,
    CODEC_SIDE,
    IMAGE_RESAMPLE,
    IMAGE_SCHEMA,
    IMAGE_SIDE,
    IMAGES,
    SELECTION,
    SELECTION_SCHEMA,
    TOKENS,
)
from pipelines.stage import (
    Card,
    Cost,
    Facts,
    Job,
    Reads,
    Resources,
    Reuse,
    ShardWork,
    Stage,
    Writes,
    plain_settings,
)
from pipelines.views import View


def _process(job: Job, index: int) -> BatchedResult:
    from pipelines.encode.shard import encode_shard

    result = encode_shard(job.task, index, job.config, job.facts.get(CARRIED))
    said = _other_filter(job.facts)
    if not said or index:
        return result
    warning = ShardResult(result.schema.empty_table(), [], rows_in=0, warnings=[said])
    return replace(result, batches=chain([warning], result.batches))


def _settings(config: EncodeConfig) -> dict[str, Any]:
    values = plain_settings(config)
    for name in ("codec", "text_tokens"):  # whose content counts: a dependency, or an input
        values.pop(name)
    return values | {"shard_schema": SCHEMA_VERSION}


def _dependencies(config: EncodeConfig, provided: Mapping[str, str]) -> dict[str, str]:
    return dependencies(provided.get(CODEC)) | text_dependencies(config.text_tokens)


def _relocate(config: EncodeConfig, folder: str) -> EncodeConfig:
    found = {"codec": _relocated_codec(config.codec, folder)}
    if config.text_tokens:
        found["text_tokens"] = counted_from(folder, config.text_tokens)
    return config.model_copy(update=found)


def _relocated_codec(codec: str, folder: str) -> str:
    name, path = split_name(codec)
    if path is None or not re.search(r"[/.]", path):
        return codec  # the name of one, not a path
    located = counted_from(folder, path)
    return f"{name}:{located}" if name else located


def _facts(_config: EncodeConfig, provided: Mapping[str, str]) -> Facts:
    """Of the codec that its settings name; of one that the run trains, that stage states them."""
    return codec_facts(provided[CODEC]) if CODEC in provided else {}


def _misfit(_config: EncodeConfig, facts: Facts) -> str:
    image, codec = facts.get(IMAGE_SIDE, 0), facts.get(CODEC_SIDE, 0)
    if not image or image >= codec:
        return ""
    return (
        f"images are stored at {image} px, below the codec's {codec} px: every one would be "
        f"dropped; set images.side to {codec} or more, or name another encode.codec"
    )


def _other_filter(facts: Facts) -> str:
    """That images were scaled by another filter than those of the codec's training, if so."""
    image, codec = facts.get(IMAGE_RESAMPLE), facts.get(CODEC_RESAMPLE)
    if image is None or codec is None or image == codec:
        return ""
    return (
        f"images are scaled by {image}, and those that the codec was trained on by {codec}: some "
        f"tokens differ; `images.resize: {codec}` makes them the codec's own"
    )


def _views(folder: StageFolder, manifest: Manifest, _config: EncodeConfig) -> Iterable[View]:
    from pipelines.encode.code_view import code_frequencies

    return code_frequencies(folder, manifest)


def _card(folder: StageFolder, manifests: Sequence[Manifest]) -> str:
    from pipelines.encode.card import card

    return card(folder, manifests)


def _begins(material: Material) -> str:
    setting = f"  codec: {quoted(material.codec)}"
    return section("encode", line(setting, "`demo` comes with the package; or the URL of another"))


STAGE = Stage(
    name="encode",
    about="images to token shards",
    config=EncodeConfig,
    reads={
        IMAGES: Reads(IMAGE_SCHEMA),
        SELECTION: Reads(SELECTION_SCHEMA, "any"),
        CODEC: Reads(count="maybe"),
    },
    writes=Writes(TOKENS),
    work=ShardWork(_process),
    cost=Cost(
        cpu_s=1 / 246,  # by the codec that ships, of 64 px
        stored_bytes=186,
        source="docs/benchmarks.md; `python -m benchmarks encoding`",
    ),
    settings=_settings,
    dependencies=_dependencies,
    # Measured: torch, the shipped codec and a shard of any size take 1.05 GB; chosen: twice that.
    resources=Resources(min_ram_bytes=2 * 1024**3),
    provides={CODEC: lambda config: str(config.codec)},
    relocate=_relocate,
    views=_views,
    facts=_facts,
    heeds=(CARRIED,),
    misfit=_misfit,
    reuse=Reuse(follows=(IMAGES,)),
    card=Card(_card, version=3),
    begins=_begins,
)
