"""Chunks of litdata, written as its own writer does, without the package.

Source of the layout: litdata 0.2.76 `streaming/writer.py`, `BinaryWriter._create_chunk` and
`get_config`; of arrays `streaming/serializers.py`, `NumpySerializer`; of `data_spec`, torch 2.15
`utils/_pytree.py`, `treespec_dumps`, protocol 1.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from dalle_model import files
from orchestration.token_formats.format import Export, Format, Piece
from orchestration.token_formats.records import LIMIT, Record, packed, records, write_once
from pipelines.io.manifest_groups import digest_of

# Source: litdata 0.2.76 `constants.py`, `_NUMPY_DTYPES_MAPPING`
_DTYPES = {"uint16": 5, "uint32": 6}


def _export(export: Export) -> Iterator[Piece]:
    chunks = list[dict[str, Any]]()
    for shard in export.shards:
        samples = (encoded(record) for record in records(export, shard))
        for part in packed(samples, lambda count: 4 + 4 * (count + 1)):
            name = f"chunk-0-{len(chunks)}.bin"
            content = np.uint32(part.num_samples).tobytes() + part.ends.tobytes() + part.content
            write_once(files.join(export.out, name), content)
            chunks.append(
                {
                    "chunk_bytes": len(content),
                    "chunk_size": part.num_samples,
                    "dim": None,
                    "filename": name,
                }
            )
        yield Piece(shard.rows, shard.rows)
    index = {
        "chunks": chunks,
        "config": _config(export),
        "updated_at": digest_of([export.source.fingerprint, chunks]),  # names a copy in a cache
    }
    text = json.dumps(index, sort_keys=True)
    files.write_bytes(files.join(export.out, "index.json"), text.encode())


def _config(export: Export) -> dict[str, Any]:
    names = ["key", "caption", *export.source.metadata.tokens, "row"]
    leaf: dict[str, Any] = {"type": None, "context": None, "children_spec": []}
    tree = {
        "type": "builtins.dict",
        "context": json.dumps(names),
        "children_spec": [leaf] * len(names),
    }
    return {
        "compression": None,
        "chunk_size": None,
        "chunk_bytes": LIMIT,
        "data_format": ["str", "str", *["numpy"] * (len(names) - 3), "str"],
        "data_spec": json.dumps([1, tree]),
        "encryption": None,
        "item_loader": "PyTreeLoader",
    }


def encoded(record: Record) -> bytes:
    """A sample: the size of each value, and behind them the values."""
    values = [
        record.key.encode(),
        record.caption.encode(),
        *map(_array, record.codes.values()),
        record.row.encode(),
    ]
    return np.array([len(value) for value in values], "<u4").tobytes() + b"".join(values)


def _array(codes: npt.NDArray[Any]) -> bytes:
    """An array behind its type, its number of axes and their lengths."""
    head = [_DTYPES[str(codes.dtype)], codes.ndim, *codes.shape]
    return np.array(head, "<u4").tobytes() + codes.tobytes()


LITDATA = Format(
    name="litdata",
    reader="litdata.StreamingDataset",
    export=_export,
    takes_any_shape=True,
    takes_codebooks=True,
    carries_added=True,
)
