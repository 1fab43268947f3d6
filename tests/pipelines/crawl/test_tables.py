import gzip
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.crawl.columns import ColumnError
from pipelines.crawl.lines import MAX_LINE_BYTES
from pipelines.crawl.sources import Source
from pipelines.crawl.tables import read_table
from pipelines.rejection import Rejection

U = "http://site.test/a.jpg"


def _read(content: bytes, name: str = "t.tsv", **settings) -> list[tuple[str, str]]:
    """(URL, caption) of each row; of a bad one its reason and detail."""
    rows = read_table(io.BytesIO(content), name, Source(path=name, **settings))
    return [
        (row.reason, row.detail) if isinstance(row, Rejection) else (row.raw_url, row.caption)
        for row in rows
    ]


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
    assert (row.reason, row.caption, row.detail) == ("bad_record", "alone", "1 columns, needs 2")
    assert not isinstance(good, Rejection)


def test_a_quote_that_is_never_closed_does_not_end_the_file():
    lines = [f'"open,{U}\n', *[f"row {n},{U}\n" for n in range(20_000)]]
    rows = _read("".join(lines).encode(), "t.csv")
    assert ("bad_record", "not a row of CSV") in rows
    assert rows[-1] == (U, "row 19999")


def test_an_endless_line_is_cut_and_the_next_one_read():
    rows = _read(b"x" * (3 * MAX_LINE_BYTES) + f"\nb\t{U}\n".encode())
    assert rows == [("bad_record", "1 columns, needs 2"), (U, "b")]


def test_bytes_that_are_not_utf_8_are_replaced():
    assert _read(b"caf\xe9\t" + U.encode()) == [(U, "caf\ufffd")]


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


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + b"x" * 100 + b"PAR1", b"PAR1\0\0\0\0PAR1"])
def test_something_else_than_parquet_is_one_bad_record(content):
    assert _read(content) == [("bad_record", "not readable as Parquet")]


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
    assert not isinstance(row, Rejection)
    assert (row.page_url, row.license, row.source, row.text_source) == (
        "http://site.test/",
        "CC0",
        "mine",
        "table",
    )


def test_an_empty_table_has_no_rows():
    assert _read(b"") == []
