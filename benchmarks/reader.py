"""Shuffled batches of token shards: `dalle_model.data` against the readers that trainers use.

`python -m benchmarks.reader 10000000` measures one thing more: how long it takes to open so many
rows and to read the first batch at places far apart, and how much memory that leaves resident.
"""

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.measure import Row, race, speed
from benchmarks.reader_peers import Contest, peers
from dalle_model import files
from dalle_model.data.cache import cached
from dalle_model.data.order import FullOrder, Order, WindowOrder
from dalle_model.data.reader import TokenReader, steps
from dalle_model.data.source import TokenSource, open_source
from dalle_model.shard_schema import ShardMetadata, column_encodings, token_schema
from pipelines.io.parquet import to_bytes

NUM_SHARDS, SHARD_ROWS, BATCH = 8, 2048, 256
WINDOW = 8  # row groups
# A row of a buffer of B rows lies in it for B rows on average, with an exponential distribution:
# so two rows of a batch are of one row group as often as if 2 B rows of groups were mixed evenly.
BUFFER = WINDOW * SHARD_ROWS // 2
COLUMNS = ["key", "caption", "image_tokens"]
PLACES = (0.0, 0.11, 0.37, 0.5, 0.73, 0.999)  # of an epoch, to seek to


def measure() -> list[Row]:
    """Rows of the paper's 1,024 tokens per CPU-second, in batches of 256, from the page cache."""
    pa.set_cpu_count(1)
    with tempfile.TemporaryDirectory() as folder:
        write_shards(Path(folder, "shards"), NUM_SHARDS, SHARD_ROWS, grid=32)
        shards, cache = str(Path(folder, "shards")), str(Path(folder, "rows.cache"))
        source = open_source(shards, COLUMNS)
        order = WindowOrder(source.group_rows, window=WINDOW)
        ours = {
            "full": _contest(lambda: cached(source, cache), FullOrder(len(source))),
            "window": _contest(lambda: open_source(shards, COLUMNS), order),
        }
        theirs = peers(Path(folder), source, BATCH, BUFFER)
        contests = [*ours.values(), *theirs]
        times = dict(zip(map(id, contests), race(*(c.run for c in contests)), strict=True))
        return [
            speed(
                f"Shuffled batches, {_MIXED[contest.mixing]}",
                "rows",
                f"peer: {contest.name}",
                len(source),
                (times[id(ours[contest.mixing])], times[id(contest)]),
                f"groups of {SHARD_ROWS:,} rows that a batch is of: ours "
                f"{_mixture(ours[contest.mixing]):.1f}, {contest.name} {_mixture(contest):.1f}",
            )
            for contest in theirs
        ]


_MIXED = {"full": "all rows", "window": "a window of them"}


def _contest(opened: Callable[[], TokenSource], order: Order) -> Contest:
    """Each pass opens the rows anew, so that none is held from the one before."""

    def batches() -> Iterator[list[str]]:
        reader = TokenReader(opened(), order)
        for batch in reader.stream(steps(0, BATCH, stop=order.num_rows)):
            yield batch["caption"]

    return Contest("ours", "window" if isinstance(order, WindowOrder) else "full", batches)


def _mixture(contest: Contest) -> float:
    """Row groups of equal share that would give as many pairs of rows of one group in a batch.

    The first and the last quarter of an epoch are left out, where a buffer fills and empties.
    """
    shares = []
    batches = list(contest.batches())
    for captions in batches[len(batches) // 4 : -len(batches) // 4]:
        groups = np.array([int(caption.split()[-1]) // SHARD_ROWS for caption in captions])
        counts = np.bincount(groups)
        shares.append((counts * (counts - 1)).sum() / (len(groups) * (len(groups) - 1)))
    return float(1 / statistics.mean(shares))


def write_shards(folder: Path, num_shards: int, shard_rows: int, grid: int) -> None:
    """Shards of random codes, in row groups of up to 4,096; captions tell the number of the row."""
    metadata = ShardMetadata(
        codec="random",
        codec_sha256="0" * 64,
        image_shape=(8 * grid, 8 * grid),
        token_shape=(grid, grid),
        num_codes=8192,
        pixel_range=(0.1, 0.9),
        preprocessing="0" * 64,
        tokenizer_sha256="",
        fingerprint="0" * 64,
    )
    schema = token_schema(metadata)
    for part in range(num_shards):
        rng = np.random.default_rng(part)
        codes = rng.integers(8192, size=shard_rows * grid**2, dtype=np.uint16)
        first = part * shard_rows
        values = {
            "key": _keys(rng, shard_rows),
            "caption": pa.array([f"a picture of thing {first + n}" for n in range(shard_rows)]),
            "image_tokens": pa.FixedSizeListArray.from_arrays(
                pa.array(codes), type=schema.field("image_tokens").type
            ),
        }
        columns = [values.get(field.name, _empty(field, shard_rows)) for field in schema]
        table = pa.Table.from_arrays(columns, schema=schema)
        content = to_bytes(table, column_encodings(metadata))
        files.write_bytes(files.join(str(folder), f"part-{part:05}.parquet"), content)


def _keys(rng: np.random.Generator, count: int) -> pa.Array:
    digits = np.frombuffer(b"0123456789abcdef", np.uint8)[rng.integers(16, size=count * 40)]
    ends = pa.py_buffer(np.arange(0, count * 40 + 1, 40, dtype=np.int32))
    return pa.StringArray.from_buffers(count, ends, pa.py_buffer(digits))


def _empty(field: pa.Field, count: int) -> pa.Array:
    if field.nullable:
        return pa.nulls(count, field.type)
    value: Any = "" if pa.types.is_string(field.type) else 0
    return pa.array([value]).cast(field.type).take(pa.array(np.zeros(count, np.int64)))


def measure_seeks(num_rows: int) -> None:
    """Print seconds to open shards and to read the first batch anywhere, and memory."""
    with tempfile.TemporaryDirectory() as folder:
        shards = str(Path(folder, "shards"))
        rows = min(num_rows, 16 * 4096)
        with ProcessPoolExecutor(1, get_context("spawn")) as other:  # whose memory is its own
            other.submit(write_shards, Path(shards), -(-num_rows // rows), rows, grid=4).result()
        print(f"before                  {_resident_mb():6.0f} MB resident")
        index = str(Path(folder, "index.json"))
        for what in ("footers", "kept index"):
            start = time.perf_counter()
            open_source(shards, COLUMNS, index=index)
            print(f"open, {what:17} {time.perf_counter() - start:6.3f} s")
        source = open_source(shards, COLUMNS, index=index)
        kept = cached(source, str(Path(folder, "rows.cache")))
        full = TokenReader(kept, FullOrder(len(kept)))
        window = TokenReader(source, WindowOrder(source.group_rows))
        for name, reader in (("cache, all rows", full), ("shards, a window", window)):
            for count in (1, 32):
                seconds = [_seek(reader, int(place * len(source)), count) for place in PLACES]
                print(
                    f"{name:17} {count:3} rows: {1e3 * max(seconds):6.1f} ms at most, "
                    f"{_resident_mb():6.0f} MB resident, of {len(source):,} rows"
                )


def _seek(reader: TokenReader, position: int, count: int) -> float:
    start = time.perf_counter()
    reader.read(position + np.arange(count))
    return time.perf_counter() - start


def _resident_mb() -> float:
    """The most there was so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    measure_seeks(int(sys.argv[1]))
