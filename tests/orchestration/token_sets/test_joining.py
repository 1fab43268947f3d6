"""Token sets side by side: each row beside its own, whatever the shards; refused where in doubt."""

import hashlib
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dalle_model.shard_sets import pairing
from dalle_model.shards import ShardError, image_tokens, list_shards, read_metadata, read_shards
from orchestration.engine.progress import Quiet
from orchestration.token_sets.joining import JoinError, JoinResult, join_sets
from orchestration.token_sets.output import OutputError
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest, read_rejected
from tests.support.token_shards import pair_rows, write_token_set

V1 = Path(__file__).parents[2] / "support" / "shards" / "v1.parquet"
OTHER: dict[str, Any] = {
    "codec": "vq-gan",
    "codec_sha256": "cd" * 32,
    "num_codes": 70_000,
    "token_shape": (2, 2),
}


def other_rows(count: int) -> list[dict[str, Any]]:
    return pair_rows(count, seed=1, num_codes=70_000, size=4)


def join(*urls: object, out: object, names=(), inner=False) -> JoinResult:
    return join_sets([str(u) for u in urls], str(out), names, inner=inner, progress=Quiet())


def contents(folder: Path) -> dict[str, str]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


@pytest.fixture
def sets(tmp_path) -> tuple[str, str]:
    """Two sets of the same 300 rows, in 4 and in 3 shards."""
    return (
        write_token_set(tmp_path / "a", pair_rows(300), 4),
        write_token_set(tmp_path / "b", other_rows(300), 3, **OTHER),
    )


def test_each_row_has_the_tokens_of_both(tmp_path, sets):
    result = join(*sets, out=tmp_path / "ab")
    urls = list_shards(str(tmp_path / "ab"))
    table, metadata = read_shards(urls), read_metadata(urls[0])
    assert (result.num_rows, result.num_shards, len(urls)) == (300, 4, 4)
    for name, rows in (("image_tokens", pair_rows(300)), ("image_tokens_vq_gan", other_rows(300))):
        expected = {row["key"]: row["image_tokens"] for row in rows}
        codes = image_tokens(table, column=name)
        assert [expected[key.as_py()] for key in table["key"]] == codes.tolist()
    assert image_tokens(table, column="image_tokens_vq_gan").dtype == np.uint32
    assert metadata.joined["image_tokens_vq_gan"] == read_metadata(
        f"{sets[1]}/part-00000-of-00003.parquet"
    )
    assert "image_tokens_vq_gan: vq-gan, images of 24 x 24 px to 2 x 2 tokens" in str(result)


def test_the_rows_and_all_other_columns_are_those_of_the_first_set(tmp_path):
    score = pa.field("score", pa.float32())
    rows = [row | {"score": n / 7} for n, row in enumerate(pair_rows(50))]
    first = write_token_set(tmp_path / "a", rows, 2, [score])
    second = write_token_set(
        tmp_path / "b", [r | {"caption": "x"} for r in other_rows(50)], **OTHER
    )
    join(first, second, out=tmp_path / "ab")
    names = read_shards(list_shards(first)).column_names
    joined = read_shards(list_shards(str(tmp_path / "ab")))
    assert joined.column_names == [*names, "image_tokens_vq_gan"]
    assert joined.select(names).equals(read_shards(list_shards(first)))


def test_margins_and_shapes_of_tokens_come_along_and_scores_do_not(tmp_path):
    margins = pa.field("token_margins", pa.list_(pa.float16(), 4))
    added = [margins, pa.field("score", pa.float32())]
    rows = [row | {"token_margins": [1.0, 0, 2, 3], "score": 1.0} for row in other_rows(9)]
    first = write_token_set(tmp_path / "a", pair_rows(9))
    second = write_token_set(tmp_path / "b", rows, 2, added, **OTHER)
    shaped = [row | {"token_shape": [2, 2]} for row in other_rows(9)]
    changes = OTHER | {"token_shape": None, "image_shape": None, "codec": "any"}
    third = write_token_set(tmp_path / "c", shaped, 2, **changes)
    join(first, second, third, out=tmp_path / "abc")
    names = read_shards(list_shards(str(tmp_path / "abc"))).column_names[-4:]
    assert names == [
        *("image_tokens_vq_gan", "token_margins_vq_gan", "image_tokens_any", "token_shape_any")
    ]


