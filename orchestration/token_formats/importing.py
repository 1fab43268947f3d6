"""Reads tokens in the format of another program as a token set: rows sorted, none twice, balanced.

Rows are dealt out to their shards as those of a set that is written anew.
"""

import re
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pyarrow as pa

from dalle_model import files
from dalle_model.shard_schema import (
    SCHEMA_VERSION,
    ShardMetadata,
    column_encodings,
    token_schema,
)
from dalle_model.tokenizers.registry import inspect_codec
from orchestration.engine.progress import Progress
from orchestration.token_formats.facts import SetFacts
from orchestration.token_formats.format import FormatError, Opened
from orchestration.token_formats.imported_rows import to_rows
from orchestration.token_formats.registry import format_of, importable
from orchestration.token_sets.output import Making, OutputError, write_set
from orchestration.token_sets.resharding import ROWS_A_SHARD, Dealt, shard_rows
from pipelines.io.manifest_groups import digest_of
from pipelines.io.task import BatchedResult

_SHAPE = re.compile(r"\d+(x\d+)*")
_UNKNOWN = "unknown"  # the name of a codec that nobody names


@dataclass(frozen=True)
class Stated:
    """What the user says of the codes of a source.

    Args:
        codec: name or URL of the codec; empty for none.
        num_codes: of the codec, where that is not named; 0 for none.
        token_shape: of each image, such as `16x16` or `32`, likewise; empty for none.
    """

    codec: str = ""
    num_codes: int = 0
    token_shape: str = ""


@dataclass(frozen=True)
class TokenImport:
    """Tokens of another program that were made a token set.

    Args:
        out: URL of the folder.
        metadata: what the codes mean.
        num_rows: of the set.
        num_shards: of it.
        num_copies: rows of the source that were left out, as one of the same key is there.
    """

    out: str
    metadata: ShardMetadata
    num_rows: int
    num_shards: int
    num_copies: int

    def __str__(self) -> str:
        rows = f"{self.num_rows:,} of {self.num_rows + self.num_copies:,} rows"
        lines = [
            f"written  {self.out} ({rows}, {self.num_shards:,} shards)",
            f"tokens   {self.metadata.codec}, {self.metadata.words}",
        ]
        return "\n".join(
            lines + ([f"left out {self.num_copies:,} copies"] if self.num_copies else [])
        )


@dataclass(frozen=True)
class _Source:
    """A source as what a set is made of."""

    opened: Opened

    @property
    def fingerprint(self) -> str:
        return digest_of([[url.rpartition("/")[2], size] for url, size, _ in self.identities])

    @property
    def identities(self) -> tuple[tuple[str, int, str | None], ...]:
        return self.opened.identities


