import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model.shards import image_of
from pipelines.io.keys import pair_key, shard_of
from pipelines.label_overlap.config import LabelOverlapConfig, LabelsError
from pipelines.label_overlap.table import pieces, read_piece

URLS = [f"http://x.test/{n}.png" for n in range(10)]
LABELS = [["dog", f"thing {n}"] for n in range(10)]
SHARDS = 4


def read(path, **settings):
    config = LabelOverlapConfig(table=str(path), **settings)
    found: dict[str, list[str]] = {}
    for piece in pieces(str(path)):
        for shard, labels in read_piece(piece, SHARDS, config):
            assert all(shard_of(one.image, SHARDS) == shard for one in labels)
            found |= {one.image: list(one.labels) for one in labels}
    return found


@pytest.fixture
def expected():
    keys = [pair_key(url, "any caption") for url in URLS]
    return {image_of(key): labels for key, labels in zip(keys, LABELS, strict=True)}


def test_parquet_by_url_in_row_groups(expected, tmp_path):
    table = pa.table({"url": URLS, "labels": LABELS, "more": URLS})
    pq.write_table(table, tmp_path / "l.parquet", row_group_size=3)
    assert len(pieces(str(tmp_path / "l.parquet"))) == 4
    assert read(tmp_path / "l.parquet") == expected


def test_csv_by_key(expected, tmp_path):
    rows = [f"{image}{'0' * 16},dog; {labels[1]}" for image, labels in expected.items()]
    (tmp_path / "l.csv").write_text("\n".join(["key,labels", *rows]))
    assert read(tmp_path / "l.csv") == expected


def test_jsonl_with_scores(expected, tmp_path):
    rows = [
        json.dumps({"url": url, "labels": labels[::-1], "scores": [0.3, 0.9]})
        for url, labels in zip(URLS, LABELS, strict=True)
    ]
    (tmp_path / "l.jsonl").write_text("\n".join(rows) + "\n\n")
    assert read(tmp_path / "l.jsonl") == expected
    best = {image: labels[:1] for image, labels in expected.items()}
    assert read(tmp_path / "l.jsonl", min_labels=0, min_score=0.5) == best


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("l.csv", "url,label\na,b\n", "its columns are label, url"),
        ("l.jsonl", '{"key": "xyz", "labels": ["a"]}\n', "'xyz' is no key"),
        ("l.jsonl", '{"key": "", "labels": ["a"]}\n', "names no image"),
        ("l.jsonl", '{"url": "u", "labels": ["a"], "scores": [1, 2]}\n', "1 labels have 2 scores"),
        ("l.jsonl", "[1\n", "Expecting"),
        ("l.txt", "", "neither in .parquet"),
        ("l.parquet", "", "cannot be read"),
    ],
)
def test_what_is_no_table_of_labels_is_refused(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(LabelsError, match=message):
        read(tmp_path / name)
