from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model.pixels import to_png
from pipelines.dedupe.signatures import COLUMNS, Duplicate, pairs, pictures, thumbnail
from pipelines.records import IMAGE_SCHEMA
from pipelines.rejection import Check
from tests.support.signatures import picture


def rows() -> Iterator[dict[str, Any]]:
    png = to_png(np.zeros((8, 8, 3), np.uint8))
    for image, caption in ((1, "a"), (1, "b"), (2, "c")):
        yield {
            "key": f"{image:024x}{ord(caption):016x}",
            "url": f"http://a.test/{image}",
            "caption": caption,
            "png": png,
            "width": 10 * image,
            "height": 20,
            "pixel_hash": f"{image:032x}",
            "phash": (1 << 64) - image,
        }


def test_a_picture_of_several_captions_is_read_once() -> None:
    schema = pa.schema([IMAGE_SCHEMA.field(name) for name in COLUMNS])
    table = pa.Table.from_pylist(list(rows()), schema=schema)
    found = list(pictures(table))
    assert [p.image for p in found] == [f"{1:024x}", f"{2:024x}"]
    assert [(p.width, p.height, p.phash) for p in found][1] == (20, 20, (1 << 64) - 2)
    assert [pair["caption"] for pair in pairs(table)] == ["a", "b", "c"]
    assert set(next(pairs(table))) == {"key", "url", "caption"}


def test_a_thumbnail_is_the_mean_of_its_cells() -> None:
    rgb = np.zeros((16, 24, 3), np.uint8)
    rgb[:2, :3] = (10, 20, 30)
    assert thumbnail(to_png(rgb)) == bytes([10, 20, 30]) + bytes(189)


def test_larger_pictures_rank_first_and_keys_break_ties() -> None:
    large, early, late = picture("c", width=101), picture("a"), picture("b")
    assert sorted([late, large, early], key=lambda p: p.rank) == [large, early, late]


def test_a_duplicate_names_the_better_picture() -> None:
    found = Duplicate((-100, "abc"), "near_duplicate", 3.0, 7.0)
    assert found.check() == Check("near_duplicate", False, 3.0, 7.0, "abc")
