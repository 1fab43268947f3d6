"""Token sets of one codec as one set with another number of rows a shard, by the hash of keys.

Rows are read once. Until their shard is written they lie in a file without a name beside it, which
takes as much as the set does unpacked; of memory there is needed what one shard takes, and 64 MiB.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model import files
from dalle_model.shard_schema import SCHEMA_VERSION, ShardMetadata, column_encodings, token_schema
from dalle_model.shard_sets.pairing import NAMES, names_of, told
from dalle_model.shard_sets.token_set import TokenSet, open_set
from dalle_model.shards import ShardError, refuse_other_columns, refuse_to_mix
from orchestration.engine.progress import Progress
from orchestration.token_sets.output import Making, OutputError, write_set
from pipelines.io.keys import shard_of
from pipelines.io.task import BatchedResult, ShardResult
from pipelines.rejection import Check, reject

ROWS_A_SHARD = 65_536  # chosen: 16 row groups, some 110 MB of 1,024 codes of 13 bits
_HELD_BYTES = 64 << 20  # chosen: so that a part of it for each of 1,000 shards is a row or more


@dataclass(frozen=True)
class ReshardResult:
    """A set that was written anew.

    Args:
        out: URL of its folder.
        num_rows: of it.
        num_shards: of it.
        num_copies: rows that were left out, since one of the same key and view is there.
    """

    out: str
    num_rows: int
    num_shards: int
    num_copies: int = 0

    def __str__(self) -> str:
        said = f"written  {self.out} ({self.num_rows:,} rows, {self.num_shards:,} shards)"
        return f"{said}\nleft out {self.num_copies:,} copies" if self.num_copies else said


def write_anew(
    verb: str,
    urls: Sequence[str],
    out: str,
    rows_a_shard: int,
    *,
    drops_copies: bool = False,
    progress: Progress,
) -> ReshardResult:
    """Write the rows of some sets as one set.

    Args:
        verb: the command, for the manifest.
        urls: of the sets.
        out: URL of the folder to write.
        rows_a_shard: about how many, as rows go by the hash of their keys.
        drops_copies: whether of rows of one key and view the first is kept, by the order of the
            sets, and not an error.
        progress: receives each shard.

    Raises:
        ShardError: a set cannot be read, two are of different codecs, columns or text tokenizers,
            or a row is there twice; names it.
        OutputError: the folder holds something else, or a shard would have no row.
    """
    if rows_a_shard < 1:
        raise OutputError(f"a shard needs a row or more, not {rows_a_shard}")
    sets = tuple(open_set(url) for url in urls)
    num_shards = max(1, -(-sum(one.rows for one in sets) // rows_a_shard))
    making = Making(out, verb, sets, {"drops_copies": drops_copies}, num_shards)
    metadata = replace(common_meaning(sets), fingerprint=making.fingerprint)
    schema = schema_of(sets[0].schema, metadata)
    encodings = column_encodings(metadata)
    with ExitStack() as stack:
        dealt: list[Dealt] = []

        def work(index: int) -> BatchedResult:
            if not dealt:  # not where all shards are there already
                stream = stack.enter_context(files.scratch(out))
                dealt.append(deal(sets, stream, schema, num_shards))
            batch = shard_rows(dealt[0].take(index), drops_copies=drops_copies, verb=verb)
            return BatchedResult(schema, [batch], encodings)

        manifest = write_set(making, work, progress)
    copies = manifest.rejected.get("copy", 0)
    return ReshardResult(out, manifest.rows_out, num_shards, copies)


def common_meaning(sets: Sequence[TokenSet]) -> ShardMetadata:
    """What the tokens of all sets mean; raises as `write_anew`."""
    first = sets[0]
    tokenizers = {first.metadata.tokenizer_sha256: first.url}
    for other in sets[1:]:
        refuse_to_mix(first.url, first.metadata, other.url, other.metadata)
        refuse_other_columns(first.url, first.schema, other.url, other.schema)
        tokenizers.setdefault(other.metadata.tokenizer_sha256, other.url)
    tokenizers.pop("", None)
    if len(tokenizers) > 1:
        raise ShardError(
            f"`text_tokens` of different text tokenizers cannot be merged: those of "
            f"{' and '.join(tokenizers.values())}"
        )
    return replace(
        first.metadata,
        schema_version=SCHEMA_VERSION,
        tokenizer_sha256=next(iter(tokenizers), ""),
    )


def schema_of(columns: pa.Schema, metadata: ShardMetadata) -> pa.Schema:
    """The columns of a set as this version writes them, with their footer."""
    known = token_schema(metadata).names
    added = [field.with_metadata(None) for field in columns if field.name not in known]
    return token_schema(metadata, added)


class Part(NamedTuple):
    """Where rows lie in a file."""

    start: int
    length: int


class Dealt:
    """Rows of shards, in a file from which each shard is taken.

    Args:
        stream: to write to and to read from.
        schema: of the rows.
        num_shards: how many there are.
    """

    def __init__(self, stream: BinaryIO, schema: pa.Schema, num_shards: int) -> None:
        self._stream, self._schema, self._num_shards = stream, schema, num_shards
        self._parts: dict[int, list[Part]] = {}
        self._waiting: list[pa.Table] = []
        self._bytes = 0

    def add(self, table: pa.Table) -> None:
        """Deal out some rows."""
        self._waiting.append(table)
        self._bytes += table.nbytes
        if self._bytes >= _HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits, so that it can be taken."""
        if not self._bytes:
            return
        table = pa.concat_tables(self._waiting)
        self._waiting, self._bytes = [], 0
        shards = np.array([shard_of(k, self._num_shards) for k in table["key"].to_pylist()])
        order = np.argsort(shards, kind="stable")
        table = table.take(pa.array(order)).combine_chunks()
        numbers, starts = np.unique(shards[order], return_index=True)
        for number, start, end in zip(numbers, starts, [*starts[1:], len(order)], strict=True):
            for batch in table.slice(start, end - start).to_batches():
                content = batch.serialize()
                part = Part(self._stream.tell(), self._stream.write(content))
                self._parts.setdefault(int(number), []).append(part)

    def take(self, index: int) -> pa.Table:
        """The rows of a shard, in the order in which they were added."""
        batches = []
        for part in self._parts.get(index, []):
            self._stream.seek(part.start)
            content = self._stream.read(part.length)
            batches.append(pa.ipc.read_record_batch(pa.py_buffer(content), self._schema))
        return pa.Table.from_batches(batches, self._schema)


