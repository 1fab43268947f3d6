"""Token shards as images: a sheet, or a file for each row, by the codec that made the tokens."""

from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model import files
from dalle_model.cuts import Box, Cut
from dalle_model.errors import UsageError
from dalle_model.pixels import Rgb, to_png
from dalle_model.shard_schema import IMAGE_TOKENS, TOKEN_SHAPE, ShardMetadata, companion
from dalle_model.shard_sets.token_set import TokenSet, open_set
from dalle_model.shards import ShardError, image_tokens
from dalle_model.tokenizers.abilities import of_shape
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.registry import inspect_codec, shipped_codec

_BATCH = 32  # images decoded at once; chosen: 32 of 256 px take 25 MB
_SHEET = ".png"


class DecodeError(UsageError):
    """Tokens cannot be decoded: why, and what to name instead."""


def decode_set(url: str, out: str, codec: str, column: str, number: int) -> str:
    """Decode the first rows of a set.

    Args:
        url: of the set.
        out: URL to write: a sheet with captions where it ends with `.png`, else a folder with
            `<key>.png` for each row, and `<key>-<view>.png` for further views.
        codec: name or URL; by default the one that ships with the package, if it is that.
        column: of the tokens.
        number: of rows.

    Returns:
        `out`.

    Raises:
        DecodeError: there is no such column, or the codec is another one than that of the tokens.
        CodecError: there is no such codec.
        ShardError: the set cannot be read, or holds no row.
    """
    found = open_set(url)
    metadata = tokens_of(found, column)
    name = codec_of(codec, metadata, column)
    shape = companion(column, TOKEN_SHAPE)
    shapes = [shape] if shape in found.schema.names else []
    rows = found.first(number, ["key", "view", "caption", column, *shapes])
    if not rows.num_rows:
        raise ShardError(f"{url} holds no row to decode")
    images = _decoded(rows, name, metadata, column)
    write = _write_sheet if out.endswith(_SHEET) else _write_each
    write(out, images, rows)
    return out


def tokens_of(found: TokenSet, column: str) -> ShardMetadata:
    """What the codes of a column of a set mean.

    Raises:
        DecodeError: there is no such column.
    """
    metadata = found.metadata.tokens.get(column)
    if metadata is None:
        there = ", ".join(found.metadata.tokens)
        raise DecodeError(f"{found.url} has no tokens `{column}`; --column names one of {there}")
    return metadata


def decoded_row(
    codec: Codec, row: dict[str, Any], column: str = IMAGE_TOKENS
) -> tuple[str, Cut, Rgb]:
    """The key of a row, what of its image is in it, and what its tokens hold.

    Args:
        codec: that made the tokens.
        row: with `key`, `crop`, `flipped`, its tokens and, where it has one, their shape.
        column: of the tokens.
    """
    shape = companion(column, TOKEN_SHAPE)
    if shape in row:
        codec = of_shape(codec, codec.facts.of_tokens(row[shape]).image_shape)
    facts = codec.facts
    cut = Cut(Box(*row["crop"]), bool(row["flipped"]), facts.image_shape)
    codes = np.array(row[column], facts.dtype).reshape(1, *facts.codes_shape)
    return row["key"], cut, codec.decode(codes)[0]


def codec_of(codec: str, metadata: ShardMetadata, column: str) -> str:
    """The name or URL of the codec of some tokens, which is checked.

    Raises:
        DecodeError: it is another one, or none is named and it is not one of the package.
        CodecError: there is no such codec.
    """
    made_by = f"`{column}` is of the codec {metadata.codec} ({metadata.codec_sha256[:12]})"
    if not codec and (shipped := shipped_codec(metadata.codec_sha256)):
        return shipped
    if not codec:
        raise DecodeError(f"{made_by}; --codec names the file of its weights")
    sha256 = inspect_codec(codec).sha256
    if sha256 != metadata.codec_sha256:
        raise DecodeError(
            f"{made_by}, and {codec} is another one ({sha256[:12]}); --codec names the file of its "
            "weights"
        )
    return codec


def _decoded(rows: pa.Table, codec: str, metadata: ShardMetadata, column: str) -> Rgb:
    from dalle_model.tokenizers.registry import load_codec  # loads torch

    loaded, codes = load_codec(codec), image_tokens(rows, metadata.codebooks, column)
    starts = range(0, len(codes), _BATCH)
    return np.concatenate([loaded.decode(codes[start : start + _BATCH]) for start in starts])


def _write_sheet(out: str, images: Rgb, rows: pa.Table) -> None:
    from dalle_model.sample.grid import image_grid

    sheet = image_grid([image[None] for image in images], rows["caption"].to_pylist())
    files.write_bytes(out, to_png(np.asarray(sheet)))


def _write_each(out: str, images: Rgb, rows: pa.Table) -> None:
    for image, row in zip(images, rows.select(["key", "view"]).to_pylist(), strict=True):
        view = f"-{row['view']}" if row["view"] else ""
        files.write_bytes(files.join(out, f"{row['key']}{view}.png"), to_png(image))
