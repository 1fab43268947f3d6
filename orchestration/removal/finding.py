"""Finds the rows of a run that are to be removed: first what names them, then where they are."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.shards import IMAGE_DIGITS, image_of
from orchestration.removal.asked import KEY_DIGITS, MAX_HAMMING, Asked
from pipelines.io.cleaned import is_freed
from pipelines.io.hashes import exact_hash
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest
from pipelines.io.parquet import read_row_groups, read_schema, rows_of
from pipelines.io.refusals import Named, Refusals, digest, images_with_hashes, named_in

# Of a shard of rows kept, and of rejections: what says what a row is.
_WHERE = ("key", "url", "page_url")
_HASHES = ("sha256", "declared_hash")
_OF_REJECTED = ("key", "url", "detail")
# A `detail` may name the row for which another one was dropped: by its key or its image.
_NAMES = re.compile(rf"\b(?:[0-9a-f]{{{KEY_DIGITS}}}|[0-9a-f]{{{IMAGE_DIGITS}}})\b")


@dataclass(frozen=True)
class Place:
    """A finished stage on shards.

    Args:
        folder: of it.
        manifest: of it.
    """

    folder: StageFolder
    manifest: Manifest

    def kept(self) -> list[str]:
        """URLs of its shards of rows kept; none where they were freed."""
        if is_freed(self.folder):
            return []
        return [self.folder.file(entry["name"]) for entry in self.manifest.files]

    def rejected(self) -> list[str]:
        """URLs of its rejections."""
        return [self.folder.file(entry["name"]) for entry in self.manifest.rejected_files]


@dataclass(frozen=True)
class ToRemove:
    """What names the rows that are to be removed.

    Args:
        named: their keys.
        also_refused: digests of what was found by a hash: the image's part of the key, by which
            nobody asks for it again, and the SHA-256 of what looks like one that was asked for.
    """

    named: Named = field(default_factory=Named)
    also_refused: frozenset[str] = frozenset()

    def with_images(self, images: frozenset[str]) -> "ToRemove":
        """The same with further images, by their part of a key."""
        refused = {digest("image", image) for image in images}
        return ToRemove(self.named | Named(images=images), self.also_refused | refused)


@dataclass
class Hits:
    """Rows that are to be removed from a stage.

    Args:
        files: SHA-256 of each file that holds one, or names one, by its name.
        kept: rows, among them further views of a pair.
        pairs: the same without further views.
        dropped: rejections, by reason.
        naming: keys of rejections that stay and name such a row as that for which they were
            dropped.
        pages: where such rows were found.
    """

    files: dict[str, str] = field(default_factory=dict)
    kept: int = 0
    pairs: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    naming: list[str] = field(default_factory=list)
    pages: set[str] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """All rows, kept or dropped."""
        return self.kept + sum(self.dropped.values())


def to_remove(places: Iterable[Place], asked: Asked) -> ToRemove:
    """What names the rows of all stages that are asked for.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    found, by_hash, hashes = list[Named](), set[str](), set[str]()
    for place in places:
        for table in _tables(place.rejected(), _OF_REJECTED):
            found.append(named_in(table, asked.refusals))
        for table in _tables(place.kept(), (*_WHERE, *_HASHES, "phash")):
            found.append(named_in(_having(table, _WHERE), asked.refusals))
            by_hash |= images_with_hashes(table, asked.refusals)
            alike = _alike(table, asked)
            by_hash.update(map(image_of, alike["key"].to_pylist()))
            hashes.update(filter(None, _values(alike, "sha256")))
        if asked.has_md5 or asked.is_by_digests:
            by_hash |= _by_bytes(place, asked.refusals)
    keys = frozenset[str]().union(*(one.keys for one in found))
    images = frozenset(by_hash).union(*(one.images for one in found))
    also = {digest("image", one) for one in by_hash} | {digest("sha256", one) for one in hashes}
    return ToRemove(Named(keys, images), frozenset(also))


