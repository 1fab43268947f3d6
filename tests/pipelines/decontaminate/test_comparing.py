"""Rows are compared in every way, and of each set the surest match is told."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from dalle_model.pixels import Rgb, to_png
from pipelines.decontaminate.comparing import Comparison
from pipelines.decontaminate.config import DecontaminateConfig
from pipelines.decontaminate.match import Match
from pipelines.decontaminate.references import COLUMNS, References
from pipelines.records import IMAGE_SCHEMA, REFERENCE_SCHEMA
from pipelines.sameness.hashes import describe
from tests.pipelines.references.test_describe import Colours
from tests.pipelines.sameness.test_alignment import picture
from tests.support.image_rows import row

LONG = "a long caption of exactly nine words in all"


def reference(of: str, name: str, rgb: Rgb | None = None, **known: object) -> dict[str, object]:
    made: dict[str, object] = {"set": of, "name": name, "captions": [], "unreadable": ""}
    made |= dict.fromkeys(("sha256", "pixel_hash"), "") | {"sketch": b"", "thumbnail": b""}
    if rgb is not None:
        made |= {k: v for k, v in describe(rgb).items() if k != "phash"}
        made["embedding"] = Colours().embed_images([rgb])[0].tolist()
    return made | known


def found(
    references: Sequence[dict[str, object]],
    rows: Sequence[dict[str, object]],
    *,
    embeds: bool = False,
    **settings: object,
) -> list[list[Match]]:
    config = DecontaminateConfig.model_validate(settings)
    table = pa.Table.from_pylist(list(references), REFERENCE_SCHEMA).select(COLUMNS)
    known = References.of(table, config.ngram, config.min_words)
    comparison = Comparison(known, config, Colours() if embeds else None)
    images = pa.Table.from_pylist(list(rows), IMAGE_SCHEMA)
    return comparison.matches(images.select(comparison.columns))


def image(number: int, rgb: Rgb, **known: object) -> dict[str, object]:
    digests = {"sha256": f"{number:064x}", "pixel_hash": f"{number:032x}"}
    return row(number, image=to_png(rgb)) | describe(rgb) | digests | known


def test_a_file_goes_before_pixels_and_pixels_before_a_look() -> None:
    known = [
        reference("a", "file", sha256="7" * 64),
        reference("a", "pixels", pixel_hash="8" * 32),
        reference("a", "look", picture(1)),
    ]
    rows = [
        image(1, picture(1), sha256="7" * 64, pixel_hash="8" * 32),
        image(2, picture(1), pixel_hash="8" * 32),
        image(3, picture(1)),
        image(4, picture(2)),
    ]
    surest = [[(m.reference, m.by, m.value) for m in matches] for matches in found(known, rows)]
    assert surest == [
        [("file", "file", 0)],
        [("pixels", "pixels", 0)],
        [("look", "look", 0)],
        [],
    ]


def test_each_set_is_told_with_its_nearest_image_and_its_caption() -> None:
    cropped = picture(1)[5:, 5:]
    known = [
        reference("a", "crop", cropped, captions=["none", LONG]),
        reference("a", "same", picture(1)),
        reference("b", "crop", cropped),
        reference("b", "other", picture(3), captions=[LONG.upper()]),
    ]
    (matches,) = found(known, [image(1, picture(1), caption=f"{LONG} and more")])
    images = [(m.of, m.reference) for m in matches if m.is_of_image]
    assert images == [("a", "same"), ("b", "crop")]
    captions = [(m.of, m.reference, m.value) for m in matches if not m.is_of_image]
    assert captions == [("a", "crop", 2), ("b", "other", 2)]
    assert matches[1].value > 0


@pytest.mark.parametrize(("shared", "count"), [(1, 1), (2, 1), (3, 0)])
def test_as_many_sequences_of_words_are_shared_as_are_asked_for(shared: int, count: int) -> None:
    known = [reference("a", "x", captions=[LONG])]
    (matches,) = found(known, [image(1, picture(1), caption=LONG)], min_shared=shared)
    assert len(matches) == count


def test_what_has_one_content_matches_where_there_are_vectors() -> None:
    def plain(*colour: int) -> Rgb:
        return np.full((40, 40, 3), colour, np.uint8) + picture(1, 40) // 32

    known = [reference("a", "red", plain(200, 20, 20)), reference("a", "blue", plain(0, 0, 200))]
    rows = [image(n, picture(n + 9)) for n in range(70)]
    rows.append(image(71, plain(200, 22, 20)[:, ::-1]))
    without = found(known, rows, max_hamming=0)
    assert without == [[]] * 71
    matches = found(known, rows, max_hamming=0, embeds=True, min_cosine=0.99)
    assert matches[:70] == [[]] * 70
    assert [(m.reference, m.by) for m in matches[70]] == [("red", "embedding")]
    assert 0.99 < matches[70][0].value <= 1


def test_a_cosine_does_not_depend_on_what_else_is_compared() -> None:
    """To the last bit: else a row at the limit would come and go with its neighbours."""
    known = [reference("a", str(n), picture(n)) for n in range(40)]
    rows = [image(n, picture(100 + n)) for n in range(70)]
    together = found(known, rows, embeds=True, min_cosine=0.5)
    alone = [found(known, [one], embeds=True, min_cosine=0.5)[0] for one in rows]
    assert together == alone
    assert any(together)


def test_the_centre_of_a_long_image_matches_a_stored_square() -> None:
    wide = np.concatenate([picture(5), picture(6), picture(7)], axis=1)[:, 120:480]
    views = [describe(wide), describe(wide[:, 80:280])]
    both = {name: b"".join(view[name] for view in views) for name in ("sketch", "thumbnail")}
    known = [reference("a", "wide") | both]
    square, side = found(known, [image(1, wide[:, 80:280]), image(2, wide[:, :200])])
    assert [m.reference for m in square] == ["wide"]
    assert side == []


def test_an_unreadable_reference_is_matched_by_its_caption_alone() -> None:
    known = [reference("a", "x", captions=[LONG], unreadable="not decoded")]
    rows = [image(1, picture(1), sha256="", pixel_hash=""), image(2, picture(2), caption=LONG)]
    assert [[m.by for m in matches] for matches in found(known, rows)] == [[], ["caption"]]
