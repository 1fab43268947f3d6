"""JSONL of RAR and TiTok: a line with `class_id` and `tokens` for each image or view of one.

Source of the layout: bytedance/1d-tokenizer 942a96f `scripts/pretokenization.py`, and
`data/webdataset_reader.py`, `PretoeknizedDataSetJSONL`, which reads no other values of a line.
"""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from dalle_model import files
from orchestration.token_formats.facts import read_facts
from orchestration.token_formats.format import Export, Format, FormatError, Opened, Piece
from orchestration.token_formats.imported_rows import CODES
from orchestration.token_formats.samples import class_columns, classes_of, codes_of
from orchestration.token_formats.tables import batches, identities_of, table_of

FILE = "pretokenized.jsonl"
CLASS = pa.field("class_id", pa.int64())
_SUFFIX = ".jsonl"
_COLUMNS = ["key", "view", "caption"]
_SCHEMA = pa.schema(
    [
        pa.field("key", pa.string()),
        pa.field("view", pa.uint8()),
        pa.field("caption", pa.string()),
        pa.field(CODES, pa.list_(pa.int64())),
        CLASS,
    ]
)


def _export(export: Export) -> Iterator[Piece]:
    columns = list(dict.fromkeys([*_COLUMNS, export.column, *class_columns(export)]))
    with files.writing(files.join(export.out, FILE)) as stream:
        for shard in export.shards:
            for table in shard.tables(columns):
                stream.write("".join(lines(export, table)).encode())
            yield Piece(shard.rows, shard.rows)


def lines(export: Export, table: pa.Table) -> Iterator[str]:
    """Rows as lines: what the loader reads, and behind it what tells which row it is."""
    codes, classes = codes_of(export, table).tolist(), classes_of(export, table).tolist()
    others = table.select(_COLUMNS).to_pylist()
    for row, class_id, tokens in zip(others, classes, codes, strict=True):
        line = json.dumps({CLASS.name: class_id, "tokens": tokens, **row}, ensure_ascii=False)
        yield f"{line}\n"


def _read(url: str, _column: str) -> Opened:
    file = url if url.endswith(_SUFFIX) else files.join(url, FILE)
    if not files.exists(file):
        raise FormatError(f"{file} is missing; rar is a .jsonl file, or a folder with {FILE}")
    with files.open_read(file) as stream:
        rows = sum(1 for line in stream if line.strip())

    def tables() -> Iterator[pa.Table]:
        for batch in batches(_rows(file)):
            yield table_of(file, batch, _SCHEMA)

    return Opened(read_facts(url), rows, tables, identities_of([file]), added=(CLASS,))


def _rows(file: str) -> Iterator[dict[str, Any]]:
    with files.open_read(file) as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _row(file, number, line)


def _row(file: str, number: int, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
        return {**found, CODES: found["tokens"], CLASS.name: found[CLASS.name]}
    except (ValueError, TypeError, KeyError) as error:
        raise FormatError(
            f"{file} line {number:,} is not an object with `class_id` and `tokens`: {error!r}"
        ) from error


RAR = Format(
    name="rar",
    reader="1d-tokenizer, PretoeknizedDataSetJSONL",
    export=_export,
    read=_read,
    asks_classes=True,
)
