import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.books import PassedOver
from pipelines.crawl.candidates import Found
from pipelines.crawl.config import CrawlConfig
from pipelines.crawl.images.image import Image
from pipelines.crawl.readers.reader import Rows
from pipelines.crawl.readers.registry import reader_for
from pipelines.crawl.sources import InputFile, Source
from pipelines.crawl.splits import WHOLE, Extent, every
from pipelines.crawl.streams import OpenInput
from pipelines.crawl.tables.columns import ColumnError
from pipelines.crawl.tables.lines import MAX_LINE_BYTES
from pipelines.rejection import Rejection
from tests.support.sources import (
    samples,
    write_cc3m_tsv,
    write_cc12m_tsv,
    write_coyo_parquet,
    write_csv,
    write_hf_parquet,
    write_json_lines,
    write_laion_parquet,
)

U = "http://site.test/a.jpg"


def read_table(stream: io.BytesIO, name: str, source: Source) -> Rows:
    """The rows of a table, by the reader that its content chooses."""
    opened = OpenInput(InputFile(name, "table"), stream)
    return reader_for(opened).read(opened, source, CrawlConfig(sources=(source,)), 0, every)


def table_extent(stream: io.BytesIO, name: str) -> Extent:
    opened = OpenInput(InputFile(name, "table"), stream)
    extent = reader_for(opened).extent
    assert extent is not None
    return extent(opened)


def _read(content: bytes, name: str = "t.tsv", **settings) -> list[tuple[str, str]]:
    """(URL, caption) of each row; of a bad one its reason and detail."""
    pairs = []
    for row in read_table(io.BytesIO(content), name, Source(path=name, **settings)):
        assert isinstance(row, Found | Rejection)
        if isinstance(row, Rejection):
            pairs.append((row.reason, row.detail))
        else:
            pairs.append((row.raw_url, row.caption))
    return pairs


def _parquet(**columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, row_group_size=2, write_page_checksum=True)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "settings"),
    [
        (f"a red barn\t{U}\n", "cc3m.tsv", {}),
        (f"a red barn\t{U}", "cc3m.tsv", {}),
        (f"a red barn\t{U}\r\n\r\n", "cc3m.tsv", {}),
        (f"\ufeffa red barn\t{U}\n", "cc3m.tsv", {}),
        (f"a red barn\t{U}\n", "unknown", {}),
        (f"{U}\ta red barn\n", "t.tsv", {"url_column": 0, "caption_column": 1}),
        (f"url\tcaption\n{U}\ta red barn\n", "t.tsv", {}),
        (f"TEXT\tURL\na red barn\t{U}\n", "t.tsv", {"caption_column": "text"}),
        (f"id,url,caption\n1,{U},a red barn\n", "t.csv", {}),
        (
            f'x,y\n"a red barn",{U}\n',
            "t.csv",
            {"has_header": True, "caption_column": 0, "url_column": 1},
        ),
        (f"a red barn,{U}\n", "t.csv", {}),
    ],
)
def test_text_tables(content, name, settings):
    plain = content.encode()
    assert _read(plain, name, **settings) == [(U, "a red barn")]
    assert _read(gzip.compress(plain), name + ".gz", **settings) == [(U, "a red barn")]


def test_quotes_mean_nothing_in_tsv_and_something_in_csv():
    assert _read(f'a 5" disk\t{U}\n"b\t{U}\n'.encode()) == [(U, 'a 5" disk'), (U, '"b')]
    assert _read(f'"two\nlines, one ""cell""",{U}\n'.encode(), "t.csv") == [
        (U, 'two\nlines, one "cell"')
    ]


def test_a_short_row_is_a_bad_record_with_its_text():
    (row, good) = read_table(io.BytesIO(f"alone\nb\t{U}\n".encode()), "t.tsv", Source(path="t"))
    assert isinstance(row, Rejection)
    assert (row.reason, row.caption, row.detail) == (
        "bad_record",
        "alone",
        "1 cell, most rows have 2",
    )
    assert not isinstance(good, Rejection)


