"""The encode stage as a value: the images that survived become token shards."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from dalle_model.shard_schema import SCHEMA_VERSION
from dalle_model.tokenizers.installed import split_name
from dalle_model.views import has_buckets, side_needed
from pipelines.encode.config import (
    NOT_IN_LIKE,
    TEXT_DEPENDENCIES,
    EncodeConfig,
    codec_facts,
    dependencies,
    like_dependencies,
    like_side,
    num_views,
    refuse_one_shape,
    text_dependencies,
    view_names,
)
from pipelines.encode.memory import ram_bytes
from pipelines.encode.rates import SHIPPED_CPU_S, SOURCE, STORED_BYTES, cost_of
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
    GRID,
    IMAGE_CROP,
    IMAGE_RESAMPLE,
    IMAGE_SCHEMA,
    IMAGE_SIDE,
    IMAGES,
    SELECTION,
    SELECTION_SCHEMA,
    TOKENS,
    WANTED_SIDE,
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

SHARD_SCHEMA = "shard_schema"
# By the codec that ships.
COST = Cost(
    cpu_s=SHIPPED_CPU_S,
    stored_bytes=STORED_BYTES,
    source=SOURCE,
    assumes=(
        "by the codec that ships, of 64 px; one of the size of the released dVAE, of 256 px, takes "
        "4.8 CPU s an image, 4,000 times as much"
    ),
)


def _process(job: Job, index: int) -> BatchedResult:
    from pipelines.encode.shard import encode_shard

    result = encode_shard(job.task, index, job.config, job.facts.get(CARRIED))
    said = [*_other_filter(job.facts), *_limited(job.config, job.facts)]
    if not said or index:
        return result
    warning = ShardResult(result.schema.empty_table(), [], rows_in=0, warnings=said)
    return replace(result, batches=chain([warning], result.batches))


def _settings(config: EncodeConfig) -> dict[str, Any]:
    values = plain_settings(config)
    for name in ("codec", "text_tokens", "like"):  # whose content counts: dependencies, or an input
        values.pop(name)
    if config.like is not None:
        values = {name: value for name, value in values.items() if name not in ("views", "seed")}
    if config.like is not None or not has_buckets(config.views):
        del values["max_aspect"]
    values["device"] = config.device.partition(":")[0]
    if values["device"] == "cpu":  # as in results from before there was a choice
        del values["device"]
    return values | {SHARD_SCHEMA: SCHEMA_VERSION}


def _dependencies(config: EncodeConfig, provided: Mapping[str, str]) -> dict[str, str]:
    codec = provided.get(CODEC)
    return (
        dependencies(codec)
        | text_dependencies(config.text_tokens)
        | like_dependencies(config.like, codec)
    )


def _relocate(config: EncodeConfig, folder: str) -> EncodeConfig:
    found = {"codec": _relocated_codec(config.codec, folder)}
    if config.text_tokens:
        found["text_tokens"] = counted_from(folder, config.text_tokens)
    if config.like:
        found["like"] = counted_from(folder, config.like)
    return config.model_copy(update=found)


def _relocated_codec(codec: str, folder: str) -> str:
    name, path = split_name(codec)
    if path is None or not re.search(r"[/.]", path):
        return codec  # the name of one, not a path
    located = counted_from(folder, path)
    return f"{name}:{located}" if name else located


def _facts(config: EncodeConfig, provided: Mapping[str, str]) -> Facts:
    """Of the codec that its settings name; of one that the run trains, that stage states them."""
    own_shapes = {GRID: None} if has_buckets(view_names(config)) else {}
    if CODEC not in provided:
        return own_shapes
    codec = provided[CODEC]
    facts = codec_facts(codec)
    if own_shapes:
        refuse_one_shape(codec, config)
        facts[CODEC_SIDE] = like_side(codec, config) or facts[CODEC_SIDE]
    wanted = side_needed(view_names(config), facts[CODEC_SIDE])
    return facts | {WANTED_SIDE: wanted} | own_shapes


def _misfit(config: EncodeConfig, facts: Facts) -> str:
    image, codec = facts.get(IMAGE_SIDE, 0), facts.get(CODEC_SIDE, 0)
    if facts.get(IMAGE_CROP) == "center" and has_buckets(view_names(config)):
        return (
            "of images their centred square is stored, so that none has an aspect of its own for "
            "the view `aspect`; set images.crop to `none`, or leave `aspect` out of encode.views"
        )
    if not image or not codec or image > codec:
        return ""
    if image < codec:
        return (
            f"images are stored at {image} px, below the codec's {codec} px: every one would be "
            f"dropped; set images.side to {codec} or more, or name another encode.codec"
        )
    names, side = _larger(config, codec)
    if not names:
        return ""
    answered = ", or leave it out" if facts.get(WANTED_SIDE) == side else ""
    return (
        f"images are stored at {image} px, all of which the codec takes, so that no part of one "
        f"can be the view {names}; set images.side to {side}{answered}"
    )


def _larger(config: EncodeConfig, codec: int) -> tuple[str, int]:
    """The views for which images must be stored larger than the codec's side, and how large."""
    names = dict.fromkeys(view_names(config))
    larger = [name for name in names if side_needed([name], codec) > codec]
    return " or ".join(f"`{name}`" for name in larger), side_needed(larger, codec)


