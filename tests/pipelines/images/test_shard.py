import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dalle_model import files
from dalle_model.pixels import from_stored
from pipelines.images.config import ImagesConfig
from pipelines.images.measure import measure
from pipelines.images.sandbox.protocol import Answer
from pipelines.images.sandbox.sandbox import Sandbox
from pipelines.images.shard import columns, is_compared, process_shard
from pipelines.io import batches, parquet
from pipelines.io.finish import finish_shard
from pipelines.io.parquet import UnreadableShardError
from pipelines.io.supplied import held_once
from pipelines.io.task import Stopwatch
from pipelines.records import CANDIDATES, IMAGE_SCHEMA
from pipelines.sameness.hashes import phash
from tests.support.fetched_rows import fetched, write_fetched
from tests.support.raw_images import encode, smooth
from tests.support.results import whole
from tests.support.tasks import stage_task

CONFIG = ImagesConfig(side=32, resize="lanczos")


def test_rows_are_kept_or_rejected_and_the_books_balance(tmp_path) -> None:
    good = encode(smooth(90, 60), "JPEG")
    rows = [
        fetched("http://a.test/1.jpg", "one", good),
        fetched("http://a.test/1.jpg", "two", good),
        fetched("http://a.test/2.jpg", "page", b"<html>"),
        fetched("http://a.test/3.jpg", "wide", encode(smooth(200, 60), "JPEG")),
    ]
    result = whole(process_shard(write_fetched(tmp_path, rows), 0, CONFIG))
    assert result.kept.schema == IMAGE_SCHEMA
    assert sorted(result.kept.column("caption").to_pylist()) == ["one", "two"]
    reasons = {r.caption: (r.reason, r.stage, r.measured) for r in result.rejected}
    assert reasons["page"] == ("wrong_format", "images", None)
    assert reasons["wide"] == ("aspect_ratio", "images", 200 / 60)
    assert result.rows_in == result.kept.num_rows + len(result.rejected) == 4


def test_bytes_that_a_source_supplied_give_the_same_rows(tmp_path) -> None:
    pictures = [encode(smooth(90, 60 + n), "JPEG") for n in range(5)]
    rows = [
        fetched(f"http://a.test/{n}.jpg", caption, picture)
        for n, picture in enumerate(pictures)
        for caption in ("one", "two")
    ]
    expected = whole(process_shard(write_fetched(tmp_path / "own", rows), 0, CONFIG))
    task = write_fetched(tmp_path / "supplied", [row | {"encoded": None} for row in rows])
    held = held_once([{name: row[name] for name in ("key", "sha256", "encoded")} for row in rows])
    files.write_bytes(task.input(CANDIDATES).part(0), parquet.to_bytes(pa.Table.from_pylist(held)))
    result = whole(process_shard(task, 0, CONFIG))
    assert result.kept.num_rows == len(rows)
    assert result.kept.equals(expected.kept)


def test_an_image_with_several_captions_is_decoded_once(tmp_path) -> None:
    good = encode(smooth(90, 60), "PNG")
    rows = [fetched("http://a.test/1.png", f"caption {i}", good) for i in range(100)]
    calls: list[bytes] = []

    class Counting(Sandbox):
        def measure(self, encoded: bytes, config: ImagesConfig, compares: bool = False) -> Answer:
            calls.append(encoded)
            return Answer(measure(encoded, config, compares), 0.25)

    result = whole(process_shard(write_fetched(tmp_path, rows), 0, CONFIG, Counting()))
    assert result.cpu_s == 0.25
    assert len(calls) == 1
    assert len(set(result.kept.column("image").to_pylist())) == 1
    assert result.kept.num_rows == 100


def test_one_row_of_an_image_holds_its_bytes_for_those_behind_it(tmp_path) -> None:
    good, other = encode(smooth(90, 60), "JPEG"), encode(smooth(90, 60, 1), "JPEG")
    whole_rows = [fetched("http://a.test/1.jpg", f"caption {n}", good) for n in range(5)]
    whole_rows += [fetched("http://a.test/2.jpg", "other", other)]
    expected = whole(process_shard(write_fetched(tmp_path / "whole", whole_rows), 0, CONFIG))
    first = min(row["key"] for row in whole_rows[:5])
    rows = [r if r["key"] == first or r["caption"] == "other" else r | {"encoded": None}
            for r in whole_rows]  # fmt: skip
    found = whole(process_shard(write_fetched(tmp_path / "held", rows), 0, CONFIG))
    assert found.kept.equals(expected.kept)
    assert found.kept.num_rows == 6


def test_what_an_earlier_result_has_of_the_same_bytes_is_not_decoded_again(tmp_path) -> None:
    good, other = encode(smooth(90, 60), "JPEG"), encode(smooth(90, 60, 1), "JPEG")
    rows = [
        fetched("http://a.test/1.jpg", "one", good),
        fetched("http://a.test/3.jpg", "changed", good),
    ]
    before = write_fetched(tmp_path / "before", rows)
    finish_shard(before, 0, process_shard(before, 0, CONFIG), Stopwatch())
    rows = [rows[0], fetched("http://a.test/1.jpg", "two", good)]
    rows.append(fetched("http://a.test/3.jpg", "changed", other))
    decoded: list[bytes] = []

    class Counting(Sandbox):
        def measure(self, encoded: bytes, config: ImagesConfig, compares: bool = False) -> Answer:
            decoded.append(encoded)
            return Answer(measure(encoded, config, compares), 0.25)

    task = write_fetched(tmp_path / "now", rows)
    expected = whole(process_shard(task, 0, CONFIG))
    task = replace(task, earlier=(before.folder.url,))
    found = whole(process_shard(task, 0, CONFIG, Counting()))
    assert found.kept.equals(expected.kept)
    assert decoded == [other]
    assert (found.reused, expected.reused) == (2, 0)


