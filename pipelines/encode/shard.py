"""Encodes an image shard into a token shard; the same bytes for any number of workers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from dalle_model import files
from dalle_model.pixels import Codes, Rgb, crop_box, from_stored
from dalle_model.resize import square
from dalle_model.shards import SCHEMA_VERSION, ShardError, ShardMetadata, image_of, token_schema
from dalle_model.threads import torch_threads
from dalle_model.tokenizers.codec import MAX_CODES, Codec, codec_sha256, load_codec
from pipelines.encode.config import IMAGES_COMPARED, TOKENS_COMPARED, TOKENS_EQUAL, EncodeConfig
from pipelines.io.selections import surviving_rows
from pipelines.io.task import ShardResult, StageTask
from pipelines.records import CODEC, IMAGE_SCHEMA
from pipelines.rejection import Check, Rejection, reject

Row = dict[str, Any]


def encode_shard(task: StageTask, index: int, config: EncodeConfig) -> ShardResult:
    """Encode the survivors of a shard; an image with several captions is encoded once.

    Raises:
        CheckpointError: the codec cannot be used.
        ShardError: the codec has more codes than a shard can hold.
        UnreadableShardError: the image or the survivor shard is missing or corrupt.
    """
    url = task.url(CODEC)
    codec = _codec(url, codec_sha256(url))
    survivors = surviving_rows(task, index)
    added = [
        survivors.schema.field(n) for n in survivors.column_names if n not in IMAGE_SCHEMA.names
    ]
    schema = token_schema(shard_metadata(codec, task.fingerprint), added)
    rows = survivors.to_pylist()
    squares, rejected = _squares(rows, task.stage, codec)
    codes = encode_all(codec, list(squares.values()), config.batch_size)
    tokens = dict(zip(squares, codes, strict=True))
    tallies = _agreement(rows, codec, tokens, config.batch_size)
    names = [field.name for field in added]
    kept = [
        _token_row(row, tokens[image]) | {name: row[name] for name in names}
        for row in rows
        if (image := image_of(row["key"])) in tokens
    ]
    return ShardResult(
        pa.Table.from_pylist(kept, schema=schema), rejected, rows_in=len(rows), tallies=tallies
    )


def crop_for_codec(stored: bytes, codec: Codec) -> Rgb | Check:
    """The square of a stored image that the codec encodes, or the rule that the image broke."""
    try:
        rgb = from_stored(stored)
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on a broken file
        return Check("undecodable", passed=False, detail=type(error).__name__)
    short = min(rgb.shape[:2])
    if short < codec.side:
        return Check("below_codec_side", passed=False, measured=short, threshold=codec.side)
    return square(rgb, codec.side, codec.resample)


def shard_metadata(codec: Codec, fingerprint: str) -> ShardMetadata:
    """What the tokens mean, for the footer of the shard.

    Raises:
        ShardError: the codec has more codes than a shard can hold.
    """
    if codec.num_codes > MAX_CODES:
        raise ShardError(
            f"codec {codec.name} has {codec.num_codes} codes, a token shard holds uint16: "
            f"at most {MAX_CODES}; set `encode.codec` to another one"
        )
    preprocessing = {"crop": "centre", "resample": codec.resample, "side": codec.side}
    settings = json.dumps(preprocessing, sort_keys=True)
    return ShardMetadata(
        schema_version=SCHEMA_VERSION,
        codec=codec.name,
        codec_sha256=codec.sha256,
        grid=codec.grid,
        num_codes=codec.num_codes,
        side=codec.side,
        pixel_range=codec.pixel_range,
        preprocessing=files.sha256(settings.encode()),
        tokenizer_sha256="",
        fingerprint=fingerprint,
    )


def encode_all(codec: Codec, squares: Sequence[Rgb], batch_size: int) -> npt.NDArray[np.uint16]:
    """Codes `(N, grid * grid)` of images, in batches of equal size; the last is padded with black.

    Batch size and threads change the last bits of the logits, so both are pinned.
    """
    codes = np.zeros((len(squares), codec.grid**2), np.uint16)
    with one_thread():
        for start in range(0, len(squares), batch_size):
            chunk = np.stack(squares[start : start + batch_size])
            batch = np.zeros((batch_size, *chunk.shape[1:]), np.uint8)
            batch[: len(chunk)] = chunk
            codes[start : start + len(chunk)] = codec.encode(batch)[: len(chunk)]
    return codes


@contextmanager
def one_thread() -> Iterator[None]:
    """One torch thread and deterministic kernels inside; the previous settings afterwards."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(mode=True)
    try:
        with torch_threads(1):
            yield
    finally:
        torch.use_deterministic_algorithms(mode=deterministic)


@lru_cache(maxsize=1)
def _codec(name_or_url: str, _sha256: str) -> Codec:
    """Load once per worker process, not per shard; load again if the file has changed."""
    return load_codec(name_or_url)


def _squares(
    rows: Sequence[Row], stage: str, codec: Codec
) -> tuple[dict[str, Rgb], list[Rejection]]:
    """The square of each image by its part of the key, and rejections of the other rows."""
    squares: dict[str, Rgb] = {}
    rejected = []
    for image_key, group in groupby(rows, key=lambda row: image_of(row["key"])):
        captions = list(group)
        outcome = crop_for_codec(captions[0]["image"], codec)
        if isinstance(outcome, Check):
            rejected += [reject(row, stage, outcome) for row in captions]
        else:
            squares[image_key] = outcome
    return squares, rejected


def _agreement(
    rows: Sequence[Row], codec: Codec, tokens: Mapping[str, Codes], batch_size: int
) -> dict[str, int]:
    """How many tokens are those of full decoding, of the images that carry both."""
    full = {image_of(row["key"]): row["full_image"] for row in rows if row.get("full_image")}
    names = [image for image in full if image in tokens]
    if not names:
        return {}
    crops = (crop_for_codec(full[image], codec) for image in names)
    squares = [crop for crop in crops if not isinstance(crop, Check)]
    codes = encode_all(codec, squares, batch_size)
    equal = np.stack([tokens[image] for image in names]) == codes
    return {
        IMAGES_COMPARED: len(names),
        TOKENS_COMPARED: int(equal.size),
        TOKENS_EQUAL: int(equal.sum()),
    }


def _token_row(row: Row, codes: npt.NDArray[np.uint16]) -> Row:
    return {
        "key": row["key"],
        "caption": row["caption"],
        "image_tokens": codes,
        "view": 0,
        "crop": crop_box(row["width"], row["height"]),
        "width": row["width"],
        "height": row["height"],
        "phash": row["phash"],
        "url": row["url"],
        "page_url": row["page_url"],
        "license": row["license"],
        "source": row["source"],
    }
