"""Shards written anew: what is left is as it was, and bytes for others stay."""

import pyarrow as pa
import pytest

from dalle_model import files
from orchestration.removal.finding import Hits, Place, hits_in
from orchestration.removal.rewriting import Rewriting
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.refusals import Named, Refusals, digest
from pipelines.records import FETCHED_SCHEMA
from pipelines.rejection import Rejection

BODY = bytes(range(256)) * 400


def fetched(image: int, caption: int, encoded: bytes | None = None) -> dict[str, object]:
    row = dict.fromkeys((f.name for f in FETCHED_SCHEMA if not f.nullable), "")
    key = f"{image:024x}{caption:016x}"
    return {**row, "key": key, "sha256": f"{image:064x}", "encoded": encoded}


@pytest.fixture
def place(tmp_path) -> Place:
    """Three images of two pairs each, the first of which holds the bytes, and two rejections."""
    folder = StageFolder(str(tmp_path / "fetch"), 1)
    rows = [
        fetched(i, c, BODY + bytes([i]) if c == 0 else None) for i in range(3) for c in range(2)
    ]
    table = pa.Table.from_pylist(rows, FETCHED_SCHEMA)
    rejections = [
        Rejection("f" * 40, "u", "c", "fetch", "gone", detail=f"{1:024x}"),
        Rejection("e" * 40, "v", "d", "fetch", "gone"),
    ]
    contents = [parquet.to_bytes(table), parquet.to_bytes(rejection_table(rejections))]
    entries = []
    for url, content in zip((folder.part(0), folder.rejected(0)), contents, strict=True):
        files.write_bytes(url, content)
        name = url.removeprefix(f"{folder.url}/")
        entries.append({"name": name, "bytes": len(content), "sha256": files.sha256(content)})
    manifest = Manifest(
        "fetch", "f", {}, {}, {}, num_shards=1, rows_in=8, rows_out=6, rejected={"gone": 2},
        files=entries[:1], rejected_files=entries[1:],
        warnings=["hosts that kept failing: a.bad.example (3), fine.example (2)"],
    )  # fmt: skip
    write_manifest(folder, manifest)
    return Place(folder, manifest)


def rewritten(place: Place, named: Named, *, is_first: bool = False) -> tuple[Hits, Manifest]:
    hits = hits_in(place, named, is_first=is_first)
    refusals = Refusals(frozenset({digest("host", "bad.example")}))
    return hits, Rewriting(place, named, is_first, refusals).write_next(hits)


def test_a_pair_that_stays_takes_over_the_bytes(place):
    named = Named(frozenset({f"{1:024x}{0:016x}"}))
    hits, manifest = rewritten(place, named)
    rows = parquet.read_table(place.folder.next.part(0)).to_pylist()
    before = parquet.read_table(place.folder.part(0)).to_pylist()
    assert [row["key"] for row in rows] == [row["key"] for row in before if row != before[2]]
    assert rows[2] == before[3] | {"encoded": before[2]["encoded"]}
    assert [*rows[:2], *rows[3:]] == [*before[:2], *before[4:]]
    assert (hits.kept, hits.pairs, manifest.rows_in, manifest.rows_out) == (1, 1, 7, 5)


def test_rows_of_an_image_go_and_what_names_them_says_so_no_longer(place):
    named = Named(frozenset({"e" * 40}), frozenset({f"{1:024x}"}))
    hits, manifest = rewritten(place, named)
    (rejection,) = parquet.read_table(place.folder.next.rejected(0)).to_pylist()
    assert (rejection["key"], rejection["detail"]) == ("f" * 40, "removed")
    assert hits.naming == ["f" * 40]
    assert (manifest.rows_in, manifest.rows_out, manifest.rejected) == (5, 4, {"gone": 1})
    assert manifest.warnings == ["hosts that kept failing: removed (3), fine.example (2)"]


def test_the_first_stage_counts_what_is_gone(place):
    named = Named(frozenset({"e" * 40}), frozenset({f"{1:024x}"}))
    _, manifest = rewritten(place, named, is_first=True)
    rejections = parquet.read_table(place.folder.next.rejected(0)).to_pylist()
    assert [row["reason"] for row in rejections] == ["removed"] * 3 + ["gone"]
    assert {(row["key"], row["url"], row["caption"]) for row in rejections[:3]} == {("", "", "")}
    assert (manifest.rows_in, manifest.rows_out) == (8, 4)
    assert manifest.rejected == {"gone": 1, "removed": 3}
    for entry in (*manifest.files, *manifest.rejected_files):
        assert files.sha256_of(place.folder.next.file(entry["name"])) == entry["sha256"]


def test_a_shard_without_such_rows_is_not_written(place):
    hits, manifest = rewritten(place, Named(frozenset({"d" * 40})))
    assert (hits.files, manifest.files) == ({}, place.manifest.files)
    assert place.folder.next.output_names() == []