def test_an_empty_shard_stays_empty(tmp_path) -> None:
    result = whole(process_shard(write_fetched(tmp_path, []), 0, CONFIG))
    assert (result.rows_in, result.kept.num_rows, list(result.rejected)) == (0, 0, [])


def test_a_missing_shard_is_named(tmp_path) -> None:
    task = stage_task(tmp_path, "images")
    with pytest.raises(UnreadableShardError, match="fetched/part-00000-of-00001"):
        whole(process_shard(task, 0, CONFIG))


def test_the_columns_of_an_image_are_made_of_what_is_stored() -> None:
    found = measure(encode(smooth(90, 60), "PNG"), CONFIG)
    added = columns(found, CONFIG)
    assert np.array_equal(from_stored(added["image"]), found.stored)
    assert added["full_image"] is None
    assert (added["width"], added["height"], added["pixel_hash"]) == (90, 60, found.pixel_hash)
    assert added["phash"] == phash(found.stored)


def test_the_store_is_that_of_the_config() -> None:
    found = measure(encode(smooth(90, 60), "PNG"), CONFIG)
    lossy = columns(found, CONFIG.model_copy(update={"store": "jpeg"}))["image"]
    assert lossy.startswith(b"\xff\xd8")
    assert np.abs(from_stored(lossy).astype(int) - found.stored).max() <= 8


def test_images_decoded_at_a_scale_are_compared_one_in_64(tmp_path) -> None:
    config = CONFIG.model_copy(update={"decode": "scaled"})
    encoded = [encode(smooth(320, 240, seed), "JPEG") for seed in range(150)]
    rows = [fetched(f"http://a.test/{n}.jpg", "one", content) for n, content in enumerate(encoded)]
    kept = whole(process_shard(write_fetched(tmp_path, rows), 0, config)).kept.to_pylist()
    compared = [row for row in kept if row["full_image"] is not None]
    expected = {row["url"] for row in rows if is_compared(row["sha256"])}
    assert {row["url"] for row in compared} == expected
    assert 0 < len(expected) < 10
    for row in compared:
        scaled, full = from_stored(row["image"]), from_stored(row["full_image"])
        assert not np.array_equal(scaled, full)
        assert np.abs(scaled.astype(int) - full).mean() < 3


CANARY = b"CANARY-4711"


def _with_canaries() -> Iterator[bytes]:
    image, text = smooth(90, 60), CANARY.decode()
    exif = Image.Exif()
    exif[0x010E] = text  # ImageDescription
    exif.get_ifd(0x8825)[29] = text  # GPSDateStamp
    note = PngInfo()
    note.add_text("Author", text)
    note.add_itxt("XML:com.adobe.xmp", text)
    yield encode(image, "JPEG", exif=exif, comment=CANARY)
    yield encode(image, "JPEG", xmp=CANARY, icc_profile=CANARY)
    yield encode(image, "PNG", pnginfo=note, exif=exif)
    yield encode(image, "WEBP", exif=exif, xmp=CANARY)
    yield encode(image.quantize(8), "GIF", comment=CANARY)
    yield encode(image, "PNG") + CANARY


@pytest.mark.parametrize("encoded", list(_with_canaries()))
def test_metadata_is_not_stored(encoded) -> None:
    assert CANARY in encoded
    added = columns(measure(encoded, CONFIG), CONFIG)
    assert CANARY not in added["image"]
    kinds = _chunk_kinds(added["image"])
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def _chunk_kinds(png: bytes) -> list[bytes]:
    stream, kinds = io.BytesIO(png[8:]), list[bytes]()
    while head := stream.read(8):
        kinds.append(head[4:])
        stream.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
    return kinds


def test_no_more_is_held_of_a_shard_with_more_rows(tmp_path, monkeypatch) -> None:
    """Arrow's memory while batches are made; images are as small as what may be held of them."""
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 100_000)
    monkeypatch.setattr(batches, "_BYTES", 100_000)
    found = measure(encode(smooth(90, 60), "PNG"), CONFIG)

    class Instant(Sandbox):
        def measure(self, encoded: bytes, config: ImagesConfig, compares: bool = False) -> Answer:
            return Answer(found)

    most = []
    for count in (40, 200):
        rows = [fetched(f"http://a.test/{n}", "one", n.to_bytes(20_000)) for n in range(count)]
        task = write_fetched(tmp_path / str(count), rows)
        before, held = pa.total_allocated_bytes(), 0
        for batch in process_shard(task, 0, CONFIG, Instant()).batches:
            held = max(held, pa.total_allocated_bytes() - before)
            assert batch.kept.num_rows <= 40
        most.append(held)
    assert most[1] < 1_000_000
    assert most[1] <= 1.5 * most[0]
