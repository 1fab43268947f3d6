"""What is stored of references, and what of those that cannot be read."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dalle_model.pixels import Rgb, to_png
from dalle_model.resize import centred
from pipelines.image_sets.config import ImageSet
from pipelines.image_sets.layouts import SetImage
from pipelines.io.parquet import read_table
from pipelines.records import REFERENCE_SCHEMA
from pipelines.references.describe import described, write_references
from pipelines.sameness.hashes import describe
from tests.support.image_rows import noise


class Colours:
    """An embedder whose vectors are mean colours, of length 1."""

    def embed_images(self, images: Sequence[Rgb]) -> "np.ndarray":
        means = np.array([image.mean(axis=(0, 1)) for image in images], np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True)

    def embed_texts(self, captions: Sequence[str]) -> "np.ndarray":
        raise NotImplementedError


def of(content: bytes) -> SetImage:
    return SetImage("1.png", ["a", "b"], lambda: content)


def test_a_long_image_is_described_by_its_square_too() -> None:
    wide = noise(1, 40, 60)
    row = described("set", of(to_png(wide)))
    parts = [describe(wide), describe(centred(wide))]
    assert row["sketch"] == b"".join(part["sketch"] for part in parts)
    assert row["thumbnail"] == b"".join(part["thumbnail"] for part in parts)
    assert (row["width"], row["height"], row["captions"]) == (60, 40, ["a", "b"])
    square = described("set", of(to_png(noise(2, 50, 51))))
    assert square["sketch"] == describe(noise(2, 50, 51))["sketch"]
    assert Image.open(io.BytesIO(square["image"])).size == (51, 50)


def test_what_cannot_be_read_stays_by_name_with_its_captions() -> None:
    def gone() -> bytes:
        raise FileNotFoundError("it is gone")

    rows = [described("set", SetImage("x", ["a"], gone)), described("set", of(b"\xff\xd8\xff"))]
    whys = [row["unreadable"] for row in rows]
    assert whys == ["not read: FileNotFoundError", "not decoded: UnidentifiedImageError"]
    assert [row["captions"] for row in rows] == [["a"], ["a", "b"]]
    assert {row["sketch"] for row in rows} == {b""}


def test_sets_are_counted_and_written_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(70 if name == "a" else 2):
            (tmp_path / name / f"{number:02}.png").write_bytes(to_png(noise(number, 20, 20)))
            (tmp_path / name / f"{number:02}.txt").write_text("one\ntwo")
    (tmp_path / "b" / "01.png").write_bytes(b"GIF89a")
    sets = [ImageSet(path=f"{tmp_path}/{name}", name=name) for name in ("a", "b")]
    steps: list[int] = []
    urls = [f"{tmp_path}/{number}.parquet" for number in range(2)]
    counts = [write_references(url, sets, Colours(), steps.append) for url in urls]
    assert counts[0] == {
        "a: captions": 140,
        "a: images": 70,
        "b: captions": 4,
        "b: images": 2,
        "b: unreadable": 1,
        "b: first unreadable": "01.png (not decoded: UnidentifiedImageError)",
    }
    assert steps == [64, 70, 72] * 2
    one, other = (Path(url).read_bytes() for url in urls)
    assert one == other
    table = read_table(urls[0])
    assert table.schema.equals(REFERENCE_SCHEMA)
    vectors = table["embedding"].to_pylist()
    assert vectors[-1] is None
    assert {len(vector) for vector in vectors[:-1]} == {3}
