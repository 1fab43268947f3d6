import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch.utils.data import DataLoader

from dalle_model import files
from dalle_model.data.source import open_source
from dalle_model.shards import ShardError, list_shards, read_shards
from tests.support.counted_store import counted_store
from tests.support.token_shards import token_row, write_numbered_shards, write_token_shard

OLD = Path(__file__).parents[2] / "support" / "shards" / "v1.parquet"


@pytest.fixture
def urls(tmp_path) -> list[str]:
    return write_numbered_shards(tmp_path / "shards", [50, 0, 30, 41])


def numbers(rows: list[dict[str, Any]]) -> list[int]:
    return [int(row["caption"].split()[1]) for row in rows]


def test_rows_are_those_that_the_shards_hold_in_any_order(urls):
    source = open_source(urls)
    whole = read_shards(urls, ["key", "caption", "image_tokens"])
    asked = np.random.default_rng(0).integers(-121, 121, 500)
    columns, wanted = source.take(asked), whole.take(asked % 121)
    assert len(source) == 121
    assert columns["key"].to_pylist() == wanted.column("key").to_pylist()
    assert columns["caption"].to_pylist() == wanted.column("caption").to_pylist()
    assert columns["image_tokens"].tolist() == wanted.column("image_tokens").to_pylist()
    assert columns["image_tokens"].dtype == np.uint16


def test_it_is_a_sequence_of_rows(urls):
    source = open_source(urls)
    assert numbers([source[0], source[-1], source[np.int64(77)]]) == [0, 120, 77]
    assert numbers(source.__getitems__([5, 2, 120])) == [5, 2, 120]
    assert source[18]["image_tokens"].tolist() == [2, 1, 0] * 3
    assert source.__getitems__([]) == []
    with pytest.raises(IndexError, match="rows 121 to 121 of 121"):
        source[121]
    with pytest.raises(IndexError):
        source.take([0, -122])


def test_it_is_what_grain_asks_for(urls):
    """`grain.sources.RandomAccessDataSource`, as grain 0.2.18 uses it."""
    source = open_source(urls)
    assert numbers(source._getitems([3, 1])) == [3, 1]
    copy = pickle.loads(pickle.dumps(source))
    assert repr(copy) == repr(source) == repr(open_source(urls))
    assert "121 rows" in repr(source)
    assert " at 0x" not in repr(source)
    assert numbers([copy[60]]) == [60]


def test_it_is_a_dataset_of_pytorch(urls):
    dataset: Any = open_source(urls)
    loaded: Any = DataLoader(dataset, batch_size=50, collate_fn=numbers)
    assert [n for batch in loaded for n in batch] == list(range(121))


def test_no_more_is_held_than_the_bytes_given(urls):
    source = open_source(urls, cache_bytes=3000)
    sizes = [0]
    for start in range(0, 121, 7):
        source.take(range(start, min(121, start + 7)))
        groups = source.rows._groups  # type: ignore[attr-defined]
        sizes = [sum(c.nbytes for c in columns.values()) for columns in groups._held.values()]
        assert len(sizes) == 1 or sum(sizes) <= 3000
    largest = open_source(urls).rows.largest_group_bytes()  # type: ignore[attr-defined]
    assert largest == pytest.approx(max(sizes), rel=0.05)


def test_a_folder_in_a_store_is_read_by_ranges(tmp_path, urls):
    store = counted_store()
    for url in urls:
        files.write_bytes(f"counted://bucket/{Path(url).name}", files.read_bytes(url))
    index = "counted://kept/index.json"
    assert list_shards("counted://bucket")
    store.answers.clear()
    source = open_source("counted://bucket", index=index)
    assert len(store.answers) == 4
    store.answers.clear()
    asked = [0, 60, 120, 9, 1]
    assert numbers(source.__getitems__(asked)) == asked
    assert len(store.answers) == 3 + 4  # footers of three shards, and four row groups
    again = open_source("counted://bucket", index=index)
    assert len(again) == 121


def test_columns_are_chosen_by_name_and_none_is_made_up(urls):
    row = open_source(urls, ["width", "clip_score", "source_key", "crop"])[3]
    assert row["width"] == 24
    assert np.isnan(row["clip_score"])
    assert row["source_key"] is None
    assert row["crop"].tolist() == [0, 0, 24, 24]
    with pytest.raises(ShardError, match="there is no column beauty"):
        open_source(urls, ["beauty"])[0]


def test_versions_1_and_2_go_together(tmp_path):
    old = open_source([str(OLD)], ["key", "source_key", "image_tokens"])
    assert old[0]["source_key"] is None
    assert old[0]["image_tokens"].shape == (old.metadata.num_tokens,)


def test_rows_may_have_token_shapes_of_their_own(tmp_path):
    rows = [
        token_row("a" * 40, "wide", [1, 2, 3, 4, 5, 6]) | {"token_shape": [2, 3]},
        token_row("b" * 40, "high", [7, 8]) | {"token_shape": [2, 1]},
    ]
    changes = {"token_shape": None, "image_shape": None}
    source = open_source([write_token_shard(tmp_path / "part.parquet", rows, **changes)])
    assert [row["image_tokens"].tolist() for row in source] == [[1, 2, 3, 4, 5, 6], [7, 8]]
    assert [row["token_shape"].tolist() for row in source] == [[2, 3], [2, 1]]


def test_ids_of_two_tokenizers_are_read_as_captions_alone(tmp_path):
    urls = write_numbered_shards(tmp_path / "a", [3], tokenizer_sha256="1" * 64)
    urls += write_numbered_shards(tmp_path / "b", [3], tokenizer_sha256="2" * 64)
    assert len(open_source(urls)) == 6
    with pytest.raises(ShardError, match="different text tokenizers"):
        open_source(urls, ["text_tokens"])