def test_a_quote_that_is_never_closed_does_not_end_the_file():
    lines = [f'"open,{U}\n', *[f"row {n},{U}\n" for n in range(20_000)]]
    first, *rows = _read("".join(lines).encode(), "t.csv")
    assert first == ("bad_record", "not a row of CSV: a quote is opened and not closed")
    assert rows == [(U, f"row {n}") for n in range(20_000)]


def test_an_endless_line_is_dropped_and_the_next_one_read():
    rows = _read(b"x" * (3 * MAX_LINE_BYTES) + f"\nb\t{U}\n".encode())
    assert rows == [("bad_record", "a line of more than 1048576 bytes"), (U, "b")]


def test_bytes_that_are_not_utf_8_are_windows_1252():
    assert _read(b"caf\xe9\t" + U.encode()) == [(U, "café")]


def test_damaged_gzip_keeps_what_came_before():
    packed = gzip.compress("".join(f"row {n * n}\t{U}\n" for n in range(20_000)).encode())
    rows = _read(packed[: len(packed) // 2])
    assert rows[0] == (U, "row 0")
    assert rows[-1] == ("bad_record", "damaged compression")


def test_parquet_tables():
    content = _parquet(caption=["a", None, "c"], url=[U, U, None], n=[1, 2, 3])
    assert _read(content, "t.parquet") == [(U, "a"), (U, ""), ("", "c")]
    assert _read(content, "t.parquet", caption_column="n")[2] == ("", "3")
    assert _read(content, "t.parquet", url_column=0, caption_column=1)[0] == ("a", U)


def test_a_damaged_row_group_costs_its_rows():
    content = _parquet(caption=[f"caption {n}" for n in range(6)], url=[U] * 6)
    damaged = content.replace(b"caption 2", b"captiom 2")
    rows = _read(damaged, "t.parquet")
    assert rows.count(("bad_record", "damaged row group")) == 1
    assert [caption for _, caption in rows if caption.startswith("caption")] == [
        "caption 0",
        "caption 1",
        "caption 4",
        "caption 5",
    ]


@pytest.mark.parametrize(
    ("content", "name", "fault"),
    [
        (b"PAR1", "t", "its end is missing, as after a download that broke off"),
        (b"PAR1" + b"x" * 100, "t", "its end is missing, as after a download that broke off"),
        (b"PAR1" + b"x" * 100 + b"PAR1", "t", "its footer is damaged"),
        (b"PAR1\0\0\0\0PAR1", "t", "its footer is damaged"),
        (b"", "t.parquet", "the file is empty"),
        (f"a\t{U}\n".encode(), "t.parquet", "it is of another format"),
    ],
)
def test_something_else_than_parquet_is_one_bad_record(content, name, fault):
    assert _read(content, name) == [("bad_record", f"not readable as Parquet: {fault}")]


@pytest.mark.parametrize(
    ("content", "settings"),
    [
        (b"url,text\nx,y\n", {"caption_column": "title"}),
        (b"a,b\nx,y\n", {"url_column": "link"}),
        (b"a,b\n", {"url_column": "link", "has_header": False}),
        (_parquet(a=["x"]), {}),
    ],
)
def test_a_missing_column_is_an_error_of_the_config(content, settings):
    with pytest.raises(ColumnError, match="has no column"):
        _read(content, "t.csv", **settings)


def test_provenance_columns():
    content = f"url,caption,page,cc\n{U},a,http://site.test/,CC0\n".encode()
    source = Source(path="t.csv", name="mine", page_url_column="page", license_column="cc")
    (row,) = read_table(io.BytesIO(content), "t.csv", source)
    assert isinstance(row, Found)
    assert (row.page_url, row.license, row.source, row.text_source) == (
        "http://site.test/",
        "CC0",
        "mine",
        "table",
    )


def test_an_empty_table_has_no_rows():
    assert _read(b"") == []


@pytest.mark.parametrize(
    "write",
    [write_cc3m_tsv, write_cc12m_tsv, write_laion_parquet, write_coyo_parquet, write_json_lines,
     write_csv],
)  # fmt: skip
def test_tables_as_people_have_them_need_no_settings(tmp_path, write):
    pairs = samples(9)
    content = write(tmp_path / "t", pairs).read_bytes()
    name = "t.csv" if write is write_csv else "t"
    assert _read(content, name) == [(p.url, p.caption) for p in pairs]


def test_a_list_of_captions_is_a_pair_each():
    content = _parquet(url=[U, U, U], captions=[["a", "b"], [], None])
    assert _read(content) == [(U, "a"), (U, "b"), (U, ""), (U, "")]
    line = b'{"url": "%s", "caption": ["a", "b"]}' % U.encode()
    assert _read(line, "t.jsonl") == [(U, "a"), (U, "b")]


def test_lines_that_are_no_objects_of_json():
    lines = ["{", "[1]", "[" * 100_000, f'{{"url": "{U}", "text": "a"}}', '{"url": null}', "\x00"]
    content = "\n".join(lines).encode()
    damage = ["not a line of JSON", "not an object of JSON"]
    rows = _read(content, "t.jsonl")
    assert rows[3] == (U, "a")
    lacking = "no key 'caption/captions/text/alt/alt_text/title'; its keys are 'url'"
    nul = "holds a NUL, so it is no text in UTF-8"
    assert [detail for _, detail in rows if detail != "a"] == [
        damage[0], damage[1], damage[0], lacking, nul,
    ]  # fmt: skip
    assert _read(gzip.compress(content), "t.jsonl.gz") == rows


def test_a_table_written_by_datasets_holds_its_images(tmp_path):
    pairs = samples(9)
    content = write_hf_parquet(tmp_path / "t.parquet", pairs).read_bytes()
    rows = list(read_table(io.BytesIO(content), "t.parquet", Source(path="t", name="hf")))
    assert all(isinstance(row, Image) for row in rows)
    found = [(r.encoded, r.found.caption) for r in rows if isinstance(r, Image)]
    assert found == [(p.encoded, p.caption) for p in pairs]


@pytest.mark.parametrize("name", ["jpg", "image"])
def test_a_column_of_bytes_with_a_usual_name_holds_images(name):
    content = _parquet(**{name: [b"p", None], "url": [U, U], "caption": ["a", "b"]})
    image, gone = read_table(io.BytesIO(content), "t", Source(path="t"))
    assert isinstance(image, Image)
    assert (image.encoded, image.found.raw_url) == (b"p", U)
    assert isinstance(gone, Rejection)
    assert gone.reason == "no_picture"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "the columns jpg and png all hold bytes"),
        ({"image_column": "gif"}, "no column 'gif' of bytes"),
        ({"image_column": "text"}, "no column 'text' of bytes"),
        ({"image_column": 9}, "no column 9 of bytes"),
    ],
)
def test_an_ambiguous_or_missing_column_of_images(settings, message):
    content = _parquet(jpg=[b"p"], png=[b"q"], text=["a"])
    with pytest.raises(ColumnError, match=message):
        list(read_table(io.BytesIO(content), "t", Source(path="t", **settings)))
    for column in ("PNG", 1):
        (row,) = read_table(io.BytesIO(content), "t", Source(path="t", image_column=column))
        assert isinstance(row, Image)
        assert row.encoded == b"q"


