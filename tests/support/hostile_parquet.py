"""Seeded damage to files of Parquet and Arrow: flips, cuts and foreign bytes, also in footers."""

import io
import random
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model.shard_schema import ShardMetadata, token_schema
from pipelines.io.parquet import to_bytes
from pipelines.records import CANDIDATE_SCHEMA
from tests.support.token_shards import METADATA, token_row

NUM_ROWS = 300
_MAGIC_BYTES = 8  # the length of the footer, and the magic


def damaged(content: bytes, seed: int) -> bytes:
    """The content, damaged in one to three ways."""
    chance = random.Random(f"parquet {seed}")
    found = bytearray(content)
    for damage in chance.choices(_DAMAGES, k=chance.choice((1, 1, 2, 3))):
        damage(found, chance)
    return bytes(found)


def caption_shard() -> bytes:
    """A shard as stages write it."""
    row = dict.fromkeys(CANDIDATE_SCHEMA.names, "text") | {"encoded": b"bytes"}
    rows = [row | {"key": f"{n:040d}", "caption": f"boat {n}"} for n in range(NUM_ROWS)]
    return to_bytes(pa.Table.from_pylist(rows, schema=CANDIDATE_SCHEMA))


def token_shard() -> bytes:
    """A token shard."""
    rows = [token_row(f"{n:040d}", f"boat {n}", [n % 16] * 9) for n in range(NUM_ROWS)]
    schema = token_schema(ShardMetadata(**METADATA))
    return to_bytes(pa.Table.from_pylist(rows, schema=schema), {"source": "DICTIONARY"})


def table_of_urls() -> bytes:
    """A table as another tool may write it: no checksums, several row groups."""
    buffer = io.BytesIO()
    pq.write_table(_pairs(), buffer, row_group_size=100)
    return buffer.getvalue()


def table_of_images() -> bytes:
    """A table that holds its images."""
    noise = np.random.default_rng(0).bytes(300)
    buffer = io.BytesIO()
    pq.write_table(_pairs().append_column("image", pa.array([noise] * NUM_ROWS)), buffer)
    return buffer.getvalue()


def arrow_file() -> bytes:
    """The same table in Arrow's own file format, under whatever name."""
    sink = io.BytesIO()
    with pa.ipc.new_file(sink, _pairs().schema) as writer:
        writer.write_table(_pairs())
    return sink.getvalue()


def _pairs() -> pa.Table:
    numbers = range(NUM_ROWS)
    return pa.table(
        {
            "url": [f"https://site.test/{n}.jpg" for n in numbers],
            "caption": [f"a boat, number {n}" for n in numbers],
        }
    )


def _flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 40))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _flip_in_the_footer(content: bytearray, chance: random.Random) -> None:
    footer = int.from_bytes(content[-_MAGIC_BYTES:-4], "little") % len(content)
    for _ in range(chance.choice((1, 4))):
        at = len(content) - 1 - chance.randrange(max(1, min(len(content), footer)))
        content[at] = chance.randrange(256)


def _cut_off(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(1, len(content)) :]
    content += b"\0" * (_MAGIC_BYTES * chance.randrange(2))


def _cut_out(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    del content[start : start + chance.choice((1, 50, 2000))]
    content += b"\0" * _MAGIC_BYTES if len(content) < _MAGIC_BYTES else b""


def _overwrite(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    content[start : start + 100] = chance.randbytes(min(100, len(content) - start))


def _wrong_length_of_the_footer(content: bytearray, chance: random.Random) -> None:
    content[-_MAGIC_BYTES:-4] = chance.choice((0, 1, 1 << 31, (1 << 32) - 1)).to_bytes(4, "little")


_DAMAGES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip_in_the_footer,
    _flip_in_the_footer,
    _cut_off,
    _cut_out,
    _overwrite,
    _wrong_length_of_the_footer,
)
