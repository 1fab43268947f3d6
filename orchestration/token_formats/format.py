"""What a format of token sets is, and what is asked of a set before it is written in one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from dalle_model.errors import UsageError
from dalle_model.shard_schema import IMAGE_TOKENS, ShardMetadata
from dalle_model.shard_sets.shard import Shard
from dalle_model.shard_sets.token_set import TokenSet
from orchestration.token_formats.facts import SetFacts


class FormatError(UsageError):
    """A token set cannot be written in a format, or read from it: why, and what to do."""


class Piece(NamedTuple):
    """What was written of one shard.

    Args:
        rows: of the shard.
        samples: that they became: as many, or one for all views of a pair.
    """

    rows: int
    samples: int


@dataclass(frozen=True)
class Export:
    """A set that is being written in a format.

    Args:
        source: the set.
        out: URL of the folder to write.
        column: of the tokens that are written, where a format takes those of one codec.
        classes: the class of each row: the name of a column of whole numbers, or one number for
            all; empty for a format without classes.
    """

    source: TokenSet
    out: str
    column: str = IMAGE_TOKENS
    classes: str = ""

    @property
    def tokens(self) -> ShardMetadata:
        """What the codes of the column mean."""
        return self.source.metadata.tokens[self.column]

    @property
    def shards(self) -> list[Shard]:
        """Those that have a row."""
        return [shard for shard in self.source.shards if shard.rows]

    @property
    def num_views(self) -> int:
        """Rows of each pair, which are one sample where a format puts views together."""
        return max(1, len(self.source.metadata.views))


@dataclass(frozen=True)
class Opened:
    """A source that is read as a token set.

    Args:
        facts: what its codes mean, where the source says so.
        rows: how many it has.
        tables: of its rows, in order: `codes`, a list of whole numbers in each row, and whatever
            other columns of a token set it states, and those `added`.
        identities: URL, bytes and stamp of each file.
        added: columns beyond those of every token set.
        num_views: rows of each pair.
    """

    facts: SetFacts | None
    rows: int
    tables: Callable[[], Iterator[pa.Table]]
    identities: tuple[tuple[str, int, str | None], ...]
    added: tuple[pa.Field, ...] = ()
    num_views: int = 1


@dataclass(frozen=True)
class Format:
    """A form in which other programs read tokens.

    Args:
        name: on the command line.
        reader: the program that reads it.
        export: writes a set, shard by shard; what is whole already stays.
        read: opens a source to import, by its URL and the name of the column of codes, which is
            empty for the usual one; None where there is no importer.
        takes_any_shape: rows may have token shapes of their own.
        takes_codebooks: there may be several codes at a position.
        carries_added: columns that not every token set has, such as scores, are kept.
        joins_views: all views of a pair are one sample.
        asks_classes: each sample has a class.
        refuse: raises FormatError where a set asks for more than the format holds.
    """

    name: str
    reader: str
    export: Callable[[Export], Iterator[Piece]]
    read: Callable[[str, str], Opened] | None = None
    takes_any_shape: bool = False
    takes_codebooks: bool = False
    carries_added: bool = False
    joins_views: bool = False
    asks_classes: bool = False
    refuse: Callable[[Export], None] = lambda _: None