def import_set(
    name: str,
    url: str,
    out: str,
    stated: Stated,
    *,
    column: str,
    rows_a_shard: int = ROWS_A_SHARD,
    progress: Progress,
) -> TokenImport:
    """Make a token set of tokens in a format.

    Args:
        name: of the format.
        url: of the source.
        out: URL of the folder to write.
        stated: what the codes mean, where the source does not say so.
        column: of the codes, of a format in which it has many names; empty for the usual one.
        rows_a_shard: about how many.
        progress: receives each shard.

    Raises:
        FormatError: there is no such format, the source is not in it, or its codes are not what is
            stated.
        OutputError: the folder holds something else, or a shard would have no row.
        CodecError: there is no such codec.
    """
    if rows_a_shard < 1:
        raise OutputError(f"a shard needs a row or more, not {rows_a_shard}")
    form = format_of(name)
    if form.read is None:
        raise FormatError(f"{name} cannot be imported; {', '.join(importable())} can")
    opened = form.read(url, column)
    source = _Source(opened)
    meaning = meaning_of(url, opened, stated, source.fingerprint)
    num_shards = max(1, -(-opened.rows // rows_a_shard))
    settings = {"column": column, "meaning": digest_of([repr(meaning)])}
    making = Making(out, f"import {name}", (source,), settings, num_shards)
    metadata = replace(meaning, fingerprint=making.fingerprint)
    schema = token_schema(metadata, opened.added)
    with ExitStack() as stack:
        dealt: list[Dealt] = []

        def work(index: int) -> BatchedResult:
            if not dealt:  # not where all shards are there already
                stream = stack.enter_context(files.scratch(out))
                dealt.append(
                    _deal(url, opened, metadata, Dealt(stream, schema, num_shards), schema)
                )
            batch = shard_rows(dealt[0].take(index), drops_copies=True, verb="import")
            return BatchedResult(schema, [batch], column_encodings(metadata))

        manifest = write_set(making, work, progress)
    copies = manifest.rejected.get("copy", 0)
    return TokenImport(out, metadata, manifest.rows_out, num_shards, copies)


def meaning_of(url: str, opened: Opened, stated: Stated, fingerprint: str) -> ShardMetadata:
    """What the codes of a source mean, by its own words or by those of the user.

    What nobody says is like nothing else: codes of two sources are not mixed by their lack of it.

    Raises:
        FormatError: nobody says it, or both do and differ.
    """
    facts = opened.facts
    if facts is not None:
        if facts.rows != opened.rows:
            raise _other_count(url, facts.rows, opened.rows)
        _refuse_other(url, facts, stated)
        return replace(
            facts.metadata, tokenizer_sha256="", schema_version=SCHEMA_VERSION, joined={}
        )
    views = (_UNKNOWN,) * opened.num_views
    if stated.codec:
        codec = inspect_codec(stated.codec)
        return ShardMetadata(
            codec=codec.name,
            codec_sha256=codec.sha256,
            image_shape=codec.image_shape,
            token_shape=codec.token_shape,
            num_codes=codec.num_codes,
            pixel_range=codec.pixel_range,
            preprocessing=fingerprint,
            tokenizer_sha256="",
            fingerprint="",
            codebooks=codec.codebooks,
            order=codec.order,
            views=views,
        )
    if not stated.num_codes or not stated.token_shape:
        raise FormatError(
            f"{url} does not say what its codes are: --codec names the codec or the file of its "
            "weights, or --num-codes and --token-shape say how many there are and how they lie, "
            "such as 16x16"
        )
    shape = _shape(stated.token_shape)
    order = "sequence" if len(shape) == 1 else "raster"
    return ShardMetadata(
        _UNKNOWN, "", None, shape, stated.num_codes, (0, 1), fingerprint, "", "", 1, order, views
    )


def _shape(text: str) -> tuple[int, ...]:
    shape = tuple(map(int, text.split("x"))) if _SHAPE.fullmatch(text) else ()
    if not shape or not all(shape):
        raise FormatError(f"--token-shape {text!r} is no shape; it is as 16x16, or 32")
    return shape


def _refuse_other(url: str, facts: SetFacts, stated: Stated) -> None:
    tokens = facts.metadata
    pairs = [
        ("--codec", stated.codec and inspect_codec(stated.codec).sha256, tokens.codec_sha256),
        ("--num-codes", stated.num_codes, tokens.num_codes),
        ("--token-shape", stated.token_shape and _shape(stated.token_shape), tokens.token_shape),
    ]
    for option, said, held in pairs:
        if said and said != held:
            raise FormatError(
                f"{url} says itself what its codes are: {option} is {held}, not {said}"
            )


def _other_count(url: str, expected: int, found: int) -> FormatError:
    return FormatError(
        f"{url} is to have {expected:,} rows, and {found:,} are there; take the others from a "
        "copy, or write it again"
    )


def _deal(
    url: str, opened: Opened, metadata: ShardMetadata, dealt: Dealt, schema: pa.Schema
) -> Dealt:
    rows = 0
    for table in opened.tables():
        dealt.add(to_rows(url, table, schema, metadata))
        rows += table.num_rows
    dealt.flush()
    if rows != opened.rows:
        raise _other_count(url, opened.rows, rows)
    return dealt
