import pytest

from orchestration.report.lookup import is_key_or_url, keys_of
from pipelines.io.finish import rejection_table
from pipelines.io.parquet import to_bytes
from pipelines.rejection import Rejection

KEY = "0" * 40


@pytest.mark.parametrize(
    ("query", "is_text"),
    [
        ("a red ball", True),
        ("Red", True),
        ("see http://a.example/1.png", True),
        ("deadbeef", False),
        (KEY, False),
        ("HTTPS://a.example/1.png", False),
        ("urn:x:1", False),
    ],
)
def test_what_is_neither_key_nor_url_may_be_a_name_or_a_caption(query, is_text):
    assert is_key_or_url(query) != is_text


def test_details_are_names_only_where_they_are_said_to_be(tmp_path):
    shard = str(tmp_path / "part.parquet")
    row = Rejection(KEY, "http://a.example/1.png", "a cat", "crawl", "no_caption", detail="a/b.jpg")
    (tmp_path / "part.parquet").write_bytes(to_bytes(rejection_table([row])))
    assert keys_of([(shard, True)], "b.jpg") == [KEY]
    assert keys_of([(shard, False)], "b.jpg") == []