def deal(sets: Sequence[TokenSet], stream: BinaryIO, schema: pa.Schema, num_shards: int) -> Dealt:
    """Read all rows of some sets, and deal them out to their new shards."""
    found = Dealt(stream, schema, num_shards)
    for one in sets:
        for shard in one.shards:
            for table in shard.tables():
                found.add(table.select(schema.names).cast(schema))
    found.flush()
    return found


def shard_rows(table: pa.Table, *, drops_copies: bool, verb: str) -> ShardResult:
    """The rows of a shard, of which none is there twice; raises as `write_anew`."""
    ordered = table.sort_by([(name, "ascending") for name in NAMES])
    names = names_of(ordered)
    is_copy = np.zeros(len(names), np.bool_)
    is_copy[1:] = np.asarray(pc.equal(names[1:], names[:-1]))
    if not is_copy.any():
        return ShardResult(ordered, [], table.num_rows)
    if not drops_copies:
        name = told(names[int(np.flatnonzero(is_copy)[0])].as_py())
        raise ShardError(
            f"the row {name} is there more than once; --drop-copies keeps the first, by the order "
            "of the sets"
        )
    columns = ["key", "url", "caption"]
    copies = ordered.filter(pa.array(is_copy)).select(columns).to_pylist()
    rejected = [reject(row, verb, Check("copy", passed=False)) for row in copies]
    return ShardResult(ordered.filter(pa.array(~is_copy)), rejected, table.num_rows)
