"""What is in a set of token shards, for people: its footers in words, its files, its first rows."""

from dataclasses import dataclass

import pyarrow as pa

from dalle_model.packed_codes import code_bits
from dalle_model.shard_schema import ShardMetadata
from dalle_model.shard_sets.token_set import TokenSet, open_set
from orchestration.engine.sizes import size_text

_CODES = 8  # of a row that are shown; chosen: with the rest of the row, a line


@dataclass(frozen=True)
class TokenSize:
    """How much a column of tokens takes in the files.

    Args:
        metadata: what the codes mean.
        bytes_a_row: on average.
        floor: bytes of a row if each code took ceil(log2 of their number) bits and nothing more;
            None where rows have shapes of their own.
    """

    metadata: ShardMetadata
    bytes_a_row: float
    floor: float | None

    def __str__(self) -> str:
        said = f"{self.metadata.codec}, {self.metadata.words}; {self.bytes_a_row:,.1f} bytes a row"
        if not self.floor:
            return said
        bits = code_bits(self.metadata.num_codes)
        return f"{said}, {self.bytes_a_row / self.floor:.2f} x the {self.floor:,.0f} of {bits} bits"


@dataclass(frozen=True)
class SetInfo:
    """A set of token shards.

    Args:
        url: of its folder, or of its one shard.
        metadata: what its tokens mean.
        num_rows: of all shards.
        num_shards: how many.
        num_bytes: of all files.
        columns: names, in order.
        tokens: sizes of the columns of tokens, by name.
    """

    url: str
    metadata: ShardMetadata
    num_rows: int
    num_shards: int
    num_bytes: int
    columns: tuple[str, ...]
    tokens: dict[str, TokenSize]

    def __str__(self) -> str:
        a_row = f", {self.num_bytes / self.num_rows:,.1f} a row" if self.num_rows else ""
        lines = [
            f"rows     {self.num_rows:,} in {self.num_shards:,} shards",
            f"bytes    {size_text(self.num_bytes)}{a_row}",
        ]
        for column, size in self.tokens.items():
            lines += [f"tokens   {column}: {size}", f"         {size.metadata.codec_sha256}"]
        lines.append(f"columns  {', '.join(self.columns)}")
        lines.append(f"schema   version {self.metadata.schema_version}")
        return "\n".join(lines)


@dataclass(frozen=True)
class ShardLine:
    """A shard, as a list of them shows it."""

    url: str
    rows: int
    num_bytes: int

    def __str__(self) -> str:
        return f"{self.rows:>10,} rows  {size_text(self.num_bytes):>9}  {self.url}"


def set_info(url: str) -> SetInfo:
    """Describe a set by its footers alone; raises ShardError where it cannot be read."""
    found = open_set(url)
    return SetInfo(
        url=url,
        metadata=found.metadata,
        num_rows=found.rows,
        num_shards=len(found.shards),
        num_bytes=found.num_bytes,
        columns=tuple(found.schema.names),
        tokens={name: _size(found, name) for name in found.metadata.tokens},
    )


def list_lines(url: str) -> list[ShardLine]:
    """Each shard of a set, in order; raises ShardError where it cannot be read."""
    return [ShardLine(s.url, s.rows, s.num_bytes) for s in open_set(url).shards]


def first_rows(url: str, number: int) -> pa.Table:
    """The first rows of a set, all columns, of no more shards than that takes.

    Raises:
        ShardError: it cannot be read.
    """
    found = open_set(url)
    return found.first(number, found.schema.names)


def rows_text(table: pa.Table) -> str:
    """Rows as people read them: a paragraph each."""
    names = [name for name in table.column_names if name.startswith("image_tokens")]
    return "\n".join(_row_text(row, names) for row in table.to_pylist())


def _size(found: TokenSet, column: str) -> TokenSize:
    metadata = found.metadata.tokens[column]
    taken = sum(shard.column_bytes[column] for shard in found.shards)
    floor = None
    if metadata.token_shape is not None:
        codes = metadata.num_tokens * metadata.codebooks
        floor = codes * code_bits(metadata.num_codes) / 8
    return TokenSize(metadata, taken / max(1, found.rows), floor)


def _row_text(row: dict[str, object], names: list[str]) -> str:
    view = f" view {row['view']}" if row["view"] else ""
    where = row["name"] if str(row["url"]).startswith("urn:") else row["url"]
    lines = [f"{row['key']}{view}  {row['caption']}"]
    crop = f", crop {row['crop']}" if row["crop"] else ""
    lines.append(f"  {row['width']} x {row['height']} px{crop}  {where}")
    for name in names:
        codes = row[name]
        assert isinstance(codes, list)
        shown = " ".join(map(str, codes[:_CODES]))
        more = f" … {len(codes):,} codes" if len(codes) > _CODES else ""
        lines.append(f"  {name} {shown}{more}")
    return "\n".join(lines)
