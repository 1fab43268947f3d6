import pytest

from pipelines.paths import counted_from, scorer_from


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


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("demo", "demo"), ("clip.safetensors", "conf/clip.safetensors"), ("mine", "mine"),
        ("mine:a/b.onnx", "mine:conf/a/b.onnx"), ("ViT-B-32@w.pt", "ViT-B-32@conf/w.pt"),
        ("own.json@s3://bucket/w.pt", "conf/own.json@s3://bucket/w.pt"),
    ],
)  # fmt: skip
def test_paths_in_the_name_of_a_scorer_are_counted_from_the_folder(name, expected):
    assert scorer_from("conf", name) == expected
