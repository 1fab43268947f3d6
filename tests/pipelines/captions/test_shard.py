import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalle_model import files
from pipelines.captions import shard as filter
from pipelines.captions.config import CaptionsConfig
from pipelines.captions.recipe import load_funnel
from pipelines.captions.shard import check_caption, filter_shard
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.keys import pair_key
from pipelines.io.task import ShardResult
from pipelines.records import CANDIDATE_SCHEMA, CANDIDATES, CAPTION_SCHEMA
from pipelines.rejection import first_failure
from tests.support.captions.candidates import candidate_table, filter_table, task_for

RAW = ["A dog &amp; a cat on the beach - Stock Photo", "IMG_2031.jpg", "Ein Hund im tiefen Wald"]


def rejected(result: ShardResult) -> pa.Table:
    return result.rejected


def test_rows_kept_and_dropped():
    result = filter_table(candidate_table(RAW), load_funnel("dalle", {}))
    assert result.kept.schema == CAPTION_SCHEMA
    [kept] = result.kept.to_pylist()
    assert kept["caption"] == "A dog & a cat on the beach"
    assert kept["raw_caption"] == RAW[0]
    assert kept["language"] == "en"
    assert kept["sha256"] == files.sha256(b"bytes 0")
    assert kept["key"] == pair_key("http://a.test/0.png", RAW[0])
    dropped = rejected(result).to_pylist()
    assert [(row["caption"], row["reason"], row["stage"]) for row in dropped] == [
        (RAW[1], "file_name", "captions"),
        (RAW[2], "wrong_language", "captions"),
    ]
    assert dropped[0]["url"] == "http://a.test/1.png"
    assert (dropped[1]["threshold"], dropped[1]["detail"]) == (0.1, "de")


def test_without_rules_every_text_stays_as_it_is():
    trusted = [*RAW, "", "A badger.", "  two\nlines &lt;3 ", "x" * 10_000, "e\u0301\u200b"]
    result = filter_table(candidate_table(trusted), load_funnel("none", {}))
    assert sorted(result.kept["caption"].to_pylist()) == sorted(trusted)
    assert result.kept["raw_caption"] == result.kept["caption"]
    assert (
        dict(zip(*result.kept.select(["caption", "language"]).to_pydict().values(), strict=True))[
            ""
        ]
        == "und"
    )
    assert not len(rejected(result))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=30) | st.sampled_from(RAW), max_size=12), st.randoms())
def test_books_balance_in_any_order(captions, random):
    funnel, table = load_funnel("dalle", {}), candidate_table(captions)
    order = list(range(len(captions)))
    random.shuffle(order)
    one = filter_table(table, funnel)
    other = filter_table(table.take(pa.array(order, pa.int64())), funnel)
    assert one.rows_in == one.kept.num_rows + len(one.rejected) == len(captions)
    assert rejection_table(one.rejected) == rejection_table(other.rejected)
    assert one.kept.sort_by("key") == other.kept.sort_by("key")


@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_size_of_batches_does_not_matter(monkeypatch, size):
    captions = [*RAW, *(f"a dog on hill {n}" for n in range(8)), ""]
    funnel, table = load_funnel("dalle", {"image_with_many_texts": 1}), candidate_table(captions)
    whole = filter_table(table, funnel)
    monkeypatch.setattr(filter, "BATCH_CAPTIONS", size)
    parts = filter_table(table, funnel)
    assert parts.kept.equals(whole.kept)
    assert rejection_table(parts.rejected).equals(rejection_table(whole.rejected))


def test_no_rows_and_images_that_no_source_supplied():
    funnel = load_funnel("dalle", {})
    assert filter_table(CANDIDATE_SCHEMA.empty_table(), funnel).kept.schema == CAPTION_SCHEMA
    table = candidate_table(RAW).set_column(
        CANDIDATE_SCHEMA.get_field_index("sha256"),
        CANDIDATE_SCHEMA.field("sha256"),
        pa.nulls(len(RAW), pa.string()),
    )
    assert filter_table(table, funnel).kept["sha256"].null_count == 1


def test_filter_shard_reads_the_crawl_of_the_run(tmp_path):
    task = task_for(tmp_path, [RAW])
    result = filter_shard(task, 0, CaptionsConfig(overrides={"wrong_language": None}))
    assert result.rows_in == 3
    assert rejected(result)["reason"].to_pylist() == ["file_name"]
    assert parquet.read_table(task.input(CANDIDATES).part(0)).num_rows == 3


def test_explain_lists_every_check_and_names_the_same_failure():
    for raw in RAW:
        found = check_caption(raw, CaptionsConfig())
        result = filter_table(candidate_table([raw]), load_funnel("dalle", {}))
        failed = first_failure(found)
        assert len(found) == 11
        assert rejected(result)["reason"].to_pylist() == ([failed.reason] if failed else [])
        assert all(check.threshold is not None for check in found)
