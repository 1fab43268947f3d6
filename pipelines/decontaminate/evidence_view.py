"""Rows beside the references that they match, for the report."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.decontaminate.match import Match, from_text
from pipelines.decontaminate.shard import CAPTION, COLUMN, CONTENT, IMAGE
from pipelines.io.keys import shard_of
from pipelines.io.layout import RunFolder, StageFolder
from pipelines.io.manifest import Manifest, read_rejected
from pipelines.io.parquet import read_row_groups, read_table
from pipelines.records import IMAGES, REFERENCES
from pipelines.views import Pair, Pairs, Seen

SHOWN = 12  # of each kind; chosen: six lines on a wide screen
REFERENCE_FILE = "references.parquet"

_TITLES = {
    "file": "Files of an evaluation set",
    "pixels": "Pixels of an evaluation set",
    "look": "Images that look like one of an evaluation set, the farthest first",
    "embedding": "Images that show what one of an evaluation set shows, the farthest first",
    "caption": "Captions of an evaluation set, the least alike first",
}

Row = dict[str, Any]


def evidence(folder: StageFolder, manifest: Manifest) -> Iterator[Pairs]:
    """For each way of matching, the rows that match least surely beside what they match.

    Args:
        folder: of the stage.
        manifest: of it.
    """
    found = list(_matched(folder, manifest))
    for by, title in _TITLES.items():
        mine = [(row, match) for row, match in found if match.by == by]
        if mine:
            mine.sort(key=lambda item: (item[1].rank, item[0]["key"]), reverse=True)
            yield _pairs(title, mine[:SHOWN], len(mine), folder)


def _pairs(title: str, shown: list[tuple[Row, Match]], count: int, folder: StageFolder) -> Pairs:
    run = RunFolder(folder.url.rpartition("/")[0], folder.num_shards)
    images = _images(run.stage(IMAGES), [row["key"] for row, _ in shown])
    references = _references(
        run.stage(REFERENCES).file(REFERENCE_FILE), {(m.of, m.reference) for _, m in shown}
    )
    return Pairs(
        title=title,
        about=f"{len(shown):,} of {count:,} matches. In red: dropped.",
        left="the row",
        right="what it matches",
        items=[_pair(row, match, images, references) for row, match in shown],
    )


def _pair(
    row: Row,
    match: Match,
    images: Mapping[str, bytes],
    references: Mapping[tuple[str, str], Row],
) -> Pair:
    reference = references.get((match.of, match.reference), {})
    captions = " / ".join(reference.get("captions", ())[:2])
    return Pair(
        left=Seen(images.get(row["key"]), row["caption"]),
        right=Seen(reference.get("image"), captions),
        measured=f"{match.of}: {match.reference}; {_measured(match)}; key {row['key'][:12]}",
        is_marked=row["is_dropped"],
    )


def _measured(match: Match) -> str:
    if match.by == "look":
        return f"hashes differ in {match.value:.0f} bits"
    if match.by == "embedding":
        return f"cosine {match.value:.3f}"
    if match.by == "caption":
        return f"sequences of words shared: {match.value:.0f}"
    return f"the same {match.by}"


def _matched(folder: StageFolder, manifest: Manifest) -> Iterator[tuple[Row, Match]]:
    """All rows that match, kept or dropped, with each of their matches."""
    names = ["key", "caption", "reason", "detail"]
    rejected = read_rejected(folder, manifest, names)
    mine = pc.is_in(rejected["reason"], pa.array([IMAGE, CONTENT, CAPTION]))
    for row in rejected.filter(mine).to_pylist():
        yield from _each(row, row["detail"], is_dropped=True)
    for url in folder.parts():
        table = read_table(url, ["key", "caption", COLUMN])
        for row in table.filter(table[COLUMN].is_valid()).to_pylist():
            yield from _each(row, row[COLUMN], is_dropped=False)


def _each(row: Row, text: str, *, is_dropped: bool) -> Iterator[tuple[Row, Match]]:
    for match in from_text(text):
        yield {"key": row["key"], "caption": row["caption"], "is_dropped": is_dropped}, match


def _images(folder: StageFolder, keys: Iterable[str]) -> dict[str, bytes]:
    """The stored images of some rows, by key."""
    wanted = pa.array(sorted(keys), pa.string())
    found: dict[str, bytes] = {}
    for index in sorted({shard_of(key, folder.num_shards) for key in wanted.to_pylist()}):
        for group in read_row_groups(folder.part(index), ["key", "image"]):
            rows = group.filter(pc.is_in(group["key"], wanted)).to_pylist()
            found |= {row["key"]: row["image"] for row in rows}
    return found


def _references(url: str, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Row]:
    """Images and captions of some references, by set and name."""
    names = pa.array(sorted({name for _, name in wanted}), pa.string())
    found: dict[tuple[str, str], Row] = {}
    for group in read_row_groups(url, ["set", "name", "captions", "image"]):
        rows = group.filter(pc.is_in(group["name"], names)).to_pylist()
        found |= {(r["set"], r["name"]): r for r in rows if (r["set"], r["name"]) in wanted}
    return found
