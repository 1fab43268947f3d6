"""Other readers over the same rows, each in its own format and the way its own documents show.

webdataset and datasets are installed for development. grain, litdata and mosaicml-streaming take
part where they are installed too.
"""

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dalle_model.data.source import TokenSource

Batches = Callable[[], Iterator[list[str]]]


@dataclass(frozen=True)
class Contest:
    """A reader of all rows once, in shuffled batches.

    Args:
        name: of the reader.
        mixing: over all rows, or over a part of them at a time.
        batches: the captions of each batch, whose tokens have been read too.
    """

    name: str
    mixing: Literal["full", "window"]
    batches: Batches

    def run(self) -> int:
        """Read all rows; how many there were."""
        return sum(len(captions) for captions in self.batches())


def peers(folder: Path, source: TokenSource, batch: int, buffer: int) -> list[Contest]:
    """The readers that are installed, their data written.

    Args:
        folder: for their data; the shards are in `shards` there.
        source: of the rows.
        batch: rows of a batch.
        buffer: rows that a reader mixes at a time where it has a buffer.
    """
    found = [_webdataset(folder, source, batch, buffer), *_datasets(folder, batch, buffer)]
    optional = {"grain": _grain, "litdata": _litdata, "streaming": _streaming}
    return found + [
        make(folder, source, batch) for name, make in optional.items() if find_spec(name)
    ]


def _webdataset(folder: Path, source: TokenSource, batch: int, buffer: int) -> Contest:
    import webdataset

    urls = []
    for start in range(0, len(source), 4096):
        urls.append(str(folder / f"{start:06}.tar"))
        with tarfile.open(urls[-1], "w") as tar:
            for row in source.__getitems__(range(start, min(start + 4096, len(source)))):
                tokens = io.BytesIO()
                np.save(tokens, row["image_tokens"])
                for suffix, content in (
                    ("npy", tokens.getvalue()),
                    ("txt", row["caption"].encode()),
                ):
                    entry = tarfile.TarInfo(f"{row['key']}.{suffix}")
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))

    def batches() -> Iterator[list[str]]:
        shards = webdataset.WebDataset(urls, shardshuffle=len(urls), seed=0, empty_check=False)
        rows = shards.shuffle(buffer, initial=buffer, seed=0).decode().to_tuple("npy", "txt")
        for tokens, captions in rows.batched(batch):
            _check(tokens, captions)
            yield captions

    return Contest("webdataset, a shuffle buffer", "window", batches)


def _datasets(folder: Path, batch: int, buffer: int) -> list[Contest]:
    import datasets

    datasets.disable_progress_bars()
    paths = sorted(str(path) for path in (folder / "shards").glob("*.parquet"))
    columns = ["key", "caption", "image_tokens"]

    def streamed() -> Iterator[list[str]]:
        rows = datasets.load_dataset(
            "parquet", data_files=paths, split="train", streaming=True, columns=columns
        )
        mixed = rows.shuffle(seed=0, buffer_size=buffer).with_format("numpy")
        for found in mixed.iter(batch):
            _check(found["image_tokens"], found["caption"])
            yield list(found["caption"])

    def mapped() -> Iterator[list[str]]:
        rows = datasets.load_dataset(
            "parquet",
            data_files=paths,
            split="train",
            columns=columns,
            cache_dir=str(folder / "datasets"),
        )
        for found in rows.shuffle(seed=0).with_format("numpy").iter(batch):
            _check(found["image_tokens"], found["caption"])
            yield list(found["caption"])

    return [
        Contest("datasets streaming, a shuffle buffer", "window", streamed),
        Contest("datasets, from its uncompressed cache", "full", mapped),
    ]


def _grain(folder: Path, source: TokenSource, batch: int) -> Contest:
    grain = import_module("grain")
    records = import_module("array_record.python.array_record_module")
    path = str(folder / "rows.array_record")
    writer = records.ArrayRecordWriter(path, "group_size:1,uncompressed")
    for row in source:
        writer.write(row["image_tokens"].tobytes() + row["caption"].encode())
    writer.close()
    size = source[0]["image_tokens"].nbytes

    def parse(record: bytes) -> dict[str, Any]:
        return {
            "tokens": np.frombuffer(record, np.uint16, size // 2),
            "caption": record[size:].decode(),
        }

    def batches() -> Iterator[list[str]]:
        stored = grain.MapDataset.source(grain.sources.ArrayRecordDataSource([path]))
        rows = stored.seed(0).shuffle().map(parse).batch(batch)
        for found in rows.to_iter_dataset(grain.ReadOptions(num_threads=0)):
            _check(found["tokens"], found["caption"])
            yield list(found["caption"])

    return Contest("grain, ArrayRecord", "full", batches)


def _litdata(folder: Path, source: TokenSource, batch: int) -> Contest:
    litdata = import_module("litdata")
    path = folder / "litdata"
    cache = import_module("litdata.streaming.cache").Cache(str(path), chunk_bytes="64MB")
    for number, row in enumerate(source):
        cache[number] = {"tokens": row["image_tokens"], "caption": row["caption"]}
    cache.done()
    cache.merge()

    def batches() -> Iterator[list[str]]:
        rows = litdata.StreamingDataset(str(path), shuffle=True, seed=0)
        for found in litdata.StreamingDataLoader(rows, batch_size=batch, num_workers=0):
            _check(found["tokens"], found["caption"])
            yield found["caption"]

    return Contest("litdata, shuffled by chunk", "window", batches)


def _streaming(folder: Path, source: TokenSource, batch: int) -> Contest:
    from torch.utils.data import DataLoader

    streaming = import_module("streaming")
    path = str(folder / "mds")
    columns = {"tokens": f"ndarray:uint16:{len(source[0]['image_tokens'])}", "caption": "str"}
    with streaming.MDSWriter(out=path, columns=columns) as writer:
        for row in source:
            writer.write({"tokens": row["image_tokens"], "caption": row["caption"]})

    def batches() -> Iterator[list[str]]:
        rows = streaming.StreamingDataset(
            local=path, shuffle=True, shuffle_algo="py1e", shuffle_seed=0, batch_size=batch
        )
        for found in DataLoader(rows, batch_size=batch):
            _check(found["tokens"], found["caption"])
            yield found["caption"]

    return Contest("mosaicml-streaming, py1e", "full", batches)


def _check(tokens: Any, captions: Any) -> None:
    if len(np.asarray(tokens)) != len(captions):
        raise ValueError(f"{len(captions)} captions for {len(tokens)} images")
