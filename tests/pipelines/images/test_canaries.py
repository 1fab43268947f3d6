"""What lies beside the pixels of a file reaches no output of any stage."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dalle_model import files
from pipelines.encode.config import EncodeConfig
from pipelines.encode.shard import encode_shard
from pipelines.images.config import ImagesConfig
from pipelines.images.shard import process_shard
from pipelines.io import parquet
from pipelines.io.finish import finish_shard
from pipelines.io.task import Stopwatch
from pipelines.records import IMAGES, SELECTION, SELECTION_SCHEMA
from tests.support.codecs import write_codec
from tests.support.fetched_rows import fetched, write_fetched
from tests.support.raw_images import chunk, encode, smooth
from tests.support.results import whole
from tests.support.tasks import stage_task

CANARY = b"CANARY-4711"
TEXT = CANARY.decode()
IMAGE = smooth(90, 60)
FILES = 30


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(extra: bytes = b"", **options: Any) -> bytes:
    encoded = encode(IMAGE, "JPEG", **options)
    return encoded[:2] + extra + encoded[2:]


def png(extra: bytes = b"", **options: Any) -> bytes:
    encoded = encode(IMAGE, "PNG", **options)
    return encoded[:33] + extra + encoded[33:]


def webp(kind: bytes) -> bytes:
    encoded = encode(IMAGE, "WEBP", exif=b"Exif\0\0" + bytes(8))
    body = encoded[8:] + kind + struct.pack("<I", len(CANARY)) + CANARY + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def exif(where: str) -> Image.Exif:
    made = Image.Exif()
    if where == "description":
        made[0x010E] = TEXT
    if where == "gps":
        made.get_ifd(0x8825)[29] = TEXT
    if where == "maker note":
        made.get_ifd(0x8769)[0x927C] = CANARY
    if where == "comment":
        made.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + CANARY
    return made


def planted() -> Iterator[bytes]:
    for where in ("description", "gps", "maker note", "comment"):
        yield jpeg(exif=exif(where))
        yield png(exif=exif(where))
    yield encode(IMAGE, "WEBP", exif=exif("description"))
    yield encode(IMAGE, "WEBP", exif=exif("gps"), xmp=CANARY)
    yield jpeg(xmp=CANARY)
    yield jpeg(comment=CANARY)
    yield jpeg(icc_profile=CANARY * 20)
    yield jpeg(segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0b" + CANARY))  # IPTC
    yield jpeg(segment(0xEB, b"JP\0\1\0\0\0\1jumbc2pa" + CANARY))  # C2PA
    yield jpeg(segment(0xE0, b"JFXX\0\x10" + CANARY))  # a thumbnail
    yield jpeg(segment(0xE1, b"Exif\0\0" + CANARY))
    yield jpeg(segment(0xEF, CANARY))
    yield jpeg() + CANARY
    note = PngInfo()
    note.add_text("Author", TEXT)
    note.add_text("Comment", TEXT, zip=True)
    note.add_itxt("XML:com.adobe.xmp", TEXT)
    yield png(pnginfo=note)
    yield png(chunk(b"tEXt", b"Title\0" + CANARY))
    yield png(chunk(b"prVt", CANARY))
    yield png(icc_profile=CANARY * 20)
    yield png() + CANARY
    yield webp(b"XTRA")
    yield webp(b"XMP ")
    yield encode(IMAGE.quantize(8), "GIF", comment=CANARY)
    yield encode(IMAGE.quantize(8), "GIF") + CANARY
    yield jpeg(comment=CANARY)[:600]  # dropped: no reason may quote it
    yield png(chunk(b"tEXt", b"Title\0" + CANARY))[:400]


def contents(folder: Path) -> Iterator[str]:
    """Every file below a folder as text: as it is, and what Parquet holds unpacked."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield str(pq.read_table(path).to_pylist())


def test_thirty_canaries_reach_no_output(tmp_path) -> None:
    encoded = list(planted())
    assert len(encoded) == FILES
    rows = [fetched(f"http://a.test/{n}", "a caption", body) for n, body in enumerate(encoded)]
    for store in ("png", "jpeg"):
        root = tmp_path / store
        config = ImagesConfig(side=32, resize="lanczos", store=store)
        task = write_fetched(root, rows)
        result = whole(process_shard(task, 0, config))
        assert result.kept.num_rows >= 27
        finish_shard(task, 0, result, Stopwatch())
        encoding = stage_task(root, "encode", codec=f"{root}/tiny.safetensors")
        write_codec(f"{root}/tiny.safetensors")
        files.write_bytes(encoding.input(IMAGES).part(0), files.read_bytes(task.part(0)))
        kept = result.kept.select(SELECTION_SCHEMA.names).sort_by("key")
        files.write_bytes(encoding.input(SELECTION).part(0), parquet.to_bytes(kept))
        finish_shard(encoding, 0, encode_shard(encoding, 0, EncodeConfig()), Stopwatch())
        for folder in ("images", "encode", "inputs/images"):
            assert not any(TEXT in text for text in contents(root / folder))
        assert any(TEXT in text for text in contents(root / "inputs/fetched"))
