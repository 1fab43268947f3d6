import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dalle_model.pixels import Rgb, from_png
from pipelines.images import shard
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import decode
from pipelines.images.hashes import phash, pixel_hash
from pipelines.images.shard import measure_image, process_shard, shrink
from pipelines.io.parquet import UnreadableShardError
from pipelines.records import IMAGE_SCHEMA
from pipelines.rejection import Check
from tests.support.fetched_rows import fetched, write_fetched
from tests.support.raw_images import encode, smooth
from tests.support.tasks import stage_task

CONFIG = ImagesConfig(side=32)


def test_rows_are_kept_or_rejected_and_the_books_balance(tmp_path) -> None:
    good = encode(smooth(90, 60), "JPEG")
    rows = [
        fetched("http://a.test/1.jpg", "one", good),
        fetched("http://a.test/1.jpg", "two", good),
        fetched("http://a.test/2.jpg", "page", b"<html>"),
        fetched("http://a.test/3.jpg", "wide", encode(smooth(200, 60), "JPEG")),
    ]
    result = process_shard(write_fetched(tmp_path, rows), 0, CONFIG)
    assert result.kept.schema == IMAGE_SCHEMA
    assert sorted(result.kept.column("caption").to_pylist()) == ["one", "two"]
    reasons = {r.caption: (r.reason, r.stage, r.measured) for r in result.rejected}
    assert reasons["page"] == ("wrong_format", "images", None)
    assert reasons["wide"] == ("aspect_ratio", "images", 200 / 60)
    assert result.rows_in == result.kept.num_rows + len(result.rejected) == 4


def test_an_image_with_several_captions_is_decoded_once(tmp_path, monkeypatch) -> None:
    good = encode(smooth(90, 60), "PNG")
    rows = [fetched("http://a.test/1.png", f"caption {i}", good) for i in range(100)]
    calls: list[bytes] = []

    def counting(encoded: bytes, config: ImagesConfig) -> Rgb:
        calls.append(encoded)
        return decode(encoded, config)

    monkeypatch.setattr(shard, "decode", counting)
    result = process_shard(write_fetched(tmp_path, rows), 0, CONFIG)
    assert len(calls) == 1
    assert len(set(result.kept.column("image").to_pylist())) == 1
    assert result.kept.num_rows == 100


def test_an_empty_shard_stays_empty(tmp_path) -> None:
    result = process_shard(write_fetched(tmp_path, []), 0, CONFIG)
    assert (result.rows_in, result.kept.num_rows, list(result.rejected)) == (0, 0, [])


def test_a_missing_shard_is_named(tmp_path) -> None:
    task = stage_task(tmp_path, "images")
    with pytest.raises(UnreadableShardError, match="fetched/part-00000-of-00001"):
        process_shard(task, 0, CONFIG)


def test_an_image_is_measured_upright_and_stored_small() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = measure_image(encode(smooth(90, 60), "PNG", exif=exif), CONFIG)
    assert isinstance(found, dict)
    assert (found["width"], found["height"]) == (60, 90)
    stored = from_png(found["image"])
    assert stored.size == (32, 48)
    upright = np.asarray(smooth(90, 60).transpose(Image.Transpose.ROTATE_270))
    assert found["pixel_hash"] == pixel_hash(upright)
    assert found["phash"] == phash(np.asarray(stored))


def test_shrinking_keeps_the_aspect_and_never_scales_up() -> None:
    assert shrink(np.zeros((100, 151, 3), np.uint8), 50).shape == (50, 76, 3)
    assert shrink(np.zeros((151, 100, 3), np.uint8), 50).shape == (76, 50, 3)
    same = np.zeros((50, 60, 3), np.uint8)
    assert shrink(same, 50) is same


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
    found = measure_image(encoded, CONFIG)
    assert not isinstance(found, Check)
    assert CANARY not in found["image"]
    kinds = _chunk_kinds(found["image"])
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}


def _chunk_kinds(png: bytes) -> list[bytes]:
    stream, kinds = io.BytesIO(png[8:]), list[bytes]()
    while head := stream.read(8):
        kinds.append(head[4:])
        stream.seek(int.from_bytes(head[:4], "big") + 4, io.SEEK_CUR)
    return kinds
