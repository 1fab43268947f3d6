"""Sets written anew: the same rows in other shards, sorted, none twice, in the same bytes again."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dalle_model.shards import ShardError, list_shards, read_metadata, read_shards
from orchestration.engine.progress import Quiet
from orchestration.token_sets import resharding
from orchestration.token_sets.checking import check_set
from orchestration.token_sets.output import OutputError
from orchestration.token_sets.resharding import ReshardResult, write_anew
from pipelines.io.keys import shard_of
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest, read_rejected
from tests.support.token_shards import pair_rows, write_token_set


def anew(*urls: object, out: object, rows: int = 50, drops_copies: bool = False) -> ReshardResult:
    verb = "merge" if len(urls) > 1 else "reshard"
    sources = [str(url) for url in urls]
    return write_anew(verb, sources, str(out), rows, drops_copies=drops_copies, progress=Quiet())


def table_of(url: object) -> pa.Table:
    return read_shards(list_shards(str(url))).sort_by([("key", "ascending"), ("view", "ascending")])


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(params=[64 << 20, 500], ids=["in memory", "piece by piece"])
def held_bytes(request, monkeypatch) -> None:
    monkeypatch.setattr(resharding, "_HELD_BYTES", request.param)


@pytest.mark.usefixtures("held_bytes")
@pytest.mark.parametrize(("rows", "num_shards"), [(1000, 1), (50, 6), (1, 300)])
def test_the_rows_are_the_same_in_other_shards(tmp_path, rows, num_shards):
    score = pa.field("score", pa.float32())
    scored = [row | {"score": n / 7} for n, row in enumerate(pair_rows(300))]
    url = write_token_set(tmp_path / "a", scored, 4, [score])
    result = anew(url, out=tmp_path / "b", rows=rows)
    assert (result.num_rows, result.num_shards, result.num_copies) == (300, num_shards, 0)
    assert table_of(tmp_path / "b").equals(table_of(url))
    for index, part in enumerate(list_shards(str(tmp_path / "b"))):
        keys = read_shards([part], ["key"])["key"].to_pylist()
        assert keys == sorted(keys)
        assert {shard_of(key, num_shards) for key in keys} <= {index}
    assert check_set(str(tmp_path / "b")).has_manifest


@pytest.mark.usefixtures("held_bytes")
def test_the_bytes_are_those_of_the_rows_alone(tmp_path):
    rows = pair_rows(200)
    anew(write_token_set(tmp_path / "a", rows, 4), out=tmp_path / "1")
    anew(write_token_set(tmp_path / "b", rows[::-1], 7), out=tmp_path / "2")
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


@pytest.mark.usefixtures("held_bytes")
def test_sets_are_merged(tmp_path):
    rows = pair_rows(100)
    one = write_token_set(tmp_path / "a", rows[:60], 2)
    two = write_token_set(tmp_path / "b", rows[60:], 3, fingerprint="other")
    assert anew(one, two, out=tmp_path / "ab").num_rows == 100
    whole = write_token_set(tmp_path / "c", rows)
    assert table_of(tmp_path / "ab").equals(table_of(whole))


def test_views_are_no_copies_and_stay_in_order(tmp_path):
    rows = [row | {"view": view} for row in pair_rows(20) for view in (1, 0)]
    anew(write_token_set(tmp_path / "a", rows), out=tmp_path / "b", rows=10)
    assert check_set(str(tmp_path / "b")).num_rows == 40


def test_copies_are_refused_or_the_first_is_kept(tmp_path):
    rows = pair_rows(30)
    again = [row | {"caption": "again"} for row in rows[:2]]
    one, two = write_token_set(tmp_path / "a", rows), write_token_set(tmp_path / "b", again)
    with pytest.raises(ShardError, match=rf"the row ({rows[0]['key']}|{rows[1]['key']}) is there"):
        anew(one, two, out=tmp_path / "x")
    result = anew(one, two, out=tmp_path / "ab", drops_copies=True)
    assert (result.num_rows, result.num_copies) == (30, 2)
    assert "left out 2 copies" in str(result)
    assert table_of(tmp_path / "ab").equals(table_of(one))
    folder = StageFolder(str(tmp_path / "ab"), 2)
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.rejected == {"copy": 2}
    dropped = read_rejected(folder, manifest).to_pylist()
    assert {(r["key"], r["caption"], r["stage"]) for r in dropped} == {
        (row["key"], "again", "merge") for row in again
    }
    first = anew(two, one, out=tmp_path / "ba", drops_copies=True)
    assert first.num_copies == 2
    assert table_of(tmp_path / "ba")["caption"].to_pylist().count("again") == 2


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"codec_sha256": "cd" * 32}, "shards of different codecs cannot be mixed: codec_sha256"),
        ({"added": [pa.field("score", pa.float32())]}, "different columns cannot be mixed: score"),
        ({"tokenizer_sha256": "ef" * 32}, "`text_tokens` of different text tokenizers"),
    ],
)
def test_sets_that_do_not_go_together_are_refused(tmp_path, changes: dict[str, Any], said):
    one = write_token_set(tmp_path / "a", pair_rows(5), tokenizer_sha256="ab" * 32)
    two = write_token_set(tmp_path / "b", pair_rows(5), **{"tokenizer_sha256": "ab" * 32} | changes)
    with pytest.raises(ShardError, match=said):
        anew(one, two, out=tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_what_was_interrupted_goes_on(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(200))
    anew(url, out=tmp_path / "whole")

    class Stopping(Quiet):
        def step(self, step, total, metrics=None, /):
            if step == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_anew("reshard", [url], str(tmp_path / "x"), 50, progress=Stopping())
    anew(url, out=tmp_path / "x")
    assert contents(tmp_path / "x") == contents(tmp_path / "whole")


def test_no_rows_are_one_shard(tmp_path):
    result = anew(write_token_set(tmp_path / "a", []), out=tmp_path / "b")
    assert (result.num_rows, result.num_shards) == (0, 1)
    assert read_metadata(list_shards(str(tmp_path / "b"))[0]).codec == "tiny"


def test_a_shard_needs_a_row(tmp_path):
    with pytest.raises(OutputError, match="a row or more"):
        anew(write_token_set(tmp_path / "a", []), out=tmp_path / "b", rows=0)
