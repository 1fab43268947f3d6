import pytest

from pipelines.paths import counted_from


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.tsv", "conf/a.tsv"), ("a::b", "conf/a::b"), ("x/http://y", "conf/x/http://y"),
        ("~/a", "conf/~/a"), ("/data/a", "/data/a"), ("s3://bucket/a", "s3://bucket/a"),
        ("file:///a::b", "file:///a::b"),
    ],
)  # fmt: skip
def test_plain_paths_are_counted_from_the_folder(path, expected):
    assert counted_from("conf", path) == expected
