"""Token shards made by hand."""

from collections.abc import Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from dalle_model.shard_schema import ShardMetadata, column_encodings, token_schema
from pipelines.io import parquet
from pipelines.io.keys import shard_of
from pipelines.io.layout import StageFolder

METADATA: dict[str, Any] = {
    "codec": "tiny",
    "codec_sha256": "ab" * 32,
    "image_shape": (24, 24),
    "token_shape": (3, 3),
    "num_codes": 16,
    "pixel_range": (0.1, 0.9),
    "preprocessing": "none",
    "tokenizer_sha256": "",
    "fingerprint": "test",
}


def token_row(key: str, caption: str, tokens: list[int]) -> dict[str, Any]:
    """One row; what training does not read is empty."""
    return {
        "key": key, "caption": caption, "image_tokens": tokens, "text_tokens": None, "view": 0,
        "crop": [0, 0, 24, 24], "flipped": False, "width": 24, "height": 24, "clip_score": None,
        "phash": 0, "sha256": "", "url": "", "page_url": "", "license": "", "source": "",
        "name": "",
    }  # fmt: skip


def write_token_shard(path: Path, rows: list[dict[str, Any]], **changes: Any) -> str:
    """Write rows as a shard whose metadata is `METADATA` with some changes; returns its path."""
    schema = token_schema(ShardMetadata(**{**METADATA, **changes}))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, write_page_checksum=True)
    return str(path)


def pair_rows(
    count: int, seed: int = 0, num_codes: int = 16, size: int = 9
) -> list[dict[str, Any]]:
    """Rows of random tokens with keys as those of hashes; equal keys whatever the seed."""
    draw = np.random.default_rng(seed)
    keys = (sha256(str(number).encode()).hexdigest()[:40] for number in range(count))
    codes = draw.integers(0, num_codes, (count, size)).tolist()
    return [token_row(key, f"caption {n}", codes[n]) for n, key in enumerate(keys)]


def write_token_set(
    url: str | Path,
    rows: Sequence[dict[str, Any]],
    num_shards: int = 2,
    added: Sequence[pa.Field] = (),
    **changes: Any,
) -> str:
    """Rows as the stage writes them: in the shards of their keys, sorted; returns the folder."""
    metadata = ShardMetadata(**{**METADATA, **changes})
    schema, folder = token_schema(metadata, added), StageFolder(str(url), num_shards)
    for index in range(num_shards):
        own = [row for row in rows if shard_of(row["key"], num_shards) == index]
        own.sort(key=lambda row: (row["key"], row["view"]))
        table = pa.Table.from_pylist(own, schema=schema)
        files.write_bytes(folder.part(index), parquet.to_bytes(table, column_encodings(metadata)))
    return str(url)


def numbered_key(image: int, caption: int = 0) -> str:
    """A key as those of pairs are: each digit as frequent as any other."""
    return blake2b(str(image).encode(), digest_size=12).hexdigest() + (
        blake2b(f"caption {caption} of {image}".encode(), digest_size=8).hexdigest()
    )


def write_numbered_shards(
    folder: Path, shard_rows: list[int], group_rows: int = 8, **changes: Any
) -> list[str]:
    """Shards of rows whose caption, codes and score tell the number of the row; sources `a`, `b`.

    Args:
        folder: for `part-0.parquet` and so on.
        shard_rows: rows of each shard.
        group_rows: of each row group.
        changes: of the metadata.
    """
    schema = token_schema(ShardMetadata(**{**METADATA, **changes}))
    folder.mkdir(parents=True, exist_ok=True)
    urls, first = [], 0
    for part, count in enumerate(shard_rows):
        rows = [
            token_row(numbered_key(n), f"caption {n}", [n % 16, n // 16 % 16, n // 256 % 16] * 3)
            | {"clip_score": None if n % 7 == 3 else n / 1000, "source": "ab"[n % 2]}
            for n in range(first, first + count)
        ]
        url = str(folder / f"part-{part}.parquet")
        table = pa.Table.from_pylist(rows, schema=schema)
        pq.write_table(table, url, row_group_size=group_rows, write_page_checksum=True)
        urls.append(url)
        first += count
    return urls
