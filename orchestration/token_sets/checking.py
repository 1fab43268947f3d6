"""Checks a set of token shards: every file and page, the order of keys, the codes, the books."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.parquet_seal import DamagedParquetError, checked_seal, is_whole
from dalle_model.shard_schema import TOKEN_SHAPE, ShardMetadata, companion
from dalle_model.shard_sets.pairing import NAMES, RANGE_ROWS, names_of, refuse_copies, told
from dalle_model.shard_sets.shard import Shard, open_shard
from dalle_model.shard_sets.token_set import TokenSet, key_ranges
from dalle_model.shards import (
    SUFFIX,
    ShardError,
    list_shards,
    refuse_other_columns,
    refuse_to_mix,
)
from orchestration.engine.verify import VerificationError
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import Manifest, read_manifest
from pipelines.io.manifest_groups import ManifestError


@dataclass(frozen=True)
class CheckedSet:
    """A set of token shards in which nothing is wrong.

    Args:
        url: of its folder, or of its one shard.
        num_rows: that were read.
        num_shards: of them.
        has_manifest: whether files were compared with the checksums of a manifest.
        has_seals: whether each shard was compared with checksums of its own. Without these and a
            manifest a flipped bit is found in the rows, but not wherever it may be in a footer.
    """

    url: str
    num_rows: int
    num_shards: int
    has_manifest: bool
    has_seals: bool

    def __str__(self) -> str:
        if self.has_manifest:
            by = "every byte is that of the manifest"
        elif self.has_seals:
            by = "there is no manifest: every byte is that of the shard's own checksum"
        else:
            by = "there is no manifest: pages have their checksums, a footer has none"
        return f"whole    {self.url} ({self.num_rows:,} rows, {self.num_shards:,} shards); {by}"


@dataclass
class _Findings:
    """What is found while all shards are read."""

    problems: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)  # URLs of files that are not to be read
    views: set[int] = field(default_factory=set)
    rows: dict[str, int] = field(default_factory=dict)  # by URL of a shard
    unsealed: int = 0  # shards without checksums of their own


def check_set(url: str) -> CheckedSet:
    """Check every shard of a set, row group by row group.

    Raises:
        VerificationError: something is wrong; names each file, and what.
        ShardError: there is no shard.
    """
    urls = [url] if url.endswith(SUFFIX) else list_shards(url)
    folder, found = StageFolder(url), _Findings()
    has_manifest = not url.endswith(SUFFIX) and files.exists(folder.manifest)
    manifest = _manifest(folder, found) if has_manifest else None
    for one in urls if manifest is None else ():
        _check_seal(one, found)
    shards = list(_opened([one for one in urls if one not in found.damaged], found))
    for shard in shards:
        found.problems += _shard_problems(shard, found)
    if not found.problems:
        found.problems += _copies(TokenSet(url, tuple(shards)))
    if manifest is not None:
        found.problems += _book_problems(folder, manifest, found)
    if found.problems:
        raise VerificationError(
            "\n".join(found.problems) + "\ntake these files from a copy, or make the set again"
        )
    return CheckedSet(
        url, sum(found.rows.values()), len(urls), has_manifest, has_seals=not found.unsealed
    )


def _check_seal(url: str, found: _Findings) -> None:
    """Compare a shard with its own checksums, before it is parsed."""
    try:
        with files.open_read(url) as stream:
            seal = checked_seal(stream)
            if seal is not None and not is_whole(stream, seal):
                raise DamagedParquetError("its bytes are not those of its checksum")
    except (DamagedParquetError, OSError) as error:
        found.problems.append(f"{url} cannot be read: {error}")
        found.damaged.add(url)
    else:
        found.unsealed += seal is None


def _opened(urls: list[str], found: _Findings) -> Iterator[Shard]:
    """The shards that can be opened and go together with the first of them."""
    first: Shard | None = None
    for url in urls:
        try:
            shard = open_shard(url)
            first = first or shard
            refuse_to_mix(first.url, first.metadata, url, shard.metadata)
            refuse_other_columns(first.url, first.schema, url, shard.schema)
        except ShardError as error:
            found.problems.append(str(error))
        else:
            yield shard


def _shard_problems(shard: Shard, found: _Findings) -> Iterator[str]:
    """The first problem of a shard's rows, and how many rows it has."""
    last, rows = "", 0
    try:
        for table in shard.tables():
            rows += table.num_rows
            found.views |= set(pc.unique(table["view"]).to_pylist())
            last = _checked(shard, table, last)
    except ShardError as error:
        yield str(error)
        return
    found.rows[shard.url] = rows