def _limited(config: EncodeConfig, facts: Facts) -> Iterator[str]:
    """That images are stored too small for all of a view, or without their longer edge, if so."""
    image, codec = facts.get(IMAGE_SIDE), facts.get(CODEC_SIDE)
    if image is None or codec is None:
        return
    names, side = _larger(config, codec)
    if names and image < side:
        yield (
            f"images are stored at {image} px, so that {names} takes no part of one as small as "
            f"its source does; `images.side: {side}` lets it"
        )
    moving = [name for name in ("dvae", "prior") if name in view_names(config)]
    if moving and facts.get(IMAGE_CROP) == "center":
        yield (
            f"of images their centred square is stored, from which `{moving[0]}` does not move "
            "along the longer edge; `images.crop: none` stores all"
        )


def _other_filter(facts: Facts) -> Iterator[str]:
    """That images were scaled by another filter than those of the codec's training, if so."""
    image, codec = facts.get(IMAGE_RESAMPLE), facts.get(CODEC_RESAMPLE)
    if image is not None and codec is not None and image != codec:
        yield (
            f"images are scaled by {image}, and those that the codec was trained on by {codec}: "
            f"some tokens differ; `images.resize: {codec}` makes them the codec's own"
        )


def _cost(config: EncodeConfig, provided: Mapping[str, str]) -> Cost:
    """By the codec, for each of the views; by the one that ships where the run trains its own."""
    codec, views = provided.get(CODEC), num_views(config)
    cost = COST if codec is None else cost_of(codec)
    said = [cost.assumes]
    if codec is None:
        said.insert(0, "the codec that the run trains is not measured: counted")
    if views > 1:
        said.append(f"{views} views of each image")
    if config.device != "cpu":
        said.append(f"on {config.device} no rate is measured, and these are of a processor")
    return replace(
        cost,
        cpu_s=views * cost.cpu_s,
        stored_bytes=views * cost.stored_bytes,
        assumes="; ".join(said),
    )


def _views(folder: StageFolder, manifest: Manifest, _config: EncodeConfig) -> Iterable[View]:
    from pipelines.encode.code_view import code_views

    return code_views(folder, manifest)


def _card(folder: StageFolder, manifests: Sequence[Manifest]) -> str:
    from pipelines.encode.card import card

    return card(folder, manifests)


def _begins(material: Material) -> str:
    setting = f"  codec: {quoted(material.codec)}"
    lines = [line(setting, "`demo` comes with the package; or the URL of another")]
    if material.like:
        lines.append(line(f"  like: {quoted(material.like)}", "whose rows and crops are taken"))
    return section("encode", *lines)


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
    cost=COST,
    cost_of=_cost,
    settings=_settings,
    dependencies=_dependencies,
    resources=Resources(min_ram_bytes=ram_bytes),
    provides={CODEC: lambda config: str(config.codec)},
    relocate=_relocate,
    views=_views,
    facts=_facts,
    heeds=(CARRIED,),
    misfit=_misfit,
    unasked=(NOT_IN_LIKE,),
    reuse=Reuse(follows=(IMAGES,), beside=(SHARD_SCHEMA, *TEXT_DEPENDENCIES)),
    card=Card(_card, version=5),
    begins=_begins,
)
