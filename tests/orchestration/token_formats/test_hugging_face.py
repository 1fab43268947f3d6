"""The folder for the Hub: read by `datasets` as it stands, and a token set again without loss."""

import pyarrow.parquet as pq
import pytest
import yaml

from dalle_model.shards import read_metadata
from orchestration.token_formats.format import FormatError
from orchestration.token_formats.importing import Stated
from orchestration.token_sets.checking import check_set
from tests.support.token_formats import (
    contents,
    described_set,
    exported,
    imported,
    rows_of,
)
from tests.support.token_shards import pair_rows, write_token_set


def test_datasets_reads_the_folder(tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    url = described_set(tmp_path / "a")
    exported("hf", url, tmp_path / "hub")
    read = datasets.load_dataset(
        str(tmp_path / "hub"), split="train", cache_dir=str(tmp_path / "c")
    )
    assert sorted(read.to_list(), key=lambda row: row["key"]) == rows_of(url)
    (front,) = list(yaml.safe_load_all((tmp_path / "hub/README.md").read_text().split("---")[1]))
    assert front["dataset_info"]["features"] == read.features._to_yaml_list()


def test_there_and_back_nothing_is_lost(tmp_path):
    url = described_set(tmp_path / "a", num_views=10)
    exported("hf", url, tmp_path / "hub")
    result = imported("hf", tmp_path / "hub", tmp_path / "b", rows_a_shard=100)
    assert (result.num_rows, result.num_shards, result.num_copies) == (400, 4, 0)
    assert rows_of(tmp_path / "b") == rows_of(url)
    before, after = (
        read_metadata(str(next(p.glob("part-*")))) for p in map(tmp_path.joinpath, "ab")
    )
    assert after.codec_sha256 == before.codec_sha256
    assert (after.views, after.preprocessing) == (before.views, before.preprocessing)


def test_the_data_are_token_shards_themselves(tmp_path):
    url = described_set(tmp_path / "a")
    exported("hf", url, tmp_path / "hub")
    assert check_set(str(tmp_path / "hub/data")).num_rows == 40
    assert rows_of(tmp_path / "hub/data") == rows_of(url)


def test_shapes_of_rows_own_and_codebooks_come_back(tmp_path):
    rows = [
        row
        | {
            "token_shape": [n % 3 + 1, 3],
            "image_tokens": row["image_tokens"][: (n % 3 + 1) * 3] * 2,
        }
        for n, row in enumerate(pair_rows(20))
    ]
    url = write_token_set(tmp_path / "a", rows, token_shape=None, image_shape=None, codebooks=2)
    exported("hf", url, tmp_path / "hub")
    imported("hf", tmp_path / "hub", tmp_path / "b")
    assert rows_of(tmp_path / "b") == rows_of(url)


def test_tables_of_others_are_read_by_the_columns_that_are_named(tmp_path):
    import pyarrow as pa

    codes = [[n, 1, 2, 3] for n in range(6)]
    table = pa.table({"text": [f"c{n}" for n in range(6)], "vq": codes, "aesthetic": [0.5] * 6})
    (tmp_path / "a").mkdir()
    pq.write_table(table, tmp_path / "a/x.parquet")
    with pytest.raises(FormatError, match="--column names that of the codes, of text, vq"):
        imported("hf", tmp_path / "a", tmp_path / "b")
    with pytest.raises(FormatError, match="`text` is string, no list of whole numbers"):
        imported("hf", tmp_path / "a", tmp_path / "b", Stated("", 8, "2x2"), column="text")
    with pytest.raises(FormatError, match="--num-codes and --token-shape say"):
        imported("hf", tmp_path / "a", tmp_path / "b", column="vq")
    result = imported("hf", tmp_path / "a", tmp_path / "b", Stated("", 8, "2x2"), column="vq")
    assert (result.metadata.codec, result.metadata.token_shape) == ("unknown", (2, 2))
    rows = rows_of(tmp_path / "b")
    assert sorted(row["image_tokens"] for row in rows) == codes
    assert {row["aesthetic"] for row in rows} == {0.5}
    assert {row["caption"] for row in rows} == {f"c{n}" for n in range(6)}
    assert {tuple(row["crop"]) for row in rows} == {(0, 0, 0, 0)}


def test_a_folder_without_tables_is_said(tmp_path):
    with pytest.raises(FormatError, match="has no Parquet file"):
        imported("hf", tmp_path, tmp_path / "b")
    (tmp_path / "x.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(FormatError, match=r"x\.parquet cannot be read"):
        imported("hf", tmp_path, tmp_path / "b")


def test_equal_sets_are_equal_bytes(tmp_path):
    for name in ("one", "other"):
        exported("hf", described_set(tmp_path / "a" / name), tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
    assert str(tmp_path) not in (tmp_path / "one/README.md").read_text()


def test_a_flipped_bit_is_found_before_anything_is_copied(tmp_path):
    url = described_set(tmp_path / "a", num_shards=1)
    (shard,) = (tmp_path / "a").glob("*.parquet")
    content = bytearray(shard.read_bytes())
    content[200] ^= 1
    shard.write_bytes(content)
    with pytest.raises(Exception, match="cannot be read"):
        exported("hf", url, tmp_path / "hub")
    assert not (tmp_path / "hub/README.md").exists()
