"""Token sets of the same images side by side: a column of tokens for each codec, joined by key.

The rows and shards are those of the first set. Of a shard of it one row group is held at a time,
and of the others the rows that go with it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dalle_model.errors import UsageError
from dalle_model.shard_schema import (
    IMAGE_TOKENS,
    SCHEMA_VERSION,
    TOKEN_MARGINS,
    TOKEN_SHAPE,
    ShardMetadata,
    column_encodings,
    companion,
    token_schema,
)
from dalle_model.shard_sets.pairing import NAMES, Pairing, names_of, pair
from dalle_model.shard_sets.token_set import TokenSet, open_set
from orchestration.engine.progress import Progress
from orchestration.token_sets.output import Making, write_set
from pipelines.io.task import BatchedResult, ShardResult
from pipelines.rejection import Check, reject

_UNFIT = re.compile(r"\W+", re.ASCII)  # for the name of a column that needs no quotes


class JoinError(UsageError):
    """Token sets cannot be joined as they are: which, why, and the option that says how."""


@dataclass(frozen=True)
class JoinResult:
    """Token sets that were joined.

    Args:
        out: URL of the folder.
        metadata: what the tokens mean, by column.
        num_rows: of the joined set.
        num_shards: of it.
        left_out: rows that were left out since not all sets have them, by URL of their set.
    """

    out: str
    metadata: ShardMetadata
    num_rows: int
    num_shards: int
    left_out: dict[str, int]

    def __str__(self) -> str:
        lines = [f"joined   {self.out} ({self.num_rows:,} rows, {self.num_shards:,} shards)"]
        for column, tokens in self.metadata.tokens.items():
            lines.append(f"         {column}: {tokens.codec}, {tokens.words}")
        lines += [f"left out {n:,} rows of {url}" for url, n in self.left_out.items() if n]
        return "\n".join(lines)


@dataclass(frozen=True)
class Beside:
    """A set whose tokens come along.

    Args:
        part: the set.
        columns: of its tokens, as they are called there and as they are called here.
        pairing: with the first set.
    """

    part: TokenSet
    columns: dict[str, str]
    pairing: Pairing

    def rows(self, index: int, table: pa.Table) -> tuple[list[pa.Array], npt.NDArray[np.bool_]]:
        """The tokens that go with the rows of a table, and which of these have any.

        Args:
            index: of the shard that the rows are of.
            table: neighbours in it.
        """
        names = names_of(table)
        start, stop = table["key"][0].as_py(), f"{table['key'][-1].as_py()} "
        found, columns = [], [*NAMES, *self.columns]
        for number in np.flatnonzero(self.pairing.meets[index]):
            for group in self.part.shards[number].tables(columns, start, stop):
                found.append(group.filter(pc.is_in(names_of(group), names)))
        rows = pa.concat_tables([self.part.schema.empty_table().select(columns), *found])
        places = pc.index_in(names, names_of(rows))
        arrays = [rows[name].take(places).combine_chunks() for name in self.columns]
        return arrays, np.asarray(places.is_valid())


def join_sets(
    urls: Sequence[str], out: str, names: Sequence[str], *, inner: bool, progress: Progress
) -> JoinResult:
    """Join sets to the first one.

    Args:
        urls: of folders of token shards, two or more.
        out: URL of the folder to write.
        names: of the columns of the second set and those after it: `image_tokens_<name>`; by the
            names of their codecs where none are given.
        inner: whether rows that not all sets have are left out.
        progress: receives each shard.

    Raises:
        JoinError: two columns would have one name, or sets lack rows of each other.
        OutputError: the folder holds something else.
        ShardError: a set cannot be read, or rows do not show the same pixels; names one.
    """
    if len(urls) < 2:
        raise JoinError("to join takes two sets or more, and behind them the folder to write")
    first, *others = [open_set(url) for url in urls]
    chosen = _names(others, names)
    metadata = _joined_metadata(first, others, chosen)
    beside = [
        Beside(other, columns_of(other, name), pair(first, other))
        for other, name in zip(others, chosen, strict=True)
    ]
    if not inner:
        for other in beside:
            _refuse_missing(first, other)
    schema = joined_schema(first, metadata, beside)
    sets = (first, *others)
    settings = {"columns": list(metadata.tokens), "inner": inner}
    making = Making(out, "join", sets, settings, len(first.shards))
    encodings = column_encodings(metadata)

    def work(index: int) -> BatchedResult:
        return BatchedResult(schema, _batches(first, beside, index, schema), encodings)

    manifest = write_set(making, work, progress)
    left_out = {first.url: manifest.rows_in - manifest.rows_out}
    left_out |= {other.part.url: other.pairing.only[1] for other in beside}
    return JoinResult(out, metadata, manifest.rows_out, making.num_shards, left_out)


def columns_of(part: TokenSet, name: str) -> dict[str, str]:
    """The columns that come along: tokens, with shapes and margins, under their new names.

    Those that were joined to the set before keep their names.
    """
    found = {}
    for column in part.metadata.tokens:
        new = f"{IMAGE_TOKENS}_{name}" if column == IMAGE_TOKENS else column
        for what in (IMAGE_TOKENS, TOKEN_SHAPE, TOKEN_MARGINS):
            old = companion(column, what)
            if old in part.schema.names:
                found[old] = companion(new, what)
    return found


def joined_schema(first: TokenSet, metadata: ShardMetadata, beside: Sequence[Beside]) -> pa.Schema:
    """The columns of the first set, and behind them those that come along."""
    known = token_schema(replace(metadata, joined={})).names
    added = [field for field in first.schema if field.name not in known]
    for other in beside:
        fields = [other.part.schema.field(old).with_name(new) for old, new in other.columns.items()]
        added += [field.with_metadata(None) for field in fields]
    return token_schema(metadata, added)


def _names(others: Sequence[TokenSet], names: Sequence[str]) -> list[str]:
    if names and len(names) != len(others):
        raise JoinError(
            f"--as names {len(names)} columns for {len(others)} sets behind the first; give it "
            "once for each, in their order"
        )
    chosen = list(names) or [_UNFIT.sub("_", other.metadata.codec) for other in others]
    for name in chosen:
        if not name or _UNFIT.search(name):
            raise JoinError(f"--as {name!r} is no name of a column: letters, digits and `_` are")
    return chosen


def _joined_metadata(
    first: TokenSet, others: Sequence[TokenSet], names: Sequence[str]
) -> ShardMetadata:
    joined, taken = dict(first.metadata.joined), set(first.schema.names)
    for other, name in zip(others, names, strict=True):
        columns = columns_of(other, name)
        if shared := sorted(taken & set(columns.values())):
            raise JoinError(
                f"two sets would have the column {shared[0]}, of {other.url} and of one before "
                "it; `--as NAME`, once for each set behind the first, names others"
            )
        taken |= set(columns.values())
        joined |= {columns[old]: tokens for old, tokens in other.metadata.tokens.items()}
    return replace(first.metadata, schema_version=SCHEMA_VERSION, joined=joined)


def _refuse_missing(first: TokenSet, other: Beside) -> None:
    if other.pairing.is_complete:
        return
    sides = ((first, other.part), (other.part, first))
    said = [
        f"{other.pairing.only[n]:,} rows of {one.url} are not in {lacking.url}, such as "
        f"{', '.join(other.pairing.shown[n])}"
        for n, (one, lacking) in enumerate(sides)
        if other.pairing.only[n]
    ]
    raise JoinError(
        f"{'; '.join(said)}; --inner joins the {other.pairing.both:,} rows that both have"
    )


def _batches(
    first: TokenSet, beside: Sequence[Beside], index: int, schema: pa.Schema
) -> Iterator[ShardResult]:
    if not index:
        yield ShardResult(schema.empty_table(), [], 0, passed_over=_passed_over(beside))
    for table in first.shards[index].tables():
        yield _batch(table, beside, index, schema)


def _batch(table: pa.Table, beside: Sequence[Beside], index: int, schema: pa.Schema) -> ShardResult:
    columns = {name: table[name] for name in table.column_names}
    is_kept, rejected = np.ones(table.num_rows, np.bool_), []
    for number, other in enumerate(beside):
        arrays, has_any = other.rows(index, table)
        columns |= dict(zip(other.columns.values(), arrays, strict=True))
        check = Check("not_in_other_set", passed=False, detail=f"set {number + 2}")
        lacking = table.filter(pa.array(is_kept & ~has_any)).select(["key", "url", "caption"])
        rejected += [reject(row, "join", check) for row in lacking.to_pylist()]
        is_kept &= has_any
    arrays = [columns.get(n, pa.nulls(table.num_rows, schema.field(n).type)) for n in schema.names]
    kept = pa.table(arrays, names=schema.names).filter(pa.array(is_kept)).cast(schema)
    return ShardResult(kept, rejected, table.num_rows)


def _passed_over(beside: Sequence[Beside]) -> dict[str, int]:
    return {
        f"rows of set {number + 2} that set 1 lacks": other.pairing.only[1]
        for number, other in enumerate(beside)
        if other.pairing.only[1]
    }
