"""Writers of one shard of each layout; its statistics come last, and say that it is whole."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dalle_model import files
from orchestration.export.layouts import shard_name, statistics
from orchestration.export.samples import Sample
from orchestration.export.tars import add_member, open_tar

Write = Callable[[Sequence[Sample]], None]

_FILES_AT_ONCE = 16  # chosen: each waits for a disk or a store, not for a processor


def is_whole(out: str, shard: int) -> bool:
    """Whether a shard was finished before: its statistics are there."""
    return files.exists(_statistics(out, shard))


def finish(out: str, shard: int, count: int) -> None:
    """Write the statistics of a shard all of whose other files are there."""
    text = json.dumps(statistics(count), indent=4)
    files.write_bytes(_statistics(out, shard), text.encode())


@contextmanager
def webdataset_shard(out: str, shard: int, schema: pa.Schema) -> Iterator[Write]:
    """`00000.tar` with `KEY.jpg`, `KEY.json` and `KEY.txt`, and `00000.parquet`."""
    url = files.join(out, f"{shard_name(shard)}.tar")
    with files.writing(url) as stream, open_tar(stream) as tar, _logged(out, shard, schema) as log:

        def write(samples: Sequence[Sample]) -> None:
            for sample in samples:
                for suffix, content in sorted(members(sample).items()):
                    add_member(tar, f"{sample.key}.{suffix}", content)
            log(samples)

        yield write


@contextmanager
def files_shard(out: str, shard: int, schema: pa.Schema) -> Iterator[Write]:
    """A folder `00000` with `KEY.jpg`, `KEY.json` and `KEY.txt`, and `00000.parquet`."""
    folder = files.join(out, shard_name(shard))
    threads = ThreadPoolExecutor(_FILES_AT_ONCE, "export")
    with threads, _logged(out, shard, schema) as log:

        def write(samples: Sequence[Sample]) -> None:
            contents = {
                files.join(folder, f"{sample.key}.{suffix}"): content
                for sample in samples
                for suffix, content in members(sample).items()
            }
            list(threads.map(files.write_bytes, contents, contents.values()))
            log(samples)

        yield write


@contextmanager
def parquet_shard(out: str, shard: int, schema: pa.Schema) -> Iterator[Write]:
    """`00000.parquet` with the images in its last column, which has the name of their format."""
    with _logged(out, shard, schema) as log:
        yield log


SHARDS = {"files": files_shard, "parquet": parquet_shard, "webdataset": webdataset_shard}


def members(sample: Sample) -> dict[str, bytes]:
    """The files of a sample, by suffix."""
    return {
        sample.image_format: sample.image,
        "json": json.dumps(sample.metadata, indent=4).encode(),
        "txt": sample.caption.encode(),
    }


@contextmanager
def _logged(out: str, shard: int, schema: pa.Schema) -> Iterator[Write]:
    """The table of results."""
    url = files.join(out, f"{shard_name(shard)}.parquet")
    with files.writing(url) as stream, table_writer(stream, schema) as table:

        def write(samples: Sequence[Sample]) -> None:
            rows = [{**sample.metadata, sample.image_format: sample.image} for sample in samples]
            table.write_table(pa.Table.from_pylist(rows, schema))

        yield write


def table_writer(stream: BinaryIO, schema: pa.Schema) -> pq.ParquetWriter:
    """A Parquet file that each written table becomes a row group of."""
    return pq.ParquetWriter(stream, schema, write_page_checksum=True)


def _statistics(out: str, shard: int) -> str:
    return files.join(out, f"{shard_name(shard)}_stats.json")
