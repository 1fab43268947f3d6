"""What a set of shards holds: the rows of each row group, read off all footers once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.data.permutation import Integers
from dalle_model.data.pieces import read_footer
from dalle_model.shard_schema import ShardMetadata, parse_metadata
from dalle_model.shards import ShardError, metadata_of, refuse_other_tokenizers, refuse_to_mix

_VERSION = 1  # of the file


class Shard(NamedTuple):
    """One file.

    Args:
        url: of it.
        num_bytes: of it.
        footer_sha256: what says that it is still the one that was indexed.
        metadata: JSON of the footer, as it was written.
        group_rows: rows of each row group.
    """

    url: str
    num_bytes: int
    footer_sha256: str
    metadata: str
    group_rows: tuple[int, ...]


class Group(NamedTuple):
    """A row group: its shard, and its number there."""

    shard: Shard
    number: int


@dataclass(frozen=True)
class Index:
    """Shards of one codec, in order; rows are counted through all of them.

    Args:
        shards: at least one.
    """

    shards: tuple[Shard, ...]

    @cached_property
    def metadata(self) -> ShardMetadata:
        """What the codes of all shards mean."""
        return parse_metadata(self.shards[0].metadata.encode())

    @cached_property
    def groups(self) -> list[Group]:
        """All row groups, in order."""
        return [Group(shard, n) for shard in self.shards for n in range(len(shard.group_rows))]

    @cached_property
    def group_rows(self) -> Integers:
        """Rows of each row group, int64."""
        return np.array([n for shard in self.shards for n in shard.group_rows], np.int64)

    @cached_property
    def sha256(self) -> str:
        """Of all footers: of which files, in which order."""
        return files.sha256("".join(shard.footer_sha256 for shard in self.shards).encode())


def read_index(urls: Sequence[str], kept: str | None = None) -> Index:
    """The index of some shards, by one request for each, many of them at once.

    Args:
        urls: of the shards, in the order of their rows.
        kept: URL of a file that keeps the index: footers of shards that it has are not read again.

    Raises:
        ShardError: a shard is missing, no token shard, or of another codec than the others.
    """
    sizes = _sizes(urls)
    known = {(shard.url, shard.num_bytes): shard for shard in _read_kept(kept)}
    new = [url for url in urls if (url, sizes[url]) not in known]
    found = at_once(lambda url: _read_shard(url, sizes[url]), new)
    known |= {(shard.url, shard.num_bytes): shard for shard in found}
    index = Index(tuple(known[url, sizes[url]] for url in urls))
    _refuse_mixtures(index)
    if kept is not None and (new or len(known) != len(urls)):
        shards = [shard._asdict() for shard in index.shards]
        files.write_json(kept, {"version": _VERSION, "shards": shards})
    return index


def refuse_text_tokenizers(index: Index) -> None:
    """Raise `ShardError` where the `text_tokens` of two tokenizers would be mixed."""
    owners: dict[str, str] = {}
    for shard in index.shards:
        if digest := parse_metadata(shard.metadata.encode()).tokenizer_sha256:
            owners.setdefault(digest, shard.url)
            refuse_other_tokenizers(owners)


def _sizes(urls: Sequence[str]) -> dict[str, int]:
    """Bytes of each shard, by a listing of each folder."""
    if not urls:
        raise ShardError("no token shards are given; `dalle run encode` makes them")
    folders = {url: url.rpartition("/")[0] or "." for url in urls}
    listed = {folder: files.list_sizes(folder) for folder in dict.fromkeys(folders.values())}
    for url in urls:
        if url.rpartition("/")[2] not in listed[folders[url]]:
            raise ShardError(f"{url} is missing; `dalle run encode` makes it")
    return {url: listed[folders[url]][url.rpartition("/")[2]] for url in urls}


def _read_kept(url: str | None) -> list[Shard]:
    """The shards of a kept index; none where it is not there, or of another program."""
    if url is None or not files.exists(url):
        return []
    document: Any = files.read_json(url)
    if not isinstance(document, dict) or document.get("version") != _VERSION:
        return []
    return [Shard(**{**shard, "group_rows": tuple(shard["group_rows"])})
            for shard in document["shards"]]  # fmt: skip


def _read_shard(url: str, size: int) -> Shard:
    footer = read_footer(url, size)
    metadata_of(url, pq.read_schema(footer.stream))
    groups = range(footer.parsed.num_row_groups)
    rows = tuple(footer.parsed.row_group(number).num_rows for number in groups)
    return Shard(url, size, footer.sha256, footer.parsed.metadata[b"dalle"].decode(), rows)


def _refuse_mixtures(index: Index) -> None:
    first = index.shards[0]
    for text, url in {shard.metadata: shard.url for shard in index.shards[::-1]}.items():
        refuse_to_mix(first.url, index.metadata, url, parse_metadata(text.encode()))