def hits_in(place: Place, named: Named, *, is_first: bool) -> Hits:
    """Where the rows of a stage are that are to be removed.

    Args:
        place: the stage.
        named: the rows.
        is_first: whether its rejections count the rows that go.

    Raises:
        UnreadableShardError: a shard is missing or corrupt.
    """
    hits = Hits()
    sums = {
        place.folder.file(entry["name"]): entry
        for entry in (*place.manifest.files, *place.manifest.rejected_files)
    }
    for url in place.kept():
        _add_kept(hits, url, sums[url], named)
    if is_first:
        pairs = zip(place.manifest.files, place.manifest.rejected_files, strict=True)
        hits.files |= {r["name"]: r["sha256"] for k, r in pairs if k["name"] in hits.files}
    for url in place.rejected():
        _add_rejected(hits, url, sums[url], named)
    return hits


def names_one(detail: str, named: Named) -> bool:
    """Whether the `detail` of a rejection names a row that is to be removed."""
    return without_names(detail, named) != detail


def without_names(detail: str, named: Named) -> str:
    """A `detail` in which such names are gone."""
    return _NAMES.sub(lambda found: "removed" if _is_named(found[0], named) else found[0], detail)


def _is_named(name: str, named: Named) -> bool:
    return name in named.images if len(name) == IMAGE_DIGITS else named.has(name)


def _add_kept(hits: Hits, url: str, entry: dict[str, str], named: Named) -> None:
    pairs = set[str]()
    for table in _tables([url], ("key", "page_url")):
        gone = table.filter(named.mask(table["key"]))
        hits.kept += gone.num_rows
        pairs.update(gone["key"].to_pylist())
        hits.pages.update(filter(None, _values(gone, "page_url")))
    hits.pairs += len(pairs)
    if pairs:
        hits.files[entry["name"]] = entry["sha256"]


def _add_rejected(hits: Hits, url: str, entry: dict[str, str], named: Named) -> None:
    for table in _tables([url], ("key", "reason", "detail")):
        is_gone = named.mask(table["key"])
        gone, rest = table.filter(is_gone), table.filter(pc.invert(is_gone))
        naming = [
            key
            for key, detail in zip(_values(rest, "key"), _values(rest, "detail"), strict=True)
            if detail and names_one(detail, named)
        ]
        for reason in _values(gone, "reason"):
            hits.dropped[reason] = hits.dropped.get(reason, 0) + 1
        hits.naming += naming
        hits.pages.update(detail for detail in _values(gone, "detail") if "://" in detail)
        if gone.num_rows or naming:
            hits.files[entry["name"]] = entry["sha256"]


def _alike(table: pa.Table, asked: Asked) -> pa.Table:
    """The rows whose images look like one that is asked for."""
    if not asked.looks.size or "phash" not in table.column_names:
        return table.slice(0, 0)
    looks = table["phash"].to_numpy()
    distances = [np.bitwise_count(looks ^ one) for one in asked.looks]
    return table.filter(pa.array(np.min(distances, axis=0) <= MAX_HAMMING))


def _by_bytes(place: Place, refusals: Refusals) -> set[str]:
    """Images by the MD5 of their bytes, which no column holds."""
    images = set[str]()
    for table in _tables(place.kept(), ("key", "encoded")):
        if "encoded" in table.column_names:
            for row in rows_of(table):
                if row["encoded"] and refusals.has("md5", exact_hash(row["encoded"], "md5")):
                    images.add(image_of(row["key"]))
    return images


def _having(table: pa.Table, columns: Iterable[str]) -> pa.Table:
    return table.select([name for name in columns if name in table.column_names])


def _tables(urls: Iterable[str], columns: Iterable[str]) -> Iterator[pa.Table]:
    """Those of some columns that shards have."""
    for url in urls:
        there = set(read_schema(url).names)
        yield from read_row_groups(url, [name for name in dict.fromkeys(columns) if name in there])


def _values(table: pa.Table, column: str) -> list[str]:
    values: list[str] = table[column].to_pylist() if column in table.column_names else []
    return values
