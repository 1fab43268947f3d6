"""The bytes that a source supplied stand once in a shard, and are found for every row of theirs."""

import random
from pathlib import Path

import pyarrow as pa
import pytest

from dalle_model import files
from dalle_model.shards import image_of
from pipelines.io import parquet
from pipelines.io.parquet import UnreadableShardError
from pipelines.io.supplied import Row, SuppliedImages, held_once

SCHEMA = pa.schema([("key", pa.string()), ("sha256", pa.string()), ("encoded", pa.binary())])


def row(image: int, caption: int, encoded: bytes | None) -> Row:
    sha256 = None if encoded is None else files.sha256(encoded)
    return {"key": f"{image:024x}{caption:016x}", "sha256": sha256, "encoded": encoded}


def written(tmp_path: Path, rows: list[Row]) -> str:
    table = pa.Table.from_pylist(held_once([dict(row) for row in rows]), schema=SCHEMA)
    (tmp_path / "shard").write_bytes(parquet.to_bytes(table))
    return str(tmp_path / "shard")


@pytest.mark.parametrize("seed", range(20))
def test_every_row_finds_its_bytes_whichever_rows_are_asked_for(tmp_path, monkeypatch, seed):
    chance = random.Random(seed)
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", chance.choice((1, 3, 1000)))
    rows = [
        row(image, caption, chance.choice((None, b"%d" % image, b"%d of a page" % image)))
        for image in range(20)
        for caption in range(chance.randrange(5))
    ]
    chance.shuffle(rows)
    images = SuppliedImages(written(tmp_path, rows))
    asked = [r for r in rows if r["encoded"] is not None and chance.random() < 0.6]
    for one in sorted(asked, key=lambda r: str(r["key"])):
        assert images.read(one["key"], one["sha256"]) == one["encoded"]


def test_the_same_bytes_of_an_image_stand_once():
    rows = held_once([row(image, n, b"%d" % image) for n in (2, 0, 1) for image in (1, 0)])
    held = [(image_of(r["key"])[-1], r["encoded"]) for r in rows if r["encoded"] is not None]
    assert held == [("0", b"0"), ("1", b"1")]
    assert [r["key"] for r in rows] == sorted(r["key"] for r in rows)
    assert all(r["sha256"] for r in rows)


def test_nothing_is_read_where_no_row_asks(tmp_path):
    SuppliedImages(str(tmp_path / "missing"))


def test_a_row_of_another_crawl_is_an_error_that_says_so(tmp_path):
    url = written(tmp_path, [row(0, 0, b"a"), row(2, 0, b"c")])
    for key, sha256 in ((row(0, 0, b"a")["key"], files.sha256(b"b")), (row(1, 0, b"b")["key"], "")):
        with pytest.raises(UnreadableShardError, match="another one than the rows after it"):
            SuppliedImages(url).read(key, sha256)
    with pytest.raises(UnreadableShardError, match="is missing"):
        SuppliedImages(str(tmp_path / "missing")).read("k", "s")
