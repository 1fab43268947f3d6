"""Writes a token set in the format of another program, so that its own loader reads the tokens.

An export goes on where it was interrupted: files are whole or absent, a hidden file says of which
work the folder is, and the facts of the codes are written last.
"""

from dataclasses import dataclass, replace

import pyarrow as pa

from dalle_model import files
from dalle_model.shard_schema import SCHEMA_VERSION
from dalle_model.shard_sets.token_set import open_set
from dalle_model.shards import ShardError
from orchestration.engine.progress import Progress
from orchestration.token_formats.facts import SetFacts, added_of, write_facts
from orchestration.token_formats.format import Export, Format, FormatError
from orchestration.token_formats.registry import format_of
from orchestration.token_sets.output import Making, claim, release
from pipelines.io.finish import UnbalancedBooksError

_VERSION = 1  # raise it when the bytes of an export change


@dataclass(frozen=True)
class TokenExport:
    """A token set that was written in another format.

    Args:
        out: URL of the folder.
        format: its name.
        reader: what reads it.
        num_rows: of the set.
        num_samples: that they became.
    """

    out: str
    format: str
    reader: str
    num_rows: int
    num_samples: int

    def __str__(self) -> str:
        became = f" as {self.num_samples:,} samples" if self.num_samples != self.num_rows else ""
        return (
            f"written  {self.out} ({self.num_rows:,} of {self.num_rows:,} rows{became})\n"
            f"read by  {self.reader}"
        )


def export_set(
    name: str, url: str, out: str, *, column: str, classes: str, progress: Progress
) -> TokenExport:
    """Write a set in a format.

    Args:
        name: of the format.
        url: of the set.
        out: URL of the folder to write.
        column: of the tokens.
        classes: a column of whole numbers, or one number for all; empty for none.
        progress: receives each shard.

    Raises:
        FormatError: there is no such format, or it does not hold what the set is.
        OutputError: the folder holds something else.
        ShardError: the set cannot be read, or has no row.
    """
    form, source = format_of(name), open_set(url)
    if column not in source.metadata.tokens:
        there = ", ".join(source.metadata.tokens)
        raise FormatError(f"{url} has no tokens `{column}`; --column names one of {there}")
    export = Export(source, out, column, classes)
    if not export.shards:
        raise ShardError(f"{url} holds no row to export")
    _refuse(form, export)
    settings = {"column": column, "classes": classes, "version": _VERSION}
    making = Making(out, f"export {name}", (source,), settings, len(export.shards))
    claim(making.task.folder, making.task.attempt)
    _sweep_within(out)
    rows = samples = 0
    for number, piece in enumerate(form.export(export), 1):
        rows, samples = rows + piece.rows, samples + piece.samples
        progress.step(number, len(export.shards))
    if rows != source.rows:
        raise UnbalancedBooksError(f"export {name}: {source.rows:,} rows in, {rows:,} written")
    write_facts(out, _facts(form, export, rows, samples))
    release(making.task.folder)
    return TokenExport(out, name, form.reader, rows, samples)


def _sweep_within(out: str) -> None:
    """Delete what a killed writer left in the folders of an export; a store has none of it."""
    if files.is_local(out):
        for inner in files.list_names(out):
            files.sweep_temporary(files.join(out, inner))


def _facts(form: Format, export: Export, rows: int, samples: int) -> SetFacts:
    metadata = replace(export.tokens, joined={}, schema_version=SCHEMA_VERSION)
    added = added_of(export.source.schema) if form.carries_added else ()
    return SetFacts(form.name, metadata, added, rows, samples)


def _refuse(form: Format, export: Export) -> None:
    """Raise FormatError where a set asks for more than a format holds, or for less."""
    tokens, url = export.tokens, export.source.url
    if tokens.token_shape is None and not form.takes_any_shape:
        raise FormatError(
            f"rows of {url} have token shapes of their own, and {form.name} has one for all; hf "
            "and webdataset take any"
        )
    if tokens.codebooks > 1 and not form.takes_codebooks:
        raise FormatError(
            f"tokens of {url} are {tokens.codebooks} codes at each position, and {form.name} has "
            "one; hf and webdataset take several"
        )
    if form.joins_views and not export.source.metadata.views:
        raise FormatError(
            f"views of {url} differ from shard to shard, and {form.name} puts those of a pair "
            "together; hf and webdataset take any"
        )
    _refuse_classes(form, export)
    form.refuse(export)


def _refuse_classes(form: Format, export: Export) -> None:
    classes, schema = export.classes, export.source.schema
    if not form.asks_classes:
        if classes:
            raise FormatError(f"--classes is not for {form.name}, which has no classes")
        return
    if not classes:
        raise FormatError(
            f"{form.name} has a class for each sample: --classes names a column of whole numbers "
            "that the sources carry, or is one number for all, such as 0"
        )
    if classes.isdecimal():
        return
    if classes not in schema.names or not pa.types.is_integer(schema.field(classes).type):
        whole = [field.name for field in schema if pa.types.is_integer(field.type)]
        raise FormatError(
            f"{export.source.url} has no column `{classes}` of whole numbers to take classes "
            f"from; there are {', '.join(whole)}"
        )