def test_joined_sets_are_joined_again_and_names_that_are_taken_are_refused(tmp_path, sets):
    join(*sets, out=tmp_path / "ab")
    join(tmp_path / "ab", sets[1], out=tmp_path / "abc", names=["third"])
    join(sets[0], tmp_path / "ab", out=tmp_path / "aab", names=["again"])
    for folder, columns in (
        ("abc", ["image_tokens", "image_tokens_vq_gan", "image_tokens_third"]),
        ("aab", ["image_tokens", "image_tokens_again", "image_tokens_vq_gan"]),
    ):
        urls = list_shards(str(tmp_path / folder))
        assert read_metadata(urls[0]).tokens.keys() == set(columns)
        assert [n for n in read_shards(urls).column_names if "image_tokens" in n] == columns
    with pytest.raises(JoinError, match=r"column image_tokens_vq_gan, of .*/b and of one before"):
        join(tmp_path / "ab", sets[1], out=tmp_path / "x")


@pytest.mark.parametrize("names", [["one", "two"], ["a-b"], [""]])
def test_names_are_one_for_each_set_and_fit_a_column(tmp_path, sets, names):
    with pytest.raises(JoinError, match="--as"):
        join(*sets, out=tmp_path / "x", names=names)
    assert not (tmp_path / "x").exists()


def test_missing_rows_are_refused_with_counts_and_keys(tmp_path):
    rows = pair_rows(40)
    first = write_token_set(tmp_path / "a", rows[:-2])
    second = write_token_set(tmp_path / "b", other_rows(40)[1:], **OTHER)
    with pytest.raises(JoinError) as caught:
        join(first, second, out=tmp_path / "x")
    lacking = ", ".join(sorted(row["key"] for row in rows[-2:]))
    assert f"1 rows of {first} are not in {second}, such as {rows[0]['key']};" in str(caught.value)
    assert f"2 rows of {second} are not in {first}, such as {lacking};" in str(caught.value)
    assert "--inner joins the 37 rows that both have" in str(caught.value)
    assert not (tmp_path / "x").exists()


def test_inner_keeps_the_common_rows_and_the_books_balance(tmp_path):
    rows = pair_rows(40)
    first = write_token_set(tmp_path / "a", rows[:-2])
    second = write_token_set(tmp_path / "b", other_rows(40)[1:], **OTHER)
    result = join(first, second, out=tmp_path / "x", inner=True)
    assert result.left_out == {first: 1, second: 2}
    assert f"left out 2 rows of {second}" in str(result)
    folder = StageFolder(str(tmp_path / "x"), 2)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert (manifest.rows_in, manifest.rows_out) == (38, 37)
    assert manifest.rejected == {"not_in_other_set": 1}
    assert manifest.passed_over == {"rows of set 2 that set 1 lacks": 2}
    (dropped,) = read_rejected(folder, manifest).to_pylist()
    assert (dropped["key"], dropped["stage"]) == (rows[0]["key"], "join")


@pytest.mark.parametrize(("column", "value"), [("crop", [1, 0, 24, 24]), ("sha256", "f" * 64)])
def test_rows_of_other_pixels_are_refused_and_named(tmp_path, column, value):
    ours = [row | {"sha256": "e" * 64} for row in pair_rows(20)]
    theirs = [row | {"sha256": "e" * 64} for row in other_rows(20)]
    theirs[7] |= {column: value}
    first = write_token_set(tmp_path / "a", ours)
    second = write_token_set(tmp_path / "b", theirs, **OTHER)
    for inner in (False, True):
        with pytest.raises(ShardError, match=rf"row {ours[7]['key']} does not show .*{column} is"):
            join(first, second, out=tmp_path / "x", inner=inner)
    assert not (tmp_path / "x").exists()


