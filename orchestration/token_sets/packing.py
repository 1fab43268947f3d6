"""Token sets with as few bits a code as there can be, for publishing, and such sets unpacked again.

Only the columns of tokens change. The footer keeps what they mean, and so does the order of rows:
a set of this version that was packed and unpacked has the bytes that it had.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from dalle_model.errors import UsageError
from dalle_model.packed_codes import PACKED_KEY, pack_column, packed_field, packing
from dalle_model.shard_schema import (
    METADATA_KEY,
    SCHEMA_VERSION,
    ShardMetadata,
    column_encodings,
)
from dalle_model.shard_sets.shard import Shard
from dalle_model.shard_sets.token_set import TokenSet, open_set
from orchestration.engine.progress import Progress
from orchestration.engine.sizes import size_text
from orchestration.token_sets.output import Making, write_set
from orchestration.token_sets.resharding import schema_of
from pipelines.io.task import BatchedResult, ShardResult

_HUGGINGFACE = b"huggingface"


class PackError(UsageError):
    """A set cannot be packed: why, and what to do instead."""


@dataclass(frozen=True)
class PackResult:
    """A set that was packed or unpacked.

    Args:
        out: URL of its folder.
        num_rows: of it.
        num_shards: of it.
        token_bytes: of the columns of tokens of a row, on average.
        floor: bytes of a row if each code took ceil(log2 of their number) bits and nothing more.
        num_bytes: of all files.
    """

    out: str
    num_rows: int
    num_shards: int
    token_bytes: float
    floor: float
    num_bytes: int

    def __str__(self) -> str:
        return (
            f"written  {self.out} ({self.num_rows:,} rows, {self.num_shards:,} shards, "
            f"{size_text(self.num_bytes)})\n"
            f"tokens   {self.token_bytes:,.1f} bytes a row, "
            f"{self.token_bytes / self.floor:.3f} x the {self.floor:,.0f} of the fewest bits"
        )


def pack_set(url: str, out: str, progress: Progress) -> PackResult:
    """Write a set with its codes packed.

    Args:
        url: of the set.
        out: URL of the folder to write.
        progress: receives each shard.

    Raises:
        PackError: rows have token shapes of their own.
        OutputError: the folder holds something else.
        ShardError: the set cannot be read, or a code is not below their number.
    """
    found = open_set(url)
    plain = _plain_schema(found)
    fields = dict(_packed_fields(found, plain))
    columns = [fields.get(field.name, field) for field in plain]
    schema = pa.schema(columns, _metadata_packed(plain, fields))
    encodings = {path: name for path, name in _encodings(found).items() if ".list." not in path}
    return _written("pack", found, out, schema, encodings, progress)


def unpack_set(url: str, out: str, progress: Progress) -> PackResult:
    """Write a set with its codes as lists, as stages write them; raises as `pack_set`."""
    found = open_set(url)
    return _written("unpack", found, out, _plain_schema(found), _encodings(found), progress)


def _plain_schema(found: TokenSet) -> pa.Schema:
    """As this version writes it, with the columns in the order that they have."""
    return schema_of(found.schema, replace(found.metadata, schema_version=SCHEMA_VERSION))


def _encodings(found: TokenSet) -> Mapping[str, Any]:
    return column_encodings(found.metadata)


def _packed_fields(found: TokenSet, plain: pa.Schema) -> Iterator[tuple[str, pa.Field]]:
    for name, tokens in found.metadata.tokens.items():
        if tokens.token_shape is None:
            raise PackError(
                f"{found.url}: rows of `{name}` have token shapes of their own, and only rows of "
                "one shape are packed; publish them as they are"
            )
        yield name, packed_field(plain.field(name), tokens.num_codes)


def _metadata_packed(plain: pa.Schema, fields: Mapping[str, pa.Field]) -> dict[bytes, bytes]:
    """The footer of packed columns, for readers of any kind."""
    about = json.loads(plain.metadata[_HUGGINGFACE])
    said: dict[str, dict[str, int]] = {}
    for name, field in fields.items():
        about["info"]["features"][name] = {"dtype": "binary", "_type": "Value"}
        bits, codes = packing(field) or (0, 0)
        said[name] = {"bits": bits, "codes": codes}
    return {
        METADATA_KEY: plain.metadata[METADATA_KEY],
        _HUGGINGFACE: _json(about),
        PACKED_KEY.encode(): _json(said),
    }


def _json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode()


def _written(
    verb: str,
    found: TokenSet,
    out: str,
    schema: pa.Schema,
    encodings: Mapping[str, Any],
    progress: Progress,
) -> PackResult:
    making = Making(out, verb, (found,), {}, len(found.shards))

    def work(index: int) -> BatchedResult:
        return BatchedResult(schema, _batches(found.shards[index], schema), encodings)

    write_set(making, work, progress)
    written = open_set(out)
    columns = written.metadata.tokens
    sizes = sum(shard.column_bytes[name] for shard in written.shards for name in columns)
    floor = sum(_floor(tokens) for tokens in columns.values() if tokens.token_shape is not None)
    rows = written.rows
    return PackResult(
        out, rows, len(written.shards), sizes / max(1, rows), floor, written.num_bytes
    )


def _floor(tokens: ShardMetadata) -> float:
    bits = packing(packed_field(pa.field("", pa.list_(pa.uint32(), 1)), tokens.num_codes))
    assert bits is not None
    return tokens.num_tokens * tokens.codebooks * bits[0] / 8


def _batches(shard: Shard, schema: pa.Schema) -> Iterator[ShardResult]:
    for table in shard.tables():
        columns = [_column(shard, table, field) for field in schema]
        yield ShardResult(pa.Table.from_arrays(columns, schema=schema), [], table.num_rows)


def _column(shard: Shard, table: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    column = table[field.name]
    if packing(field) is None:
        return column.cast(field.type)
    try:
        return pack_column(column, field)
    except ValueError as error:
        raise shard.refused(str(error)) from error
