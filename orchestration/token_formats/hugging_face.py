"""A folder for the Hub: Parquet by splits, a card that `datasets` reads, and Croissant.

Source of the layout: the Hub's documentation, "Structure your repository" and "Dataset cards"; of
`dataset_info`, huggingface/datasets 5.2.0 `splits.py` and `features/features.py`.
"""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa

from dalle_model import files
from dalle_model.at_once import at_once
from dalle_model.shard_schema import IMAGE_TOKENS, SCHEMA_VERSION, column_encodings
from dalle_model.shard_sets.shard import Shard
from orchestration.token_formats.croissant import croissant
from orchestration.token_formats.format import Export, Format, Opened, Piece
from orchestration.token_formats.hub_folder import HeldFile, HubFolder, hub_card
from orchestration.token_formats.tables import open_tables
from orchestration.token_sets.resharding import schema_of
from pipelines.io import parquet
from pipelines.io.hub_card import counted

_DATA = "data"
_CARD, _CROISSANT = "README.md", "croissant.json"


def part_url(export: Export, index: int) -> str:
    """URL of a Parquet file; `datasets` tells the split by the first word of its name."""
    name = f"train-{index:05d}-of-{len(export.shards):05d}.parquet"
    return files.join(export.out, _DATA, name)


def _export(export: Export) -> Iterator[Piece]:
    metadata = replace(export.source.metadata, schema_version=SCHEMA_VERSION)
    schema, encodings = schema_of(export.source.schema, metadata), column_encodings(metadata)
    for index, shard in enumerate(export.shards):
        url = part_url(export, index)
        if not files.exists(url):
            with files.writing(url) as stream:
                parquet.write(stream, schema, _tables(shard, schema), encodings)
        yield Piece(shard.rows, shard.rows)
    _describe(export, schema)


def _tables(shard: Shard, schema: pa.Schema) -> Iterator[pa.Table]:
    for table in shard.tables():
        yield table.select(schema.names).cast(schema)


def _describe(export: Export, schema: pa.Schema) -> None:
    """Write the card and the Croissant of the data, which is whole."""
    urls = [part_url(export, index) for index in range(len(export.shards))]
    sizes = files.list_sizes(files.join(export.out, _DATA))
    held = [
        HeldFile(url.removeprefix(f"{export.out.rstrip('/')}/"), sha256, sizes[_name(url)])
        for url, sha256 in zip(urls, at_once(files.sha256_of, urls), strict=True)
    ]
    rows = (t for shard in export.shards for t in shard.tables(["license", "source"]))
    folder = HubFolder(
        metadata=export.source.metadata,
        schema=schema,
        rows=export.source.rows,
        files=held,
        counts=counted(rows),
    )
    files.write_bytes(files.join(export.out, _CARD), hub_card(folder).encode())
    files.write_json(files.join(export.out, _CROISSANT), croissant(folder))


def _read(url: str, column: str) -> Opened:
    return open_tables(url, column, IMAGE_TOKENS)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


HUGGING_FACE = Format(
    name="hf",
    reader="datasets.load_dataset, and the Hub's viewer",
    export=_export,
    read=_read,
    takes_any_shape=True,
    takes_codebooks=True,
    carries_added=True,
)
