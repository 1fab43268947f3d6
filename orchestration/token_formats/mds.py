"""Shards of mosaicml-streaming (MDS), written as its own writer does, without the package.

Source of the layout: mosaicml-streaming 0.13.0 `streaming/base/format/mds/writer.py`,
`MDSWriter.encode_joint_shard` and `encode_sample`; of arrays `mds/encodings.py`, `NDArray`; of the
index `base/writer.py`, `_write_index`.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from dalle_model import files
from dalle_model.token_shape import token_dtype
from orchestration.token_formats.format import Export, Format, Piece
from orchestration.token_formats.records import LIMIT, Packed, Record, packed, records, write_once


def columns(export: Export) -> dict[str, str]:
    """Encodings by column, sorted as its writer has them; an array's with the shape of all."""
    found = {"key": "str", "caption": "str", "row": "json"}
    for name, tokens in export.source.metadata.tokens.items():
        shape = _fixed_shape(export, name)
        axes = f":{','.join(map(str, shape))}" if shape else ""
        found[name] = f"ndarray:{token_dtype(tokens.num_codes)}{axes}"
    return dict(sorted(found.items()))


def _fixed_shape(export: Export, name: str) -> tuple[int, ...]:
    tokens = export.source.metadata.tokens[name]
    if tokens.token_shape is None:
        return ()
    return (*tokens.token_shape, *(() if tokens.codebooks == 1 else (tokens.codebooks,)))


def _config(export: Export) -> dict[str, Any]:
    encodings = columns(export)
    sizes = []
    for name, encoding in encodings.items():
        shape = _fixed_shape(export, name) if encoding.startswith("ndarray") else ()
        item = np.dtype(encoding.split(":")[1]).itemsize if shape else 0
        sizes.append(int(np.prod(shape)) * item if shape else None)
    return {
        "version": 2,
        "format": "mds",
        "compression": None,
        "hashes": [],
        "size_limit": LIMIT,
        "column_names": list(encodings),
        "column_encodings": list(encodings.values()),
        "column_sizes": sizes,
    }


def _export(export: Export) -> Iterator[Piece]:
    config = _config(export)
    header = json.dumps(config, sort_keys=True).encode()
    shards = list[dict[str, Any]]()
    for shard in export.shards:
        samples = (encoded(record, config) for record in records(export, shard))
        for part in packed(samples, lambda count: 4 + 4 * (count + 1) + len(header)):
            name = f"shard.{len(shards):05d}.mds"
            content = (
                np.uint32(part.num_samples).tobytes() + part.ends.tobytes() + header + part.content
            )
            write_once(files.join(export.out, name), content)
            shards.append(_entry(config, name, part, len(content)))
        yield Piece(shard.rows, shard.rows)
    index = json.dumps({"version": 2, "shards": shards}, sort_keys=True)
    files.write_bytes(files.join(export.out, "index.json"), index.encode())


def encoded(record: Record, config: dict[str, Any]) -> bytes:
    """A sample: the sizes of values that have no fixed one, and behind them all values."""
    texts = {"key": record.key, "caption": record.caption, "row": record.row}
    head, body = list[int](), list[bytes]()
    for name, size in zip(config["column_names"], config["column_sizes"], strict=True):
        is_text = name in texts
        body.append(texts[name].encode() if is_text else _array(record.codes[name], size))
        if size is None:
            head.append(len(body[-1]))
    return np.array(head, "<u4").tobytes() + b"".join(body)


def _array(codes: npt.NDArray[Any], size: int | None) -> bytes:
    """An array; where shapes differ, before it the number of axes and, in 1 or 4 bytes, each."""
    if size is not None:
        return codes.tobytes()
    kind, mark = ("u1", 0) if max(codes.shape) < 256 else ("<u4", 2)
    axes = np.array(codes.shape, kind).tobytes()
    return bytes([codes.ndim << 2 | mark]) + axes + codes.tobytes()


def _entry(config: dict[str, Any], name: str, part: Packed, num_bytes: int) -> dict[str, Any]:
    raw = {"basename": name, "bytes": num_bytes, "hashes": {}}
    return {**config, "samples": part.num_samples, "raw_data": raw, "zip_data": None}


MDS = Format(
    name="mds",
    reader="streaming.StreamingDataset",
    export=_export,
    takes_any_shape=True,
    takes_codebooks=True,
    carries_added=True,
)
