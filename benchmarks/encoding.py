"""Images to tokens: batches into one Parquet shard, against one file for each image.

The peer works like FoundationVision/LlamaGen `autoregressive/train/extract_codes_t2i.py`: batch 1,
one `.npy` of int64 per image. Same codec, same images, one thread in both.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.material import SIDE, Pair, pairs
from benchmarks.measure import Row, race, size, speed
from dalle_model import files
from dalle_model.pixels import Rgb, crop_box
from dalle_model.resize import square
from dalle_model.shard_schema import column_encodings, token_schema
from dalle_model.threads import pinned_kernels
from dalle_model.tokenizers.codec import Codec
from dalle_model.tokenizers.registry import load_codec
from pipelines.encode.config import EncodeConfig
from pipelines.encode.shard import encode_all, shard_metadata
from pipelines.images.config import ImagesConfig
from pipelines.images.decode import Decoded, decode
from pipelines.images.hashes import phash
from pipelines.images.measure import shrink
from pipelines.io.parquet import to_bytes

NUM_IMAGES = 200
CONFIG = ImagesConfig(side=SIDE, resize="lanczos")
BLOCK_BYTES = 4096  # that a small file occupies on ext4 and xfs


def measure() -> list[Row]:
    """Images per CPU-second and bytes per image."""
    codec, chosen = load_codec("demo"), pairs(NUM_IMAGES)
    pixels = [decode(pair.encoded, CONFIG).rgb for pair in chosen]
    squares = [_square(rgb) for rgb in pixels]
    rows = [_row(pair, rgb) for pair, rgb in zip(chosen, pixels, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        shard = files.join(folder, "shard.parquet")
        times = race(
            lambda: _write_shard(codec, squares, rows, shard),
            lambda: _write_npy(codec, squares, Path(folder)),
        )
        ours = Path(shard).stat().st_size / len(squares)
        arrays = list(Path(folder).glob("*.npy"))
        theirs = sum(path.stat().st_size for path in arrays) / len(squares)
    name, peer = "Images to tokens", "peer: batch 1, an int64 .npy per image"
    note = (
        "ours counts whole rows with key, caption, URLs and hash; the peer's counts codes alone, "
        f"without the rest of the {BLOCK_BYTES} bytes that each file occupies on disk"
    )
    return [
        speed(name, "images", peer, len(squares), times),
        size(name, "bytes/image", peer, ours, theirs, note),
    ]


def _square(rgb: Rgb) -> Rgb:
    return square(rgb, SIDE)


def _row(pair: Pair, rgb: Rgb) -> dict[str, Any]:
    height, width, _ = rgb.shape
    row = pair.candidate
    return {
        "key": row.key,
        "caption": row.caption,
        "view": 0,
        "crop": crop_box(width, height),
        "width": width,
        "height": height,
        "phash": phash(shrink(Decoded(rgb, width, height), CONFIG)),
        "url": row.url,
        "page_url": row.page_url,
        "license": row.license,
        "source": row.source,
        "name": "",
    }


def _write_shard(codec: Codec, squares: list[Rgb], rows: list[dict[str, Any]], url: str) -> None:
    codes = encode_all(codec, squares, EncodeConfig().batch_size)
    tokens = [row | {"image_tokens": code} for row, code in zip(rows, codes, strict=True)]
    metadata = shard_metadata(codec, "0" * 64)
    table = pa.Table.from_pylist(tokens, schema=token_schema(metadata))
    files.write_bytes(url, to_bytes(table.sort_by("key"), column_encodings(metadata)))


def _write_npy(codec: Codec, squares: list[Rgb], folder: Path) -> None:
    with pinned_kernels():
        for number, rgb in enumerate(squares):
            codes = codec.encode(rgb[None]).astype(np.int64)
            np.save(folder / f"{number}.npy", codes)
