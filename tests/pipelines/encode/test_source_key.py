import pyarrow as pa
import pytest

from pipelines.encode.source_key import source_keys


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("00000.tar!000007", "000007"),
        ("sub/00000.tar.gz!a/b.c!d", "a/b.c!d"),
        ("x.tgz!1", "1"),
        ("cats.parquet!a/cat.jpg", "a/cat.jpg"),
        ("cats.parquet!17", "17"),
        ("sub/cat.jpg", "sub/cat.jpg"),
        ("wow!.jpg", "wow!.jpg"),
        ("", None),
    ],
)
def test_a_key_is_what_a_row_is_called_in_its_file_or_folder(name, key):
    assert source_keys(pa.chunked_array([[name]])).to_pylist() == [key]
