import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from orchestration.export.layouts import log_schema
from orchestration.export.samples import (
    IMAGE_COLUMN,
    Batch,
    batches,
    encoded_as,
    format_of,
    samples_of,
)
from tests.support.finished_run import image_row
from tests.support.image_rows import noise


def as_format(name: str) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(noise(1)).save(sink, name)
    return sink.getvalue()


def tables(*sizes: int) -> list[pa.Table]:
    ends = np.cumsum(sizes)
    return [
        pa.table({"n": pa.array(range(e - s, e), pa.int64())})
        for s, e in zip(sizes, ends, strict=True)
    ]


@pytest.mark.parametrize("sizes", [(10,), (3, 0, 4, 3), (1,) * 10, (0,), (7, 3)])
@pytest.mark.parametrize(("per_shard", "most"), [(4, 3), (10, 100), (1, 1), (3, 3), (100, 4)])
def test_batches_hold_all_rows_in_order_within_their_shards(sizes, per_shard, most):
    found = list(batches(tables(*sizes), per_shard, most))
    rows = [
        (batch.shard, batch.first + offset, n)
        for batch in found
        for offset, n in enumerate(batch.rows["n"].to_pylist())
    ]
    assert rows == [(n // per_shard, n % per_shard, n) for n in range(sum(sizes))]
    assert all(0 < batch.rows.num_rows <= most for batch in found)
    cuts = {(b.shard, b.first) for b in found}  # depend on no boundary of the tables
    assert cuts == {(n // per_shard, n % per_shard) for n in range(sum(sizes))
                    if n % per_shard % most == 0}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_a_format_is_that_of_the_bytes(name, expected):
    assert format_of(as_format(name)) == expected


@pytest.mark.parametrize("encoded", [b"", b"GIF89a", b"RIFF1234WAVE"])
def test_other_bytes_are_no_format(encoded):
    with pytest.raises(ValueError, match="no PNG, JPEG or WebP"):
        format_of(encoded)


@pytest.mark.parametrize("stored", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("wanted", ["png", "jpg", "webp"])
def test_an_image_is_encoded_anew_only_where_it_has_another_format(stored, wanted):
    encoded = as_format(stored)
    found = encoded_as(encoded, wanted)
    assert format_of(found) == wanted
    assert (found == encoded) == (format_of(encoded) == wanted)
    if wanted == "png":
        same = [Image.open(io.BytesIO(e)).convert("RGB").tobytes() for e in (found, encoded)]
        assert same[0] == same[1]


def test_a_sample_knows_what_img2dataset_says_of_a_success():
    row = image_row(5, width=640, height=480)
    batch = Batch(2, 7, pa.Table.from_pylist([row]))
    (sample,) = samples_of(batch, log_schema([]).names, 10_000, "")
    assert (sample.key, sample.image, sample.image_format) == (
        "000020007",
        row[IMAGE_COLUMN],
        "png",
    )
    assert sample.caption == "a café of number 5"
    assert sample.metadata == {
        "page_url": "http://x.test/", "license": "CC0", "source": "test", "name": "5.png",
        "pair_key": row["key"], "caption": row["caption"], "url": row["url"],
        "key": "000020007", "status": "success",
        "error_message": None, "width": 16, "height": 16, "original_width": 640,
        "original_height": 480, "exif": "{}", "sha256": row["sha256"],
    }  # fmt: skip