def test_views_of_an_image_are_rows_of_their_own(tmp_path):
    def with_views(rows, offset):
        return [
            row
            | {"view": view, "image_tokens": [code + view * offset for code in row["image_tokens"]]}
            for row in rows
            for view in (0, 1)
        ]

    first = write_token_set(tmp_path / "a", with_views(pair_rows(30, num_codes=8), 8))
    second = write_token_set(tmp_path / "b", with_views(other_rows(30), 0), 3, **OTHER)
    join(first, second, out=tmp_path / "x")
    table = read_shards(list_shards(str(tmp_path / "x")))
    expected = {r["key"]: r["image_tokens"] for r in other_rows(30)}
    assert table.num_rows == 60
    for row in table.to_pylist():
        assert row["image_tokens_vq_gan"] == expected[row["key"]]
        assert min(row["image_tokens"]) // 8 == max(row["image_tokens"]) // 8 == row["view"]


def test_a_row_that_is_twice_in_a_set_is_refused(tmp_path):
    first = write_token_set(tmp_path / "a", pair_rows(5))
    second = write_token_set(tmp_path / "b", [*other_rows(5), other_rows(3)[2]], **OTHER)
    with pytest.raises(ShardError, match=rf"b holds the row {other_rows(3)[2]['key']} twice"):
        join(first, second, out=tmp_path / "x")


def test_the_bytes_do_not_depend_on_the_shards_of_the_others(tmp_path, sets, monkeypatch):
    join(*sets, out=tmp_path / "one")
    monkeypatch.setattr(pairing, "RANGE_ROWS", 16)
    one = write_token_set(tmp_path / "c", other_rows(300), 1, **OTHER)
    join(sets[0], one, out=tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_what_was_interrupted_goes_on_and_gives_the_same_bytes(tmp_path, sets, monkeypatch):
    join(*sets, out=tmp_path / "whole")

    class Stopping(Quiet):
        def step(self, step, total, metrics=None, /):
            if step == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        join_sets(sets, str(tmp_path / "x"), [], inner=False, progress=Stopping())
    assert not (tmp_path / "x" / "manifest.json").exists()
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "x").glob("part-*")}
    assert len(stamps) == 2
    join(*sets, out=tmp_path / "x")
    assert {p: p.stat().st_mtime_ns for p in stamps} == stamps
    assert contents(tmp_path / "x") == contents(tmp_path / "whole")


def test_nothing_is_overwritten(tmp_path, sets):
    join(*sets, out=tmp_path / "x")
    before = contents(tmp_path / "x")
    for out in (tmp_path / "x", sets[0], sets[1]):
        with pytest.raises(OutputError, match="is not empty"):
            join(*sets, out=out)
    assert contents(tmp_path / "x") == before
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="a file is where a folder is needed"):
        join(*sets, out=tmp_path / "file")


def test_another_command_does_not_go_on_with_it(tmp_path, sets):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".dalle-shards").write_text('{"attempt": "another"}')
    with pytest.raises(OutputError, match="not the interrupted work of this very command"):
        join(*sets, out=tmp_path / "x")


def test_sets_in_a_store_are_joined_there(sets, tmp_path):
    memory = fsspec.filesystem("memory")
    for name, folder in zip("ab", sets, strict=True):
        for path in Path(folder).iterdir():
            memory.pipe_file(f"/joining/{name}/{path.name}", path.read_bytes())
    join("memory://joining/a", "memory://joining/b", out="memory://joining/ab")
    join(*sets, out=tmp_path / "ab")
    for path in (tmp_path / "ab").glob("part-*"):
        assert memory.cat_file(f"/joining/ab/{path.name}") == path.read_bytes()
    assert not memory.exists("/joining/ab/progress")


def test_a_shard_that_is_joined_is_as_any_other(tmp_path, sets):
    join(*sets, out=tmp_path / "ab")
    parquet = pq.ParquetFile(f"{tmp_path}/ab/part-00000-of-00004.parquet")
    column = parquet.metadata.row_group(0).column(parquet.schema.names.index("key"))
    assert column.compression == "ZSTD"
    assert parquet.read().schema.field("image_tokens_vq_gan").type.list_size == 4


def test_shards_of_version_1_are_joined_as_well(tmp_path):
    join(V1, V1, out=tmp_path / "x", names=["again"])
    (url,) = list_shards(str(tmp_path / "x"))
    metadata, table = read_metadata(url), read_shards([url])
    assert metadata.schema_version == metadata.joined["image_tokens_again"].schema_version + 1 == 2
    assert image_tokens(table).tolist() == image_tokens(table, 1, "image_tokens_again").tolist()
    assert table.drop_columns("image_tokens_again").equals(read_shards([str(V1)]))
