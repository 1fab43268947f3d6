"""Sets of few bits a code: as small as said, read by all, and unpacked to the byte."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.data.source import open_source
from dalle_model.shards import ShardError, image_tokens, list_shards, read_metadata, read_shards
from orchestration.engine.progress import Quiet
from orchestration.token_sets.checking import check_set
from orchestration.token_sets.comparing import compare_sets
from orchestration.token_sets.joining import join_sets
from orchestration.token_sets.packing import PackError, pack_set, unpack_set
from tests.support.token_shards import (
    pair_rows,
    token_row,
    write_token_set,
)

SHARDS = Path(__file__).parents[2] / "support" / "shards"
SCORE = pa.field("score", pa.float32())


def packed(url, folder):
    return pack_set(str(url), str(folder), Quiet())


def sha256s(url) -> list[str]:
    return [files.sha256_of(one) for one in list_shards(str(url))]


@pytest.mark.parametrize("num_codes", [16, 1000, 1 << 18])
def test_unpacked_shards_have_the_bytes_that_they_had(tmp_path, num_codes):
    rows = [row | {"score": 0.5} for row in pair_rows(300, num_codes=num_codes)]
    url = write_token_set(tmp_path / "a", rows, 3, [SCORE], num_codes=num_codes)
    packed(url, tmp_path / "b")
    unpack_set(str(tmp_path / "b"), str(tmp_path / "c"), Quiet())
    assert sha256s(tmp_path / "c") == sha256s(url) != sha256s(tmp_path / "b")


def test_joined_tokens_are_packed_each_by_its_own_bits(tmp_path):
    one = write_token_set(tmp_path / "a", pair_rows(40))
    other = write_token_set(tmp_path / "b", pair_rows(40, 1, 500), num_codes=500, codec="other")
    join_sets([one, other], str(tmp_path / "ab"), [], inner=False, progress=Quiet())
    packed(tmp_path / "ab", tmp_path / "p")
    said = pq.read_schema(list_shards(str(tmp_path / "p"))[0]).metadata[b"dalle.packed"]
    assert json.loads(said) == {
        "image_tokens": {"bits": 4, "codes": 9},
        "image_tokens_other": {"bits": 9, "codes": 9},
    }
    unpack_set(str(tmp_path / "p"), str(tmp_path / "c"), Quiet())
    assert sha256s(tmp_path / "c") == sha256s(tmp_path / "ab")


def test_codes_take_the_fewest_bits_and_hardly_more(tmp_path):
    rows = pair_rows(3000, num_codes=8192, size=256)
    whole = write_token_set(tmp_path / "a", rows, num_codes=8192, token_shape=(16, 16))
    made = packed(whole, tmp_path / "b")
    assert made.floor == 256 * 13 / 8
    assert made.token_bytes <= 1.02 * made.floor
    assert "1.00" in str(made).splitlines()[1]


def test_all_that_reads_sets_reads_packed_ones(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(60))
    packed(url, tmp_path / "b")
    out = str(tmp_path / "b")
    assert compare_sets(url, out).is_same
    assert check_set(out).num_rows == 60
    plain, rows = read_shards(list_shards(url)), read_shards(list_shards(out))
    assert rows.equals(plain)
    assert image_tokens(rows.slice(10, 5)).shape == (5, 9)
    assert read_metadata(list_shards(out)[0]) == read_metadata(list_shards(url)[0])
    sources = [open_source(one) for one in (url, out)]
    taken = [source.take(range(7, 50))["image_tokens"] for source in sources]
    assert taken[0].dtype == taken[1].dtype
    assert np.array_equal(*taken)


def test_anyone_can_take_the_bytes_apart(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(60, num_codes=1000), 1, num_codes=1000)
    packed(url, tmp_path / "b")
    table = pq.read_table(list_shards(str(tmp_path / "b"))[0])
    about = json.loads(table.schema.metadata[b"dalle.packed"])["image_tokens"]
    content = np.frombuffer(b"".join(table["image_tokens"].to_pylist()), np.uint8)
    bits = np.unpackbits(content.reshape(len(table), -1), axis=1)
    bits = bits[:, : about["codes"] * about["bits"]].reshape(len(table), -1, about["bits"])
    codes = bits @ (1 << np.arange(about["bits"])[::-1])
    assert np.array_equal(codes, image_tokens(read_shards(list_shards(url))))


def test_a_shard_of_version_1_is_packed_as_one_of_this_version(tmp_path):
    v1 = str(SHARDS / "v1.parquet")
    packed(v1, tmp_path / "b")
    assert compare_sets(v1, str(tmp_path / "b")).is_same
    assert read_metadata(list_shards(str(tmp_path / "b"))[0]).schema_version == 2


def test_rows_of_shapes_of_their_own_are_not_packed(tmp_path):
    rows = [token_row("a" * 40, "x", [1, 2]) | {"token_shape": [1, 2]}]
    url = write_token_set(tmp_path / "a", rows, token_shape=None, image_shape=None)
    with pytest.raises(PackError, match="only rows of one shape are packed"):
        packed(url, tmp_path / "b")
    assert not files.exists(str(tmp_path / "b"))


def test_a_code_of_too_many_bits_is_an_error(tmp_path):
    rows = [token_row("a" * 40, "x", [0] * 8 + [16])]
    with pytest.raises(ShardError, match=r"a/part.*has the code 16, which is not of 4 bits"):
        packed(write_token_set(tmp_path / "a", rows, 1), tmp_path / "b")
