"""Tars of ml-4m: samples merged by position as its loader does, with crops as it cuts them."""

import tarfile
from io import BytesIO

import numpy as np
import pytest

from orchestration.token_formats.format import FormatError
from tests.support.token_formats import described_set, exported, rows_of
from tests.support.token_shards import pair_rows, write_token_set

MODALITIES = ("tok_rgb@24", "caption", "crop_settings")


def members(path) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as tar:
        return [(one.name, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]


def samples(folder) -> dict[str, dict[str, bytes]]:
    """As ml-4m cda590f `multi_tarfile_samples`: one tar of each modality, side by side."""
    found = {}
    shards = sorted(path.name for path in (folder / MODALITIES[0]).iterdir())
    for shard in shards:
        tars = [members(folder / name / shard) for name in MODALITIES]
        for files in zip(*tars, strict=True):
            (key,) = {name.partition(".")[0] for name, _ in files}  # else the rest is dropped
            found[key] = dict(zip(MODALITIES, (content for _, content in files), strict=True))
    return found


def array(content: bytes) -> np.ndarray:
    return np.load(BytesIO(content))


@pytest.mark.parametrize("num_views", [1, 10])
def test_each_crop_has_its_codes(tmp_path, num_views):
    url = described_set(tmp_path / "a", num_views=num_views)
    result = exported("4m", url, tmp_path / "b")
    assert (result.num_rows, result.num_samples) == (40 * num_views, 40)
    found = samples(tmp_path / "b")
    assert len(found) == 40
    for row in rows_of(url):
        sample = found[row["key"]]
        codes, crops = array(sample["tok_rgb@24"]), array(sample["crop_settings"])
        assert codes.dtype == np.int16
        assert codes.shape == (num_views, 9)
        assert codes[row["view"]].tolist() == row["image_tokens"]
        top, left, height, width, flip = crops[row["view"]].tolist()
        assert [left, top, left + width, top + height] == row["crop"]
        assert bool(flip) == row["flipped"]
        assert sample["caption"].decode() == row["caption"]


def test_codes_that_int16_has_no_room_for_do_not_wrap(tmp_path):
    rows = [row | {"image_tokens": [40_000] * 9} for row in pair_rows(3)]
    url = write_token_set(tmp_path / "a", rows, 1, num_codes=65_536)
    exported("4m", url, tmp_path / "b")
    for sample in samples(tmp_path / "b").values():
        assert array(sample["tok_rgb@24"]).tolist() == [[40_000] * 9]


def test_a_row_without_a_crop_is_named(tmp_path):
    rows = [
        row | {"crop": [0, 0, 0, 0] if n == 2 else row["crop"]}
        for n, row in enumerate(pair_rows(4))
    ]
    url = write_token_set(tmp_path / "a", rows, 1)
    with pytest.raises(FormatError, match=f"row {rows[2]['key']} has no crop"):
        exported("4m", url, tmp_path / "b")


def test_views_that_differ_by_shard_and_images_that_are_no_squares_are_refused(tmp_path):
    url = described_set(tmp_path / "a", views=())
    with pytest.raises(FormatError, match="differ from shard to shard"):
        exported("4m", url, tmp_path / "b")
    url = write_token_set(tmp_path / "c", pair_rows(4), image_shape=(24, 32))
    with pytest.raises(FormatError, match="not a square"):
        exported("4m", url, tmp_path / "b")
