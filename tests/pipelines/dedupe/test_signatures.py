from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from dalle_model.pixels import to_png
from pipelines.dedupe.signatures import (
    COLUMNS,
    Duplicate,
    image_signatures,
    join_duplicates,
    pairs,
    thumbnail,
)
from pipelines.records import IMAGE_SCHEMA
from pipelines.rejection import Check, Rejection
from tests.support.signatures import signature


def rows() -> Iterator[dict[str, Any]]:
    png = to_png(np.zeros((8, 8, 3), np.uint8))
    for image, caption in ((1, "a"), (1, "b"), (2, "c")):
        yield {
            "key": f"{image:024x}{ord(caption):016x}",
            "url": f"http://a.test/{image}",
            "caption": caption,
            "image": png,
            "width": 10 * image,
            "height": 20,
            "pixel_hash": f"{image:032x}",
            "phash": (1 << 64) - image,
        }


def test_an_image_with_several_captions_is_read_once() -> None:
    schema = pa.schema([IMAGE_SCHEMA.field(name) for name in COLUMNS])
    table = pa.Table.from_pylist(list(rows()), schema=schema)
    found = list(image_signatures(table))
    assert [s.image_key for s in found] == [f"{1:024x}", f"{2:024x}"]
    assert [(s.width, s.height, s.phash) for s in found][1] == (20, 20, (1 << 64) - 2)
    assert [pair["caption"] for pair in pairs(table)] == ["a", "b", "c"]
    assert set(next(pairs(table))) == {"key", "url", "caption"}


def test_a_thumbnail_is_the_mean_of_its_cells() -> None:
    rgb = np.zeros((16, 24, 3), np.uint8)
    rgb[:2, :3] = (10, 20, 30)
    assert thumbnail(to_png(rgb)) == bytes([10, 20, 30]) + bytes(189)


def test_larger_images_rank_first_and_keys_break_ties() -> None:
    large, early, late = signature("c", width=101), signature("a"), signature("b")
    assert sorted([late, large, early], key=lambda s: s.rank) == [large, early, late]


def test_a_duplicate_names_the_better_signature() -> None:
    found = Duplicate((-100, "abc"), "near_duplicate", 3.0, 7.0)
    assert found.check() == Check("near_duplicate", False, 3.0, 7.0, "abc")


PAIRS = [{"key": "a1", "url": "u", "caption": "one"}, {"key": "a2", "url": "u", "caption": "two"}]


def test_pairs_of_an_image_without_duplicates_are_kept() -> None:
    assert list(join_duplicates(PAIRS, [], "dedupe")) == PAIRS


def test_all_pairs_of_a_duplicate_are_rejected_for_its_best_reason() -> None:
    worse = Duplicate((-10, "x"), "near_duplicate", 1.0, 7.0)
    better = Duplicate((-20, "y"), "near_duplicate", 5.0, 7.0)
    expected = [
        Rejection("a1", "u", "one", "dedupe", "near_duplicate", 5.0, 7.0, "y"),
        Rejection("a2", "u", "two", "dedupe", "near_duplicate", 5.0, 7.0, "y"),
    ]
    assert list(join_duplicates(PAIRS, [worse, better], "dedupe")) == expected
    assert list(join_duplicates(PAIRS, [better, worse, better], "dedupe")) == expected
