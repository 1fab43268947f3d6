"""Writes the shards of a stage anew that hold rows which are to be removed, beside the old ones."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.shards import image_of
from orchestration.removal.finding import Hits, Place, without_names
from pipelines.io import parquet
from pipelines.io.finish import rejection_table
from pipelines.io.layout import part_name, rejected_name
from pipelines.io.manifest import Manifest, write_manifest
from pipelines.io.refusals import REMOVED, Named, Refusals, removed_rows
from pipelines.rejection import REJECTION_SCHEMA

_WORD = re.compile(r"[^\s,;()'\"]+")
_BYTES = "encoded"  # of an image, which the first of its rows holds for all


@dataclass(frozen=True)
class Rewriting:
    """What is taken out of one stage.

    Args:
        place: the stage.
        named: the rows.
        is_first: whether the stage reads no other: there rows that are gone still count.
        refusals: URLs and hosts that no text of the stage may name any longer.
    """

    place: Place
    named: Named
    is_first: bool
    refusals: Refusals

    def write_next(self, hits: Hits) -> Manifest:
        """Write what changes into the stage's `.next`, the manifest last, and return that.

        Args:
            hits: of the stage.
        """
        manifest = self.place.manifest
        kept, dropped = list(manifest.files), list(manifest.rejected_files)
        for index in range(manifest.num_shards):
            gone = 0
            if kept[index]["name"] in hits.files:
                gone, kept[index] = self._kept(index)
            if dropped[index]["name"] in hits.files:
                dropped[index] = self._dropped(index, gone)
        books = _books(manifest, hits, is_first=self.is_first)
        warnings = [_without_hosts(line, self.refusals) for line in manifest.warnings]
        changed = replace(manifest, **books, files=kept, rejected_files=dropped, warnings=warnings)
        write_manifest(self.place.folder.next, changed)
        return changed

    def _kept(self, index: int) -> tuple[int, dict[str, Any]]:
        """The pairs that are gone from a shard of rows kept, and the entry of its file."""
        name = part_name(index, self.place.manifest.num_shards)
        source, gone = self.place.folder.file(name), set[str]()
        with files.writing(self.place.folder.next.file(name)) as stream:
            written = parquet.write(
                stream,
                parquet.read_schema(source),
                self._rest(source, gone),
                parquet.read_encodings(source),
            )
        return len(gone), {"name": name, **written._asdict()}

    def _rest(self, url: str, gone: set[str]) -> Iterator[pa.Table]:
        """The rows of a shard that stay; bytes that one which goes holds for others are theirs."""
        heirs = _Heirs()
        for table in parquet.read_row_groups(url):
            is_gone = self.named.mask(table["key"])
            leaving, rest = table.filter(is_gone), table.filter(pc.invert(is_gone))
            gone.update(leaving["key"].to_pylist())
            yield heirs.provided(leaving, rest) if _BYTES in table.column_names else rest

    def _dropped(self, index: int, gone: int) -> dict[str, Any]:
        name = rejected_name(index, self.place.manifest.num_shards)
        table = parquet.read_table(self.place.folder.file(name))
        is_gone = self.named.mask(table["key"])
        rest = table.filter(pc.invert(is_gone))
        details = [without_names(detail, self.named) for detail in rest["detail"].to_pylist()]
        place = REJECTION_SCHEMA.get_field_index("detail")
        rest = rest.set_column(place, REJECTION_SCHEMA.field(place), pa.array(details, pa.string()))
        count = gone + (pc.sum(is_gone).as_py() or 0) if self.is_first else 0
        counted = rejection_table(removed_rows(count, self.place.manifest.stage))
        rows = rejection_table(pa.concat_tables([rest, counted]))
        with files.writing(self.place.folder.next.file(name)) as stream:
            written = parquet.write(stream, REJECTION_SCHEMA, [rows])
        return {"name": name, **written._asdict()}


class _Heirs:
    """Rows that take over the bytes of an image from one that goes, while a shard passes."""

    def __init__(self) -> None:
        self._left: dict[tuple[str, str], bytes] = {}

    def provided(self, leaving: pa.Table, rest: pa.Table) -> pa.Table:
        """The rows that stay, of an image whose bytes have gone the first one with these."""
        for row in parquet.rows_of(leaving.select(["key", "sha256", _BYTES])):
            if row[_BYTES] is not None:
                self._left[image_of(row["key"]), row["sha256"]] = row[_BYTES]
        if not self._left or not rest.num_rows:
            return rest
        found = list(self._taken(rest))
        if not any(found):
            return rest
        values = [new or old for new, old in zip(found, rest[_BYTES].to_pylist(), strict=True)]
        place = rest.schema.get_field_index(_BYTES)
        return rest.set_column(place, rest.schema.field(place), pa.array(values, pa.binary()))

    def _taken(self, rest: pa.Table) -> Iterator[bytes | None]:
        for row in parquet.rows_of(rest.select(["key", "sha256"])):
            yield self._left.pop((image_of(row["key"]), row["sha256"]), None)


def _without_hosts(line: str, refusals: Refusals) -> str:
    """A line for people in which no word is a URL or a host that is refused."""

    def kept(word: re.Match[str]) -> str:
        url = word[0] if "://" in word[0] else f"http://{word[0]}/"
        return REMOVED if "." in url and refusals.has_url(url) else word[0]

    return _WORD.sub(kept, line)


def _books(manifest: Manifest, hits: Hits, *, is_first: bool) -> dict[str, Any]:
    """What of the books changes: behind the first stage the rows have never come in."""
    gone = hits.pairs + sum(hits.dropped.values())
    rejected = Counter(manifest.rejected)
    rejected.subtract(hits.dropped)
    if is_first:
        rejected[REMOVED] += gone
    return {
        "rows_in": manifest.rows_in - (0 if is_first else gone),
        "rows_out": manifest.rows_out - hits.kept,
        "rows_added": manifest.rows_added - (hits.kept - hits.pairs),
        "rejected": dict(sorted((+rejected).items())),
    }
