"""A file that holds its own checksums: every flipped bit and every cut is found, by itself."""

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model.parquet_seal import (
    SEAL_KEY,
    DamagedParquetError,
    checked_seal,
    is_whole,
)
from dalle_model.shards import open_parquet
from pipelines.io import parquet
from tests.support.hostile_parquet import table_of_urls, token_shard

NUM_FLIPS, NUM_CUTS = 1000, 200


@pytest.fixture(scope="module")
def shard() -> bytes:
    return token_shard()


def is_found(content: bytes | bytearray) -> bool:
    """Whether damage is found before a parser sees the file."""
    stream = io.BytesIO(content)
    try:
        seal = checked_seal(stream)
    except DamagedParquetError:
        return True
    return seal is not None and not is_whole(stream, seal)


def footer_bytes(content: bytes) -> int:
    return int.from_bytes(content[-8:-4], "little") + 8


def test_a_shard_as_it_was_written_is_whole(shard):
    stream = io.BytesIO(shard)
    seal = checked_seal(stream)
    assert seal is not None
    assert is_whole(stream, seal)
    assert seal.body_bytes == len(shard) - footer_bytes(shard)


@pytest.mark.parametrize("part", ["footer", "file"])
def test_every_flipped_bit_is_found(shard, part):
    draw = random.Random(part)
    start = len(shard) - footer_bytes(shard) if part == "footer" else 0
    for _ in range(NUM_FLIPS):
        content = bytearray(shard)
        content[draw.randrange(start, len(shard))] ^= 1 << draw.randrange(8)
        assert is_found(bytes(content))


def test_every_flipped_bit_of_the_checksums_themselves_is_found(shard):
    start = shard.rindex(SEAL_KEY.encode())
    end = shard.index(b"sha256 ", start) + len("sha256 ") + 2 * 64 + 1
    for place in range(start, end):
        for bit in range(8):
            content = bytearray(shard)
            content[place] ^= 1 << bit
            assert is_found(bytes(content))


def test_every_cut_is_found(shard):
    draw = random.Random(14)
    cuts = [draw.randrange(len(shard)) for _ in range(NUM_CUTS)]
    for end in (0, 3, 4, 8, 12, len(shard) - 1, *cuts):
        assert is_found(shard[:end])


def test_a_damaged_footer_is_refused_before_it_is_parsed(shard):
    content = bytearray(shard)
    content[-footer_bytes(shard) + 2] ^= 1
    with pytest.raises(DamagedParquetError, match="not that of its checksum"):
        open_parquet(io.BytesIO(content))


def test_files_of_others_say_nothing_and_are_read():
    content = table_of_urls()
    assert checked_seal(io.BytesIO(content)) is None
    assert open_parquet(io.BytesIO(content)).read().num_rows


def test_a_file_that_is_read_and_written_again_has_the_same_bytes():
    table = pa.table({"text": ["a", "b"]}).replace_schema_metadata({"about": "this"})
    once = parquet.to_bytes(table)
    again = pq.read_table(io.BytesIO(once))
    assert parquet.to_bytes(again) == once
    stale = again.replace_schema_metadata({"about": "this", SEAL_KEY: "of another file"})
    assert parquet.to_bytes(stale) == once


def test_a_long_footer_is_read_whole():
    wide = pa.table({f"column {n}": [n] for n in range(700)})
    stream = io.BytesIO(parquet.to_bytes(wide))
    assert footer_bytes(stream.getvalue()) > 64 << 10
    seal = checked_seal(stream)
    assert seal is not None
    assert is_whole(stream, seal)