def _checked(shard: Shard, table: pa.Table, last: str) -> str:
    """The name of the last row; raises ShardError where a row is out of order or has a wrong code.

    Args:
        shard: of the rows.
        table: some of them.
        last: the name of the row before.
    """
    names = pa.concat_arrays([pa.array([last]), names_of(table)])
    ascends = pc.less(names[:-1], names[1:])
    if not pc.all(ascends, min_count=0).as_py():
        place = pc.index(ascends, False).as_py()
        raise shard.refused(
            f"row {told(names[place + 1].as_py())} comes behind {told(names[place].as_py())}: "
            "rows are to ascend by key and view"
        )
    for column, tokens in shard.metadata.tokens.items():
        if problem := _codes_problem(table, column, tokens):
            raise shard.refused(problem)
    return str(names[-1].as_py())


def _codes_problem(table: pa.Table, column: str, tokens: ShardMetadata) -> str:
    """What is wrong with the codes of some rows; empty where nothing is."""
    codes = table[column].combine_chunks()
    lengths = pc.list_value_length(codes).to_numpy(zero_copy_only=False)
    shapes = table[companion(column, TOKEN_SHAPE)].to_pylist() if tokens.token_shape is None else []
    positions = [math.prod(shape) for shape in shapes] if shapes else tokens.num_tokens
    wrong = np.flatnonzero(lengths != np.multiply(positions, tokens.codebooks))
    if len(wrong):
        place = int(wrong[0])
        return f"`{column}` of row {table['key'][place]} has {lengths[place]} codes"
    highest = pc.max(codes.flatten()).as_py()
    if highest is not None and highest >= tokens.num_codes:
        return f"`{column}` has the code {highest}, which is not below {tokens.num_codes:,}"
    return ""


def _copies(part: TokenSet) -> Iterator[str]:
    """A row that two shards hold."""
    for start, stop in key_ranges(part.rows, RANGE_ROWS):
        try:
            refuse_copies(part, names_of(part.between(NAMES, start, stop).table))
        except ShardError as error:
            yield str(error)
            return


def _manifest(folder: StageFolder, found: _Findings) -> Manifest | None:
    """The manifest, with whose checksums every file has been compared before any is parsed.

    A damaged footer may end the process: Arrow 25 throws where it cannot be caught.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        found.problems.append(f"{folder.manifest} is damaged, or of another version")
        return None
    try:
        for entry in (*manifest.files, *manifest.rejected_files):
            if problem := _file_problem(url := folder.file(entry["name"]), entry["sha256"]):
                found.problems.append(problem)
                found.damaged.add(url)
    except ManifestError as error:
        found.problems.append(str(error))
        return None
    return manifest


def _file_problem(url: str, sha256: str) -> str:
    try:
        is_same = files.sha256_of(url) == sha256
    except FileNotFoundError:
        return f"{url} is missing"
    return "" if is_same else f"{url} is corrupt: its SHA-256 is not that of the manifest"


def _book_problems(folder: StageFolder, manifest: Manifest, found: _Findings) -> Iterator[str]:
    listed = {folder.file(entry["name"]): entry.get("rows") for entry in manifest.files}
    for url, rows in found.rows.items():
        if url not in listed:
            yield f"{url} is in no manifest"
        elif listed[url] != rows:
            yield f"{url} has {rows:,} rows, and {listed[url]} by the manifest"
    kept = manifest.rows_in - sum(manifest.rejected.values())
    balanced = {kept, kept * len(found.views)}  # each row of an image is one of every view
    in_files = sum(rows or 0 for rows in listed.values())
    if manifest.rows_out not in balanced or manifest.rows_out != in_files:
        yield (
            f"{folder.manifest}: the books do not balance: {manifest.rows_in:,} rows in, "
            f"{manifest.rows_out:,} out, {in_files:,} in its files"
        )
