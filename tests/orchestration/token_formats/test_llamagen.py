"""The tree of LlamaGen: a sample as its `CustomDataset` reads it, and a token set again."""

import json

import numpy as np
import pytest

from orchestration.token_formats.format import FormatError
from orchestration.token_formats.importing import Stated
from tests.support.token_formats import described_set, exported, imported, rows_of
from tests.support.token_shards import pair_rows, write_token_set


def item(code_path, index: int, view: int, size: int = 24) -> tuple[list[int], int]:
    """An item as LlamaGen ce98ec4 `dataset/imagenet.py` reads it, with a view in place of a draw.

    What training makes of it: `x.reshape(x.shape[0], -1)` and `y.reshape(-1)`.
    """
    features = np.load(code_path / f"imagenet{size}_codes" / f"{index}.npy")
    if "flip" in str(code_path):
        features = features[:, view]
    labels = np.load(code_path / f"imagenet{size}_labels" / f"{index}.npy")
    assert features.dtype == labels.dtype == np.int64
    return features.reshape(-1).tolist(), int(labels.reshape(-1)[0])


def numbered(code_path) -> list[str]:
    """The key of each sample, by its number."""
    lines = (code_path / "captions.jsonl").read_text().splitlines()
    return [json.loads(line)["key"] for line in lines]


def test_each_view_of_each_sample_is_read_with_its_class(tmp_path):
    url, out = described_set(tmp_path / "a", num_views=10), tmp_path / "flip_ten_crop"
    result = exported("llamagen", url, out, classes="label")
    assert (result.num_rows, result.num_samples) == (400, 40)
    assert "400 of 400 rows as 40 samples" in str(result)
    number = {key: place for place, key in enumerate(numbered(out))}
    for row in rows_of(url):
        assert item(out, number[row["key"]], row["view"]) == (row["image_tokens"], row["label"])


def test_one_view_needs_no_draw(tmp_path):
    url = described_set(tmp_path / "a")
    exported("llamagen", url, tmp_path / "b", classes="7")
    found = [item(tmp_path / "b", number, 0) for number in range(40)]
    assert sorted(codes for codes, _ in found) == sorted(r["image_tokens"] for r in rows_of(url))
    assert {label for _, label in found} == {7}


def test_captions_lie_as_the_text_encoder_reads_them(tmp_path):
    """`language/extract_t5_feature.py`: `data['text'][0]` of each line, by its number."""
    url = described_set(tmp_path / "a", num_views=2)
    exported("llamagen", url, tmp_path / "flip", classes="0")
    captions = {row["key"]: row["caption"] for row in rows_of(url)}
    for line in (tmp_path / "flip/captions.jsonl").read_text().splitlines():
        data = json.loads(line)
        assert data["text"][0] == captions[data["key"]]


def test_there_and_back_with_keys_captions_views_and_classes(tmp_path):
    url = described_set(tmp_path / "a", num_views=10)
    exported("llamagen", url, tmp_path / "flip", classes="label")
    imported("llamagen", tmp_path / "flip", tmp_path / "c", rows_a_shard=100)
    columns = ["key", "view", "caption", "image_tokens"]
    assert rows_of(tmp_path / "c", columns) == rows_of(url, columns)
    assert [r["class_id"] for r in rows_of(tmp_path / "c")] == [r["label"] for r in rows_of(url)]


def test_trees_of_others_are_read_without_captions(tmp_path):
    for kind in ("codes", "labels"):
        (tmp_path / f"a/imagenet256_{kind}").mkdir(parents=True)
    for number in (0, 1, 10):
        codes = np.array([[[number, 1, 2, 3], [3, 2, 1, number]]])
        np.save(tmp_path / f"a/imagenet256_codes/{number}.npy", codes)
        np.save(tmp_path / f"a/imagenet256_labels/{number}.npy", np.array([number]))
    imported("llamagen", tmp_path / "a", tmp_path / "b", Stated("", 16, "2x2"))
    rows = rows_of(tmp_path / "b")
    assert {(r["source_key"], r["view"], r["class_id"], r["image_tokens"][0]) for r in rows} == {
        ("0", 0, 0, 0), ("0", 1, 0, 3), ("1", 0, 1, 1), ("1", 1, 1, 3), ("10", 0, 10, 10),
        ("10", 1, 10, 3),
    }  # fmt: skip


def test_a_path_in_which_the_loader_draws_no_view_is_refused(tmp_path):
    url = described_set(tmp_path / "a", 4, num_views=10)
    with pytest.raises(FormatError, match="holds `flip`; name OUT so"):
        exported("llamagen", url, tmp_path / "b", classes="0")


def test_images_that_are_no_squares_are_refused(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(4), image_shape=(24, 32))
    with pytest.raises(FormatError, match="not a square"):
        exported("llamagen", url, tmp_path / "b", classes="0")


def test_a_pair_that_lacks_a_view_is_named(tmp_path):
    rows = [row | {"view": view} for row in pair_rows(6) for view in range(2)]
    del rows[4]
    url = write_token_set(tmp_path / "a", rows, 1, views=("centre", "flip"))
    with pytest.raises(FormatError, match=f"row {rows[4]['key']} is not there with each of 2"):
        exported("llamagen", url, tmp_path / "flip", classes="0")


def test_what_is_damaged_or_missing_is_said(tmp_path):
    with pytest.raises(FormatError, match="0 folders such as imagenet256_codes"):
        imported("llamagen", tmp_path, tmp_path / "b")
    exported("llamagen", described_set(tmp_path / "a"), tmp_path / "x", classes="0")
    (tmp_path / "x/imagenet24_labels/3.npy").unlink()
    with pytest.raises(FormatError, match=r"labels/3\.npy is missing"):
        imported("llamagen", tmp_path / "x", tmp_path / "c")
    (tmp_path / "x/imagenet24_codes/3.npy").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"codes/3\.npy cannot be read"):
        imported("llamagen", tmp_path / "x", tmp_path / "d")
    (tmp_path / "x/captions.jsonl").write_text('{"text": ["one"]}\n')
    with pytest.raises(FormatError, match="1 lines for 40 samples"):
        imported("llamagen", tmp_path / "x", tmp_path / "e")
