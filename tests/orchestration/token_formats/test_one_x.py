"""Codes of the 1X challenge: frames as its `RawTokenDataset` maps them, each a clip of its own."""

import json

import numpy as np
import pytest

from orchestration.token_formats.format import FormatError
from tests.support.token_formats import described_set, exported, rows_of
from tests.support.token_shards import pair_rows, write_token_set


def frames(folder) -> tuple[np.ndarray, np.ndarray]:
    """Frames and clips as 1xgpt 0069734 `data.py` maps them."""
    metadata = json.loads((folder / "metadata.json").read_text())
    shape = (metadata["num_images"], metadata["s"], metadata["s"])
    dtype = np.dtype(metadata.get("token_dtype", "uint32"))
    data = np.memmap(folder / "video.bin", dtype=dtype, mode="r", shape=shape)
    ids = np.memmap(folder / "segment_ids.bin", dtype=np.int32, mode="r", shape=shape[:1])
    return data, ids


def test_every_row_is_a_frame(tmp_path):
    url = described_set(tmp_path / "a", num_views=2)
    exported("1xgpt", url, tmp_path / "b")
    data, _ = frames(tmp_path / "b")
    names = [line.split() for line in (tmp_path / "b/keys.txt").read_text().splitlines()]
    expected = {(row["key"], str(row["view"])): row["image_tokens"] for row in rows_of(url)}
    assert {tuple(n): f.ravel().tolist() for n, f in zip(names, data, strict=True)} == expected
    assert json.loads((tmp_path / "b/metadata.json").read_text())["vocab_size"] == 16


def test_no_clip_goes_on_from_one_image_to_another(tmp_path):
    exported("1xgpt", described_set(tmp_path / "a"), tmp_path / "b")
    _, ids = frames(tmp_path / "b")
    assert ids.tolist() == list(range(40))  # `filter_interrupts` leaves windows of one frame alone


def test_grids_that_are_no_squares_are_refused(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(4), token_shape=(1, 9))
    with pytest.raises(FormatError, match="square grids"):
        exported("1xgpt", url, tmp_path / "b")
