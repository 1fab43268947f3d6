import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dalle_model.data.cache import HEAD_BYTES, CachedRows, CacheError, cached
from dalle_model.data.choice import Choice
from dalle_model.data.source import open_source
from tests.support.token_shards import token_row, write_numbered_shards, write_token_shard

LONG = "é" * 100  # 200 bytes, which the place in a record cuts in the middle of nothing
CAPTIONS = ["", "short", LONG, "ü" * 64, "x" + "ü" * 64, "last"]


@pytest.fixture
def urls(tmp_path) -> list[str]:
    return write_numbered_shards(tmp_path / "shards", [50, 0, 30])


def test_the_cache_has_the_rows_of_the_shards(tmp_path, urls):
    columns = ["key", "caption", "image_tokens", "clip_score", "width", "crop"]
    source = open_source(urls, columns)
    kept = cached(source, str(tmp_path / "rows.cache"))
    for asked in (range(80), [79, 0, 0, 40, 41, 42], []):
        one, other = source.take(asked), kept.take(asked)
        assert list(one) == list(other) == columns
        for name in columns:
            if isinstance(one[name], np.ndarray):
                np.testing.assert_array_equal(one[name], other[name])
                assert one[name].dtype == other[name].dtype
            else:
                assert one[name] == other[name]
    assert len(kept) == 80
    assert kept[-1]["caption"] == "caption 79"


def test_texts_of_any_length_come_back(tmp_path):
    rows = [token_row(f"{n:040}", text, [n] * 9) for n, text in enumerate(CAPTIONS)]
    source = open_source([write_token_shard(tmp_path / "part.parquet", rows)])
    kept = cached(source, str(tmp_path / "rows.cache"))
    assert [row["caption"] for row in kept.__getitems__([5, 4, 3, 2, 1, 0, 2])] == [
        *CAPTIONS[::-1], LONG,
    ]  # fmt: skip


def test_it_is_made_once_and_a_choice_stays(tmp_path, urls):
    path = tmp_path / "rows.cache"
    source = open_source(urls, choice=Choice([("source", "==", "b")]))
    kept = cached(source, str(path))
    made = path.stat().st_mtime_ns
    assert [row["caption"] for row in kept] == [f"caption {n}" for n in range(1, 80, 2)]
    assert len(cached(open_source(urls), str(path))) == 80
    assert path.stat().st_mtime_ns == made
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rows.cache", "shards"]


def test_neighbours_are_one_read(tmp_path, urls, monkeypatch):
    kept = cached(open_source(urls), str(tmp_path / "rows.cache"))
    reads, preadv = [], os.preadv

    def counted(*arguments: Any) -> int:
        reads.append(arguments)
        return preadv(*arguments)

    monkeypatch.setattr(os, "preadv", counted)
    kept.take([3, 4, 5, 6, 70, 69, 10])
    assert len(reads) == 4


def test_it_is_pickled_as_a_path(tmp_path, urls):
    kept = cached(open_source(urls), str(tmp_path / "rows.cache"))
    assert pickle.loads(pickle.dumps(kept))[7]["caption"] == "caption 7"


def test_other_shards_are_refused_even_where_only_a_code_has_changed(tmp_path, urls):
    path = str(tmp_path / "rows.cache")
    cached(open_source(urls), path)
    content = bytearray(Path(urls[0]).read_bytes())
    content[200] ^= 1
    Path(urls[0]).write_bytes(content)
    with pytest.raises(CacheError, match="made of other shards, or they have changed"):
        cached(open_source(urls), path)
    with pytest.raises(CacheError, match="made of other shards"):
        cached(open_source(urls[2:]), path)


def test_damage_is_found(tmp_path, urls):
    path = tmp_path / "rows.cache"
    kept = cached(open_source(urls), str(path))
    assert isinstance(kept.rows, CachedRows)
    kept.rows.verify()
    content = bytearray(path.read_bytes())
    content[HEAD_BYTES + 1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(CacheError, match="is damaged; delete it"):
        cached(open_source(urls), str(path)).rows.verify()  # type: ignore[attr-defined]
    path.write_bytes(content[: HEAD_BYTES + 1000])
    with pytest.raises(CacheError, match="is cut off; delete it"):
        cached(open_source(urls), str(path)).take(range(80))
    for head in (b"", b"dalle rows v1\n{", b"dalle rows v1\n[]", b"dalle rows v0\n{}"):
        path.write_bytes(head)
        with pytest.raises(CacheError, match="is no cache of this version"):
            cached(open_source(urls), str(path))


def test_a_failure_leaves_no_cache(tmp_path, urls):
    path = tmp_path / "caches" / "rows.cache"
    source = open_source(urls)
    Path(urls[2]).write_bytes(b"gone")
    with pytest.raises(Exception, match="is not Parquet"):
        cached(source, str(path))
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("columns", "path", "words"),
    [
        (["image_tokens", "text_tokens"], "rows.cache", "text_tokens is .*no fixed width"),
        (["source_key"], "rows.cache", "source_key has rows without a value"),
        (["key"], "s3://bucket/rows.cache", "a cache is a file on a disk"),
    ],
)
def test_what_cannot_be_kept_is_refused(tmp_path, urls, columns, path, words, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CacheError, match=words):
        cached(open_source(urls, columns), path)


def test_columns_that_it_does_not_have_are_refused(tmp_path, urls):
    path = str(tmp_path / "rows.cache")
    cached(open_source(urls, ["key"]), path)
    with pytest.raises(CacheError, match="has no column caption"):
        cached(open_source(urls, ["key", "caption"]), path)


def test_a_cache_of_a_cache_is_refused(tmp_path, urls):
    kept = cached(open_source(urls), str(tmp_path / "rows.cache"))
    with pytest.raises(CacheError, match="give `cached` a source of shards"):
        cached(kept, str(tmp_path / "other.cache"))


def test_making_it_holds_no_row_group(tmp_path, urls):
    source = open_source(urls)
    cached(source, str(tmp_path / "rows.cache"))
    assert not source.rows._groups._held  # type: ignore[attr-defined]


def test_shards_without_rows_are_refused(tmp_path):
    source = open_source(write_numbered_shards(tmp_path, [0]))
    with pytest.raises(CacheError, match="hold no rows"):
        cached(source, str(tmp_path / "rows.cache"))
