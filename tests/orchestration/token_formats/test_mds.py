"""MDS: what the package's own reader finds, and what its own writer would have written."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from orchestration.token_formats import records
from tests.support.token_formats import described_set, exported, rows_of
from tests.support.token_shards import pair_rows, write_token_set


def read(folder) -> list[dict[str, Any]]:
    """All samples, by mosaicml-streaming 0.13.0 `mds/reader.py` and `mds/encodings.py`."""
    found = []
    for shard in json.loads((folder / "index.json").read_text())["shards"]:
        content = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(content) == shard["raw_data"]["bytes"]
        count = int(np.frombuffer(content[:4], np.uint32)[0])
        assert count == shard["samples"]
        ends = np.frombuffer(content[4 : 8 + 4 * count], np.uint32)
        for begin, end in pairwise(ends):
            found.append(sample(content[begin:end], shard))
    return found


def sample(data: bytes, shard: dict[str, Any]) -> dict[str, Any]:
    names, sizes = shard["column_names"], shard["column_sizes"]
    place, each = 0, []
    for size in sizes:
        each.append(size or int(np.frombuffer(data[place : place + 4], np.uint32)[0]))
        place += 0 if size else 4
    found = {}
    for name, encoding, size in zip(names, shard["column_encodings"], each, strict=True):
        found[name] = value(encoding, data[place : place + size])
        place += size
    assert place == len(data)
    return found


def value(encoding: str, data: bytes) -> Any:
    if encoding == "str":
        return data.decode()
    if encoding == "json":
        return json.loads(data)
    _, dtype, *axes = encoding.split(":")
    if axes:
        return np.frombuffer(data, dtype).reshape(tuple(map(int, axes[0].split(","))))
    ndim, kind = data[0] >> 2, np.dtype(["u1", "u2", "u4", "u8"][data[0] & 3])
    stop = 1 + ndim * kind.itemsize
    return np.frombuffer(data[stop:], dtype).reshape(np.frombuffer(data[1:stop], kind))


def test_every_row_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LIMIT", 5_000)
    url = described_set(tmp_path / "a", num_views=2)
    exported("mds", url, tmp_path / "b")
    assert len(list((tmp_path / "b").glob("*.mds"))) > 3
    found = {(one["key"], one["row"]["view"]): one for one in read(tmp_path / "b")}
    assert len(found) == 80
    for row in rows_of(url):
        one = found[row["key"], row["view"]]
        assert (one["image_tokens"].dtype, one["image_tokens"].shape) == (np.uint16, (3, 3))
        assert one["image_tokens"].ravel().tolist() == row["image_tokens"]
        assert one["caption"] == row["caption"]
        assert one["row"] == {n: row[n] for n in row if n not in ("key", "caption", "image_tokens")}


@pytest.mark.parametrize("shape", [[2, 3], [1, 300]])
def test_shapes_of_rows_own(tmp_path, shape):
    length = shape[0] * shape[1]
    rows = [
        row | {"token_shape": shape, "image_tokens": [n] * length}
        for n, row in enumerate(pair_rows(5))
    ]
    url = write_token_set(tmp_path / "a", rows, 1, token_shape=None, image_shape=None)
    exported("mds", url, tmp_path / "b")
    found = {one["key"]: one["image_tokens"] for one in read(tmp_path / "b")}
    assert {key: list(codes.shape) for key, codes in found.items()} == dict.fromkeys(found, shape)
    assert {key: codes.ravel().tolist() for key, codes in found.items()} == {
        row["key"]: row["image_tokens"] for row in rows
    }


@pytest.mark.filterwarnings("ignore")  # of the package and of what it imports
def test_its_own_writer_writes_the_same_bytes_and_its_reader_reads_them(tmp_path):
    streaming = pytest.importorskip("streaming")
    url = described_set(tmp_path / "a", num_shards=1)
    exported("mds", url, tmp_path / "b")
    samples = read(tmp_path / "b")
    columns = {"caption": "str", "key": "str", "row": "json"}
    columns["image_tokens"] = "ndarray:uint16:3,3"
    with streaming.MDSWriter(columns=columns, out=str(tmp_path / "c")) as writer:
        for one in samples:
            writer.write(one)
    for name in ("index.json", "shard.00000.mds"):
        ours, theirs = ((tmp_path / folder / name).read_bytes() for folder in "bc")
        assert len(ours) > 100
        assert json.loads(ours) == json.loads(theirs) if name == "index.json" else ours == theirs
    dataset = streaming.StreamingDataset(local=str(tmp_path / "b"), batch_size=1, shuffle=False)
    assert [one["key"] for one in dataset] == [one["key"] for one in samples]
