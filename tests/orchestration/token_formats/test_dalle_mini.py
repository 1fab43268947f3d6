"""Parquet of dalle-mini: read as its `Dataset` does, and a token set again."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.support.token_formats import described_set, exported, imported, rows_of


def test_its_columns_are_what_the_loader_names(tmp_path):
    url = described_set(tmp_path / "a")
    exported("dalle-mini", url, tmp_path / "b")
    table = pq.read_table(tmp_path / "b", partitioning=None)
    assert str(table.schema.field("encoding").type) == "list<element: int64>"
    found = {row["key"]: row for row in table.to_pylist()}
    for row in rows_of(url):
        assert found[row["key"]]["encoding"] == row["image_tokens"]
        assert found[row["key"]]["caption"] == row["caption"]
    assert "image_tokens" not in table.column_names
    assert "clip_score" in table.column_names  # by which `filter_function` filters


def test_datasets_reads_the_split_and_batches_are_what_the_loss_takes(tmp_path):
    """As `Dataset.__post_init__` and `preprocess_function` of dalle-mini f0be4de do."""
    datasets = pytest.importorskip("datasets")
    url = described_set(tmp_path / "a")
    exported("dalle-mini", url, tmp_path / "b")
    train = datasets.load_dataset(str(tmp_path / "b"), streaming=True)["train"]
    taken = ["caption", "encoding"]
    labelled = train.map(
        lambda examples: {"labels": np.asarray(examples["encoding"])},
        batched=True,
        remove_columns=taken,
    )
    found = {row["key"]: list(row["labels"]) for row in labelled}
    assert found == {row["key"]: row["image_tokens"] for row in rows_of(url)}


def test_there_and_back_all_but_the_ids_of_text_is_kept(tmp_path):
    url = described_set(tmp_path / "a", num_views=2)
    exported("dalle-mini", url, tmp_path / "b")
    imported("dalle-mini", tmp_path / "b", tmp_path / "c")
    assert rows_of(tmp_path / "c") == rows_of(url)


def test_many_codes_are_small_too(tmp_path):
    url = described_set(tmp_path / "a", num_codes=200_000)
    exported("dalle-mini", url, tmp_path / "b")
    imported("dalle-mini", tmp_path / "b", tmp_path / "c")
    assert rows_of(tmp_path / "c") == rows_of(url)
