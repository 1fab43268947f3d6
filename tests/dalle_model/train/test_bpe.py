from pathlib import Path

from dalle_model.train.bpe import train_bpe_from_shards
from dalle_model.vocab import CaptionTokenizer
from tests.support.token_shards import token_row, write_token_shard


def test_captions_that_are_all_empty_leave_the_bytes(tmp_path: Path) -> None:
    rows = [token_row(f"{n:040x}", "", [0] * 9) for n in range(3)]
    url = str(tmp_path / "bpe.json")
    metrics = train_bpe_from_shards([write_token_shard(tmp_path / "p.parquet", rows)], url, 300)
    assert (metrics["captions"], metrics["tokens_per_caption"]) == (3, 0)
    assert CaptionTokenizer.load(url).encode("a dog")


def test_a_caption_counts_once_however_many_views_its_image_has(tmp_path: Path) -> None:
    rows = [token_row(f"{n:040x}", f"red apple number {n}", [0] * 9) for n in range(4)]
    views = [row | {"view": view} for row in rows for view in range(3)]
    one = write_token_shard(tmp_path / "one.parquet", rows)
    more = write_token_shard(tmp_path / "more.parquet", views, views=("centre", "flip", "dvae"))
    found = train_bpe_from_shards([more], str(tmp_path / "more.json"), 265)
    assert found == train_bpe_from_shards([one], str(tmp_path / "one.json"), 265)
    assert found["captions"] == 4


def test_learns_from_all_captions_in_any_order(tmp_path: Path) -> None:
    rows = [token_row(f"{n:040x}", f"red apple number {n}", [0] * 9) for n in range(4)]
    there = [
        write_token_shard(tmp_path / f"part-{part}.parquet", rows[part::2]) for part in range(2)
    ]
    url = str(tmp_path / "bpe.json")
    metrics = train_bpe_from_shards(there, url, 265)
    assert metrics["captions"] == 4
    assert metrics["vocab_size"] == CaptionTokenizer.load(url).size == 265
    assert metrics["sha256"] == CaptionTokenizer.load(url).sha256
    assert 1 <= metrics["tokens_per_caption"] < len("red apple number 0")
    again = str(tmp_path / "again.json")
    assert train_bpe_from_shards(there[::-1], again, 265) == metrics
