"""Encodes an image shard into a token shard; the same bytes for any number of workers."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model import files
from dalle_model.cuts import Box, Cut, Shape
from dalle_model.shard_schema import CENTRE, ShardMetadata, column_encodings, token_schema
from dalle_model.shards import ShardError, image_of
from dalle_model.tokenizers.abilities import TakesShapes, on_device
from dalle_model.tokenizers.codec import Codec, CodecFacts
from dalle_model.tokenizers.registry import codec_sha256, load_codec
from dalle_model.views import has_buckets, names_of
from pipelines.encode.batch_size import BatchSize
from pipelines.encode.batches import Known, Place, Row, TokenRows
from pipelines.encode.config import EncodeConfig
from pipelines.encode.encoder import Encoder, Tokens
from pipelines.encode.like import MISSING, Like, LikeRows, open_like
from pipelines.encode.margins import MARGINS, margins_field
from pipelines.encode.pieces import NamedViews, Views, crop_by
from pipelines.encode.proof import Proof
from pipelines.encode.shapes import buckets_of, patch_of
from pipelines.encode.source_key import with_source_keys
from pipelines.encode.text import load_tokenizer, with_text_tokens
from pipelines.io.carried import Type
from pipelines.io.carried_columns import fields, passed_over, with_carried
from pipelines.io.earlier import EarlierRows
from pipelines.io.selections import surviving_row_groups
from pipelines.io.task import BatchedResult, ShardResult, StageTask
from pipelines.records import BLURRED, CODEC, IMAGE_SCHEMA, ROWS_MISSING

# Of an earlier result.
_KEPT = ("sha256", "view", "crop", "flipped", "image_tokens", "token_shape", MARGINS)


def encode_shard(
    task: StageTask,
    index: int,
    config: EncodeConfig,
    carried: Mapping[str, Type] | None = None,
    tables: Iterator[pa.Table] | None = None,
) -> BatchedResult:
    """Encode the survivors of a shard; an image with several captions is encoded once.

    Args:
        task: the stage's work.
        index: of the shard.
        config: which codec, and how.
        carried: types of the values that sources carry, by name.
        tables: rows of images, those of an image next to each other; at least one table, which may
            be empty. By default the survivors of the shard.

    Raises:
        CheckpointError: the codec cannot be used.
        NoMarginsError: margins are asked for, and the codec gives none.
        OneShapeError: the view `aspect` is asked for, and the codec takes one shape alone.
        ShardError: two columns have one name.
        VocabError: the text tokenizer cannot be used.
        UnreadableShardError: the image or the survivor shard is missing or corrupt; here, or by the
            batches.
        EncodingMemoryError: the memory does not hold a batch; by the batches.
        LikeError: the shards whose crops are wanted cannot be used; here, or by the batches.
    """
    url = task.url(CODEC)
    codec, size = _codec(url, codec_sha256(url), config)
    tables = surviving_row_groups(task, index) if tables is None else tables
    first, types = next(tables), carried or {}
    views = _views(task, index, config, codec)
    tokenizer = load_tokenizer(config.text_tokens) if config.text_tokens else None
    digest = tokenizer.sha256 if tokenizer else ""
    metadata = shard_metadata(codec, task.fingerprint, digest, views.names)
    schema = _schema(metadata, first.schema, types, with_margins=config.margin)
    encoder, unreadable = Encoder(codec, config, size), Counter[str]()
    images = map(with_source_keys, views.followed(chain([first], tables)))
    rows = _token_rows(task, index, config, codec, encoder, views, schema)
    results = rows.results(with_carried(images, types, unreadable))
    if tokenizer:
        results = with_text_tokens(results, tokenizer)
    told = partial(_told, encoder, types, unreadable, views)
    return BatchedResult(schema, _followed(results, schema, told), column_encodings(metadata))


def _schema(
    metadata: ShardMetadata, images: pa.Schema, types: Mapping[str, Type], *, with_margins: bool
) -> pa.Schema:
    """Of the token rows: those of every shard, and what selections, sources and the codec add."""
    added = [field for field in images if field.name not in IMAGE_SCHEMA.names]
    if shared := sorted({field.name for field in added} & set(types)):
        raise ShardError(
            f"a source carries {shared[0]!r}, and a stage that filters images adds a column of "
            "this name; leave it out of `carry`, or give it another name in the source"
        )
    margins = [margins_field(metadata)] if with_margins else []
    return token_schema(metadata, [*added, *fields(types), *margins])


def _token_rows(
    task: StageTask,
    index: int,
    config: EncodeConfig,
    codec: Codec,
    encoder: Encoder,
    views: Views,
    schema: pa.Schema,
) -> TokenRows:
    """What makes the rows of a shard of those of images, reusing those of an earlier result."""
    kept = [name for name in _KEPT if name in schema.names]
    earlier = EarlierRows(task, index, kept, if_there=[BLURRED])
    return TokenRows(
        schema,
        task.stage,
        crop=crop_by(views.choose, codec.facts),
        encode=encoder.encode,
        batch_size=config.batch_size,
        before=partial(_known_before, earlier, codec.facts, views.count),
        proof=Proof(encoder, codec, config),
        refusal=views.refusal,
    )


def _followed(
    results: Iterator[ShardResult], schema: pa.Schema, told: Callable[[], Mapping[str, Any]]
) -> Iterator[ShardResult]:
    """The results of a shard, and once all are made, what is known of it by then."""
    yield from results
    yield ShardResult(schema.empty_table(), [], 0, **told())


def _told(
    encoder: Encoder, types: Mapping[str, Type], unreadable: Counter[str], views: Views
) -> Mapping[str, Any]:
    """Which values became null, which rows are missing, and what the encoder has to say."""
    return {
        "passed_over": {**passed_over(types, unreadable), **_missing(views)},
        "tallies": {ROWS_MISSING: missing} if (missing := views.num_missing) else {},
        "warnings": list(dict.fromkeys(encoder.warnings)),
    }


def _missing(views: Views) -> dict[str, int]:
    return {MISSING: views.num_missing} if views.num_missing else {}


def _views(task: StageTask, index: int, config: EncodeConfig, codec: Codec) -> Views:
    shape, takes_shapes = codec.facts.image_shape, isinstance(codec, TakesShapes)
    if config.like is not None:
        patch = patch_of(codec.facts, takes_shapes)
        like = _like(config.like, shape, patch, task.fingerprint)
        return LikeRows(like, index, task.num_shards, shape, patch)
    buckets = buckets_of(codec.facts, takes_shapes, config)
    names = tuple(names_of(config.views))
    return NamedViews(names, config.views, shape, config.seed, buckets)


@lru_cache(maxsize=1)
def _like(url: str, shape: Shape, patch: Shape | None, _fingerprint: str) -> Like:
    """Read all footers once per worker process; again if the work, and so the rows, are others."""
    return open_like(url, shape, patch)


def _known_before(
    earlier: EarlierRows, facts: CodecFacts, count: Callable[[Row], int], row: Row
) -> list[Known]:
    def is_same(old: Row) -> bool:
        same_boxes = (old.get(BLURRED) or []) == (row.get(BLURRED) or [])
        return bool(old["sha256"] == row["sha256"]) and same_boxes

    found = earlier.find_all(image_of(row["key"]), is_same)
    return [_known(old, facts) for old in found] if len(found) == count(row) else []


def _known(old: Row, facts: CodecFacts) -> Known:
    if "token_shape" in old:
        facts = facts.of_tokens(old["token_shape"])
    cut = Cut(Box(*old["crop"]), old["flipped"], facts.image_shape)
    codes = np.array(old["image_tokens"], facts.dtype).reshape(facts.codes_shape)
    margins = old.get(MARGINS)
    kept = None if margins is None else np.array(margins, np.float16)
    tokens = Tokens(codes, kept, facts.token_shape)
    return Known(Place(old["view"], cut), tokens)


def shard_metadata(
    codec: Codec,
    fingerprint: str,
    tokenizer_sha256: str = "",
    views: tuple[str, ...] = (CENTRE,),
) -> ShardMetadata:
    """What the tokens mean, for the footer of the shard.

    Args:
        codec: that makes them.
        fingerprint: of the stage.
        tokenizer_sha256: of the text tokenizer, where there is one.
        views: the name of each, by its number.
    """
    facts, is_any = codec.facts, has_buckets(views)
    return ShardMetadata(
        codec=facts.name,
        codec_sha256=facts.sha256,
        image_shape=None if is_any else facts.image_shape,
        token_shape=None if is_any else facts.token_shape,
        num_codes=facts.num_codes,
        pixel_range=facts.pixel_range,
        preprocessing=_preprocessing(facts),
        tokenizer_sha256=tokenizer_sha256,
        fingerprint=fingerprint,
        codebooks=facts.codebooks,
        order=facts.order,
        views=views,
    )


def _preprocessing(facts: CodecFacts) -> str:
    """Digest of scaling; of squares the same as in shards of version 1, which has `crop` in it.

    Rows say themselves what they are of, and of which shape.
    """
    height, width = facts.image_shape
    shape = {"side": width} if height == width else {"height": height, "width": width}
    settings = {"crop": "centre", "resample": facts.resample, **shape}
    return files.sha256(json.dumps(settings, sort_keys=True).encode())


@lru_cache(maxsize=1)
def _codec(name_or_url: str, _sha256: str, config: EncodeConfig) -> tuple[Codec, BatchSize]:
    """Load once per worker process, not per shard; load again if the file has changed."""
    size = BatchSize(config.batch_size, is_fixed=config.mode == "exact")
    return on_device(load_codec(name_or_url), config.device), size
