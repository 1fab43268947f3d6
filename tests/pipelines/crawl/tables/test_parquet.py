import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.candidates import Found
from pipelines.crawl.images.image import Image
from pipelines.crawl.sources import Source
from pipelines.crawl.tables.columns import ColumnError
from pipelines.crawl.tables.parquet import read_parquet

U = "http://site.test/a.jpg"
IMAGES = [b"abc", b"def", None]
TEXTS = ["a red boat", "café", None]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
STRUCTS = [{"bytes": encoded, "path": "../a"} for encoded in IMAGES]


def _rows(columns, **settings):
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, write_page_checksum=True)
    return list(read_parquet(sink, "t.parquet", Source(path="t", **settings)))


def _encoded(rows):
    return [row.encoded if isinstance(row, Image) else row.reason for row in rows]


def _view(kind):
    return pa.struct([("bytes", kind)])


@pytest.mark.parametrize(
    "images",
    [
        pa.array(IMAGES, pa.binary()),
        pa.array(IMAGES, pa.large_binary()),
        pa.array(IMAGES, pa.binary_view()),
        pa.array(IMAGES, pa.binary(3)),
        pa.array(IMAGES, pa.binary()).dictionary_encode(),
        pa.array(STRUCTS, STRUCT),
        pa.array([{"bytes": encoded} for encoded in IMAGES], _view(pa.binary_view())),
        pa.array([{"bytes": encoded} for encoded in IMAGES], _view(pa.large_binary())),
        pa.array([{"bytes": encoded} for encoded in IMAGES], _view(pa.binary(3))),
        pa.StructArray.from_arrays(
            [pa.array(IMAGES, pa.binary()).dictionary_encode()], names=["bytes"]
        ),
    ],
    ids=lambda images: str(images.type),
)
def test_bytes_of_any_type_are_images(images):
    rows = _rows({"image": images, "caption": ["a", "b", "c"]})
    assert _encoded(rows) == [b"abc", b"def", "no_picture"]
    assert _encoded(_rows({"x": images, "caption": ["a", "b", "c"]}, image_column="x")) == [
        b"abc", b"def", "no_picture",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "texts",
    [
        pa.array(TEXTS, pa.string()),
        pa.array(TEXTS, pa.large_string()),
        pa.array(TEXTS, pa.string_view()),
        pa.array(TEXTS).dictionary_encode(),
        pa.array([t and t.encode() for t in TEXTS], pa.binary_view()),
        pa.array([t and t.encode() for t in TEXTS], pa.large_binary()),
        pa.array([t and [t] for t in TEXTS], pa.list_(pa.string_view())),
        pa.array([t and [t] for t in TEXTS], pa.large_list(pa.large_string())),
        pa.array([[t] for t in TEXTS], pa.list_(pa.string(), 1)),
        pa.array([[t] for t in TEXTS], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
    ],
    ids=lambda texts: str(texts.type),
)
def test_texts_of_any_type_are_captions(texts):
    rows = _rows({"url": pa.array([U] * 3, pa.string_view()), "caption": texts})
    assert [(row.raw_url, row.caption) for row in rows if isinstance(row, Found)] == [
        (U, "a red boat"), (U, "café"), (U, ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "images", "kind"),
    [
        ("images", pa.array([[s] for s in STRUCTS], pa.list_(STRUCT)), "list<"),
        ("photos", pa.array([[b"a"]] * 3, pa.list_(pa.binary_view())), "list<"),
        ("image", pa.array(["aGk="] * 3), "string"),
        ("image", pa.array([[1, 2]] * 3), "list<"),
        ("img", pa.array([{"path": "a"}] * 3), "struct<path"),
    ],
)
def test_images_in_another_type_are_an_error_that_speaks_of_it(name, images, kind):
    columns = {name: images, "caption": ["a", "b", "c"]}
    for settings in ({}, {"image_column": name}):
        with pytest.raises(ColumnError, match=f"of type {kind}") as caught:
            _rows(columns, **settings)
        assert "image_column" in str(caught.value)
        assert "url" not in str(caught.value).lower()


def test_urls_beside_images_of_another_type_are_read():
    images = pa.array([STRUCTS], pa.list_(STRUCT))
    assert [row.raw_url for row in _rows({"images": images, "url": [U], "text": ["a"]})] == [U]


def test_bytes_that_are_no_text_cost_their_row():
    columns = {"url": [U, U, U], "caption": [b"caf\xe9", b"\x81\x8d", "é".encode()]}
    first, bad, last = _rows(columns)
    assert (first.caption, last.caption) == ("café", "é")
    assert (bad.reason, bad.url) == ("bad_encoding", U)
