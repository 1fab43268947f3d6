"""Token shards: read into one array, against Hugging Face `datasets`; and the bytes of a row."""

import itertools
import tempfile
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa

from benchmarks.measure import Row, race, size, speed
from dalle_model import files
from dalle_model.config import DvaeConfig
from dalle_model.pixels import Codes
from dalle_model.shard_schema import ShardMetadata, column_encodings, token_schema
from dalle_model.shards import image_tokens, read_shards
from orchestration.engine.progress import Quiet
from orchestration.token_sets.packing import pack_set
from pipelines.io.keys import pair_key
from pipelines.io.parquet import to_bytes
from tests.support.token_shards import pair_rows, write_token_set

NUM_SHARDS, SHARD_ROWS = 2, 4096
COLUMNS = ["caption", "image_tokens"]  # what training reads
FLOOR = "floor: 13 bits a code and nothing else"


def measure() -> list[Row]:
    """Rows of the paper's 1,024 tokens per CPU-second, files in the page cache."""
    datasets.disable_progress_bars()
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        urls = [_write(files.join(folder, f"{n}.parquet"), n) for n in range(NUM_SHARDS)]
        fresh = (str(Path(folder, f"cache{n}")) for n in itertools.count())
        kept = str(Path(folder, "kept"))
        ours, first, again = race(
            lambda: image_tokens(read_shards(urls, COLUMNS)),
            lambda: _with_datasets(urls, next(fresh)),
            lambda: _with_datasets(urls, kept),
        )
        same = np.array_equal(image_tokens(read_shards(urls, COLUMNS)), _with_datasets(urls, kept))
    name, count = "Token shards to an array", NUM_SHARDS * SHARD_ROWS
    note = f"the arrays are {'equal' if same else 'NOT equal'}; ours verifies page checksums"
    return [
        speed(name, "rows", "peer: load_dataset, first time", count, (ours, first), note),
        speed(name, "rows", "peer: load_dataset, from its cache", count, (ours, again)),
        *_sizes(),
    ]


def _sizes() -> list[Row]:
    """Bytes of a row of 1,024 codes below 8,192, of which none is likelier than another."""
    paper = DvaeConfig()
    rows = pair_rows(SHARD_ROWS, num_codes=paper.num_codes, size=paper.grid**2)
    with tempfile.TemporaryDirectory() as folder:
        whole = write_token_set(
            f"{folder}/plain", rows, num_codes=paper.num_codes, token_shape=paper.token_shape
        )
        files_of = Path(whole).rglob("*.parquet")
        plain = sum(path.stat().st_size for path in files_of if "rejected" not in path.parts)
        packed = pack_set(whole, f"{folder}/packed", Quiet())
    note = "whole files, with keys and all other columns, which are nearly empty"
    return [
        size("Token shards", "bytes/row", FLOOR, plain / len(rows), packed.floor, note),
        size("Packed shards, their codes", "bytes/row", FLOOR, packed.token_bytes, packed.floor),
    ]


def _with_datasets(urls: list[str], cache: str) -> Codes:
    loaded = datasets.load_dataset(
        "parquet", data_files=urls, split="train", columns=COLUMNS, cache_dir=cache
    )
    return image_tokens(loaded.with_format("arrow")[:])


def _write(url: str, number: int) -> str:
    paper = DvaeConfig()
    codes = np.random.default_rng(number).integers(
        paper.num_codes, size=(SHARD_ROWS, paper.grid**2), dtype=np.uint16
    )
    metadata = ShardMetadata(
        codec="random",
        codec_sha256="0" * 64,
        image_shape=(paper.side, paper.side),
        token_shape=(paper.grid, paper.grid),
        num_codes=paper.num_codes,
        pixel_range=(0.1, 0.9),
        preprocessing="0" * 64,
        tokenizer_sha256="",
        fingerprint="0" * 64,
    )
    rows = [
        _row(f"http://a.test/{number}/{n}.jpg") | {"image_tokens": row}
        for n, row in enumerate(codes)
    ]
    table = pa.Table.from_pylist(rows, schema=token_schema(metadata))
    files.write_bytes(url, to_bytes(table.sort_by("key"), column_encodings(metadata)))
    return url


def _row(url: str) -> dict[str, Any]:
    caption = f"the picture that lies at {url}"
    return {
        "key": pair_key(url, caption),
        "caption": caption,
        "view": 0,
        "width": 256,
        "height": 256,
        "phash": 0,
        "sha256": "",
        "url": url,
        "page_url": "",
        "license": "",
        "source": "random",
        "name": "",
    }
