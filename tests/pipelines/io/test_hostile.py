"""Damaged shards and tables: each is read or named, and none costs the process."""

import pytest

from tests.support import hostile_parquet
from tests.support.hostile_parquet import damaged
from tests.support.judges import OK
from tests.support.judging import judge_all

SEEDS = range(200)
CASES = {
    "caption_shard": ("shard", {OK, "unreadable"}),
    "token_shard": ("token_shard", {OK, "unreadable"}),
    "table_of_urls": ("table_of_urls", {OK, "rejected", "no_columns"}),
    "table_of_images": ("table_of_urls", {OK, "rejected", "no_columns"}),
}


@pytest.mark.parametrize("name", CASES)
def test_damaged_files_are_read_or_named(name):
    content = getattr(hostile_parquet, name)()
    judge, known = CASES[name]
    judged = judge_all(judge, [content, *(damaged(content, seed) for seed in SEEDS)])
    assert judged.crashes == []
    assert judged.outcomes[0] == OK
    assert set(judged.outcomes) <= known
    assert len(judged.outcomes) == 1 + len(SEEDS)
    assert judged.counts[OK] < len(SEEDS) / 2


def test_a_file_of_arrow_is_not_taken_for_parquet():
    content = hostile_parquet.arrow_file()
    files = [content, *(damaged(content, seed) for seed in SEEDS)]
    judged = judge_all("table_of_urls", files)
    assert (judged.crashes, set(judged.outcomes)) == ([], {"rejected"})