def test_columns_of_one_name_are_chosen_by_number():
    table = pa.table([[U], ["a"], ["b"]], names=["url", "text", "text"])
    sink = io.BytesIO()
    pq.write_table(table, sink)
    assert _read(sink.getvalue(), caption_column=2) == [(U, "b")]
    with pytest.raises(ColumnError, match="'text' and 'text'"):
        _read(sink.getvalue())


def test_what_is_read_whole_is_one_position():
    rows = f"caption\t{U}\n".encode() * 3
    assert table_extent(io.BytesIO(rows), "t.tsv").size == len(rows)
    assert table_extent(io.BytesIO(rows.replace(b"\t", b",")), "t.csv") == WHOLE
    assert table_extent(io.BytesIO(rows + b'"a ""b"""\tc\n'), "t.tsv") == WHOLE
    assert table_extent(io.BytesIO(rows.decode().encode("utf-16")), "t.tsv") == WHOLE
    assert table_extent(io.BytesIO(rows.replace(b"\n", b"\r")), "t.tsv") == WHOLE
    assert table_extent(io.BytesIO(gzip.compress(rows)), "t.tsv.gz") == WHOLE
    assert table_extent(io.BytesIO(_parquet(url=[U] * 5)), "t").size == 3
    assert table_extent(io.BytesIO(b"PAR1"), "t") == WHOLE


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_cells_of_csv_parted_by_another_mark(mark):
    content = f'url{mark}caption\n{U}{mark}"a, {mark} b"\n{U}{mark}c, d\n'.encode()
    assert _read(content, "t.csv") == [(U, f"a, {mark} b"), (U, "c, d")]


