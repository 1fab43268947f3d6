"""Chunks of litdata: what its reader finds in them."""

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from orchestration.token_formats import records
from tests.support.token_formats import described_set, exported, rows_of
from tests.support.token_shards import pair_rows, write_token_set


def read(folder) -> list[dict[str, Any]]:
    """All items, by litdata 0.2.76 `streaming/item_loader.py` and `streaming/serializers.py`."""
    index, found = json.loads((folder / "index.json").read_text()), []
    names = json.loads(json.loads(index["config"]["data_spec"])[1]["context"])
    kinds = index["config"]["data_format"]
    for chunk in index["chunks"]:
        content = (folder / chunk["filename"]).read_bytes()
        assert len(content) == chunk["chunk_bytes"]
        assert int(np.frombuffer(content[:4], np.uint32)[0]) == chunk["chunk_size"]
        ends = np.frombuffer(content[4 : 8 + 4 * chunk["chunk_size"]], np.uint32)
        for begin, end in pairwise(ends):
            found.append(dict(zip(names, leaves(content[begin:end], kinds), strict=True)))
    return found


def leaves(data: bytes, kinds: list[str]) -> list[Any]:
    sizes = np.frombuffer(data[: 4 * len(kinds)], np.uint32)
    place, found = 4 * len(kinds), list[Any]()
    for kind, size in zip(kinds, sizes, strict=True):
        leaf = data[place : place + size]
        found.append(leaf.decode() if kind == "str" else array(leaf))
        place += size
    assert place == len(data)
    return found


def array(data: bytes) -> np.ndarray:
    dtype, ndim = np.frombuffer(data[:8], np.uint32)
    stop = 8 + 4 * int(ndim)
    kind = {5: np.uint16, 6: np.uint32}[int(dtype)]
    return np.frombuffer(data[stop:], kind).reshape(np.frombuffer(data[8:stop], np.uint32))


def test_every_row_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LIMIT", 5_000)
    url = described_set(tmp_path / "a", num_views=2)
    exported("litdata", url, tmp_path / "b")
    assert len(list((tmp_path / "b").glob("*.bin"))) > 3
    found = {(one["key"], json.loads(one["row"])["view"]): one for one in read(tmp_path / "b")}
    assert len(found) == 80
    for row in rows_of(url):
        one = found[row["key"], row["view"]]
        assert one["image_tokens"].shape == (3, 3)
        assert one["image_tokens"].ravel().tolist() == row["image_tokens"]
        assert one["caption"] == row["caption"]


def test_shapes_of_rows_own_and_many_codes(tmp_path):
    rows = [
        row | {"token_shape": [n + 1, 2], "image_tokens": [100_000 + n] * (2 * n + 2)}
        for n, row in enumerate(pair_rows(5))
    ]
    url = write_token_set(
        tmp_path / "a", rows, token_shape=None, image_shape=None, num_codes=1 << 18
    )
    exported("litdata", url, tmp_path / "b")
    found = {one["key"]: one["image_tokens"] for one in read(tmp_path / "b")}
    assert {key: (list(codes.shape), codes.ravel().tolist()) for key, codes in found.items()} == {
        row["key"]: (row["token_shape"], row["image_tokens"]) for row in rows
    }


@pytest.mark.filterwarnings("ignore")  # of the package and of what it imports
def test_its_own_reader_reads_them(tmp_path):
    litdata = pytest.importorskip("litdata")
    url = described_set(tmp_path / "a")
    exported("litdata", url, tmp_path / "b")
    dataset = litdata.StreamingDataset(str(tmp_path / "b"), shuffle=False)
    found = {dataset[n]["key"]: dataset[n]["image_tokens"] for n in range(len(dataset))}
    expected = {row["key"]: row["image_tokens"] for row in rows_of(url)}
    assert {key: codes.ravel().tolist() for key, codes in found.items()} == expected
