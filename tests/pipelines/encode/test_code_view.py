from pathlib import Path

import pytest

from dalle_model.shard_sets.shard import open_shard
from pipelines.encode import code_view
from pipelines.encode.code_view import agreement, code_views, proof
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.views import Curves, Frequencies, HeatMap
from tests.support.token_shards import pair_rows, token_row, write_token_set, write_token_shard

COUNTS = {"images_compared": 12, "tokens_compared": 12_288, "tokens_equal": 11_059}


def manifest(counts: dict[str, int]) -> Manifest:
    return Manifest("encode", "f", {}, {}, {}, metrics=counts)


def test_the_share_of_equal_tokens_is_said():
    said = agreement(manifest(COUNTS))
    assert said == (
        ". Of 12,288 tokens of 12 images decoded at a scale, 90.0% are those of full decoding"
    )


def test_nothing_is_said_where_nothing_was_compared():
    assert agreement(manifest({})) == ""
    assert proof(manifest({})) == ""


def test_the_tokens_that_differ_when_encoded_again_are_said():
    counts = {"images_proven": 24, "tokens_proven": 1_536, "tokens_differ_by_batch": 0}
    said = ". Of 1,536 tokens of 24 images that were encoded again, 0 differ in batches of another"
    assert proof(manifest(counts)) == f"{said} size"
    fast = proof(manifest(counts | {"tokens_differ_from_exact": 3}))
    assert fast == f"{said} size, and 3 from those in full precision"


@pytest.mark.parametrize(
    ("changes", "row", "words", "kinds"),
    [
        (
            {},
            {},
            "images of 24 x 24 px to 3 x 3 tokens in raster order, each of 16 codes",
            [HeatMap],
        ),
        (
            {"codebooks": 3, "token_shape": (3,), "order": "scales"},
            {},
            "3 tokens in grids",
            [Curves],
        ),
        (
            {"token_shape": None, "image_shape": None},
            {"token_shape": [1, 9]},
            "of another; token shapes 1 x 9 of 3 rows; shards",
            [],
        ),
    ],
)
def test_all_codes_are_counted_whatever_their_shape(tmp_path, changes, row, words, kinds):
    folder = StageFolder(str(tmp_path), 1)
    rows = [token_row(f"{n:040d}", "a boat", [n, 5] * 4 + [7]) | row for n in range(3)]
    path = Path(write_token_shard(Path(folder.part(0)), rows, **changes))
    entry = {"name": path.name, "rows": 3, "bytes": 1000, "sha256": ""}
    made = Manifest("encode", "f", {}, {}, {}, rows_out=3, files=[entry])
    view, *others = code_views(folder, made)
    assert [type(one) for one in others] == kinds
    assert isinstance(view, Frequencies)
    assert list(view.counts) == [4, 4, 4, 0, 0, 12, 0, 3] + [0] * 8
    assert words in view.about
    assert "5 codes used, perplexity 4 (2.10 of 4.00 bits); 0 rows all of one code" in view.about


def finished(folder: StageFolder, rows: int) -> Manifest:
    """The manifest of shards that are there, as far as the report reads it."""
    names = [Path(url).name for url in folder.parts()]
    entries = [{"name": name, "rows": 0, "bytes": 1000, "sha256": ""} for name in names]
    return Manifest("encode", "f", {}, {}, {}, rows_out=rows, files=entries)


def test_drift_is_a_line_over_shards_with_its_limit(tmp_path):
    rows = pair_rows(2000)
    for row in rows:
        if int(row["key"][:16], 16) % 4 == 2:
            row["image_tokens"] = [code // 2 for code in row["image_tokens"]]
    folder = StageFolder(write_token_set(tmp_path / "a", rows, 4), 4)
    *_, view = code_views(folder, finished(folder, 2000))
    assert isinstance(view, Curves)
    limit = view.lines["alarm above"][0]
    assert [ratio > limit for ratio in view.lines["shards"]] == [False, False, True, False]
    assert "ALARM: part-00002-of-00004.parquet. " in view.about


def test_of_very_many_codes_some_shards_are_read_and_the_report_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(code_view, "MAX_CODES", 9 * 150)
    folder = StageFolder(write_token_set(tmp_path / "a", pair_rows(300), 4), 4)
    view, *_ = code_views(folder, finished(folder, 300))
    read = sum(one.rows for one in (open_shard(folder.part(n)) for n in (0, 2)))
    assert f"16 codes used of {read:,} rows that were read, " in view.about


def test_a_run_without_rows_shows_nothing(tmp_path):
    folder = StageFolder(str(tmp_path), 1)
    assert list(code_views(folder, finished(folder, 0))) == []
