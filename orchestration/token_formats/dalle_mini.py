"""Parquet of dalle-mini: a row with `caption` and `encoding` for each image.

Source of the layout: borisdayma/dalle-mini f0be4de `src/dalle_mini/data.py`, `Dataset`, which reads
`text_column` and `encoding_column` by `datasets`, and filters by `clip_score`; of the type of
codes, `tools/dataset/encode_dataset.ipynb`, whose lists of Python numbers pandas stores as int64.
"""

from collections.abc import Iterator

import pyarrow as pa

from dalle_model import files
from dalle_model.shard_schema import DICTIONARY_CODES, Encoding
from dalle_model.shard_sets.shard import Shard
from orchestration.token_formats.format import Export, Format, Opened, Piece
from orchestration.token_formats.tables import open_tables
from pipelines.io import parquet

ENCODING = "encoding"


def _export(export: Export) -> Iterator[Piece]:
    schema = _schema(export)
    for index, shard in enumerate(export.shards):
        url = files.join(export.out, f"train-{index:05d}-of-{len(export.shards):05d}.parquet")
        if not files.exists(url):
            with files.writing(url) as stream:
                parquet.write(stream, schema, _tables(export, shard, schema), _encodings(export))
        yield Piece(shard.rows, shard.rows)


def _schema(export: Export) -> pa.Schema:
    """The columns of the set with `encoding` for the tokens, without other tokens."""
    left_out = {*export.source.metadata.tokens, "text_tokens"}
    fields = [field for field in export.source.schema if field.name not in left_out]
    codes = pa.field(ENCODING, pa.list_(pa.field("element", pa.int64())))
    place = 1 + [field.name for field in fields].index("caption")
    return pa.schema([*fields[:place], codes, *fields[place:]])


def _encodings(export: Export) -> dict[str, Encoding]:
    few = export.tokens.num_codes <= DICTIONARY_CODES
    return {f"{ENCODING}.list.element": "DICTIONARY" if few else "BYTE_STREAM_SPLIT"}


def _tables(export: Export, shard: Shard, schema: pa.Schema) -> Iterator[pa.Table]:
    wanted = [export.column if name == ENCODING else name for name in schema.names]
    for table in shard.tables(wanted):
        yield table.rename_columns(schema.names).cast(schema)


def _read(url: str, column: str) -> Opened:
    return open_tables(url, column, ENCODING)


DALLE_MINI = Format(
    name="dalle-mini",
    reader="dalle_mini.data.Dataset",
    export=_export,
    read=_read,
    carries_added=True,
)
