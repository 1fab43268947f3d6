"""Token shards made by hand."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model.shard_schema import ShardMetadata, token_schema

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