def test_a_caption_that_is_a_struct_costs_its_row():
    captions = [{"en": "a barn"}, {"en": "b"}]
    detail = "structs or nested lists where a text should be"
    assert _read(_parquet(url=[U, U], caption=captions)) == [("bad_record", detail)] * 2


def test_texts_that_parquet_does_not_mark_as_such():
    assert _read(_parquet(url=[U.encode()], caption=[b"a barn"])) == [(U, "a barn")]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl"])
def test_a_text_table_without_rows_lacks_no_column(name):
    assert _read(b"\n\n", name, url_column="address", caption_column="words") == []


MD5, SHA256, PHASH = "a" * 32, "b" * 64, "c" * 16


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (f"url,caption,md5,sha256,phash\n{U},a,{MD5},{SHA256},{PHASH}\n".encode(), "t.csv"),
        (f'{{"url": "{U}", "phash": "{PHASH}", "text": "a", "SHA256": "{SHA256}", '
         f'"md5": "{MD5.upper()}"}}'.encode(), "t.jsonl"),
        (_parquet(url=[U], text=["a"], md5=[bytes.fromhex(MD5)], sha256=[SHA256],
                  phash=pa.array([int(PHASH, 16)], pa.uint64())), "t.parquet"),
    ],
)  # fmt: skip
def test_hashes_of_images_are_found_by_their_usual_names(content, name):
    (row,) = read_table(io.BytesIO(content), name, Source(path=name))
    assert isinstance(row, Found)
    assert row.declared_hash == f"md5:{MD5} sha256:{SHA256} phash:{PHASH}"


def test_hashes_of_images_are_found_by_the_names_that_are_given():
    content = f"{U}\ta\t{PHASH}\n".encode()
    source = Source(path="t", url_column=0, caption_column=1, phash_column=2)
    (row,) = read_table(io.BytesIO(content), "t.tsv", source)
    assert isinstance(row, Found)
    assert row.declared_hash == f"phash:{PHASH}"


def test_a_cell_that_is_no_hash_is_counted_and_its_row_stays():
    content = f"url,text,md5,phash\n{U},a,{MD5},00\n{U},b,,{PHASH}\n{U},c,x,\n".encode()
    rows = list(read_table(io.BytesIO(content), "t.csv", Source(path="t")))
    assert [row.declared_hash for row in rows if isinstance(row, Found)] == [
        f"md5:{MD5}", f"phash:{PHASH}", "",
    ]  # fmt: skip
    assert [row for row in rows if not isinstance(row, Found)] == [
        PassedOver("cells that are no phash hash"), PassedOver("cells that are no md5 hash"),
    ]  # fmt: skip


def test_of_a_table_with_images_hashes_are_read_only_where_they_are_named():
    content = _parquet(jpg=[b"image"], caption=["a"], sha256=[SHA256])
    (row,) = read_table(io.BytesIO(content), "t", Source(path="t"))
    assert isinstance(row, Image)
    assert row.found.declared_hash == ""
    (row,) = read_table(io.BytesIO(content), "t", Source(path="t", sha256_column="sha256"))
    assert isinstance(row, Image)
    assert row.found.declared_hash == f"sha256:{SHA256}"
