import numpy as np
import pyarrow as pa

from dalle_model.pixels import Rgb
from pipelines.dedupe.views import COLUMNS, VIEW_DTYPE, read_images, thumbnails
from pipelines.records import IMAGE_SCHEMA
from pipelines.sameness import hashes
from pipelines.sameness.hashes import describe
from tests.support.image_rows import row


def framed(seed: int) -> Rgb:
    rgb = np.full((64, 64, 3), 255, np.uint8)
    rgb[8:56, 8:56] = np.random.default_rng(seed).integers(0, 200, (48, 48, 3))
    return rgb


def table() -> pa.Table:
    """Three images: one with two captions, one with its pixels again, and one with a border."""
    rows = []
    for image, caption, edge, pixels, rgb in (
        (1, 1, 10, 1, framed(1)[8:56, 8:56]),
        (1, 2, 10, 1, framed(1)[8:56, 8:56]),
        (2, 1, 20, 1, framed(1)[8:56, 8:56]),
        (3, 1, 10, 3, framed(3)),
    ):
        made = row(image, caption, image=b"", width=edge, height=10) | describe(rgb)
        rows.append(made | {"pixel_hash": f"{pixels:032x}"})
    return pa.Table.from_pylist(rows, IMAGE_SCHEMA)


def test_of_equal_pixels_the_larger_image_is_left() -> None:
    found = read_images(table().select(COLUMNS))
    assert sorted(found.best["low"].tolist()) == [2, 3]
    assert found.verdicts["low"].tolist() == [1]
    assert found.verdicts["better_low"].tolist() == [2]


def test_views_hold_what_describe_says() -> None:
    found = read_images(table().select(COLUMNS)).views
    assert found.dtype == VIEW_DTYPE
    assert [(v["low"], v["view"]) for v in found] == [(2, 0), (3, 0), (3, 1)]
    made = describe(framed(3))
    assert int(found[1]["phash"]) == made["phash"]
    second = made["sketch"][hashes.SKETCH_BYTES :]
    assert found[2]["values"].tobytes() == second[:24]
    assert (found[2]["reach"], found[2]["aspect"]) == (second[24], second[25])
    assert found[1]["area"] == 100


def test_thumbnails_are_those_of_the_views_wanted() -> None:
    found = read_images(table().select(COLUMNS)).views
    cells = thumbnails(found[::-1], table().select(["key", "thumbnail"]))
    made = describe(framed(3))["thumbnail"]
    assert cells[0].tobytes() == made[768:]
    assert cells[1].tobytes() == made[:768]
    assert cells[2].tobytes() == describe(framed(1)[8:56, 8:56])["thumbnail"]


def test_a_slice_and_an_empty_shard_are_read() -> None:
    whole = table()
    assert read_images(whole.slice(3).select(COLUMNS)).views["view"].tolist() == [0, 1]
    nothing = read_images(whole.slice(0, 0).select(COLUMNS))
    assert [len(part) for part in nothing] == [0, 0, 0]
