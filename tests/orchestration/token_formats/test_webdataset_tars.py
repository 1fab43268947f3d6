"""Tars: read by webdataset itself, and a token set again without loss."""

import json
import tarfile
import warnings
from importlib import import_module
from io import BytesIO

import numpy as np
import pytest

from orchestration.token_formats.format import FormatError
from orchestration.token_formats.importing import Stated
from tests.support.token_formats import contents, described_set, exported, imported, rows_of
from tests.support.token_shards import pair_rows, write_token_set


def tars(folder) -> list[str]:
    return [str(path) for path in sorted(folder.glob("*.tar"))]


def write_tar(path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, BytesIO(content))


def npy(codes: object, dtype: str = "uint16") -> bytes:
    stream = BytesIO()
    np.save(stream, np.array(codes, dtype))
    return stream.getvalue()


def test_webdataset_reads_every_row(tmp_path):
    url = described_set(tmp_path / "a", num_views=2)
    exported("webdataset", url, tmp_path / "b")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and of the package itself
        wds = import_module("webdataset")
        read = list(wds.WebDataset(tars(tmp_path / "b"), shardshuffle=False).decode())
    found = {(one["json"]["key"], one["json"]["view"]): one for one in read}
    assert len(found) == 80
    for row in rows_of(url):
        sample = found[row["key"], row["view"]]
        assert sample["npy"].shape == (3, 3)
        assert sample["npy"].dtype == np.uint16
        assert sample["npy"].ravel().tolist() == row["image_tokens"]
        assert sample["txt"] == row["caption"]
        assert sample["json"] == {n: v for n, v in row.items() if n != "image_tokens"}


def test_there_and_back_nothing_is_lost(tmp_path):
    url = described_set(tmp_path / "a", num_views=3)
    exported("webdataset", url, tmp_path / "b")
    imported("webdataset", tmp_path / "b", tmp_path / "c", rows_a_shard=50)
    assert rows_of(tmp_path / "c") == rows_of(url)


def test_shapes_of_rows_own_and_codebooks_come_back(tmp_path):
    rows = [
        row | {"token_shape": [n % 3 + 1, 3], "image_tokens": [n] * ((n % 3 + 1) * 6)}
        for n, row in enumerate(pair_rows(16))
    ]
    url = write_token_set(tmp_path / "a", rows, token_shape=None, image_shape=None, codebooks=2)
    exported("webdataset", url, tmp_path / "b")
    imported("webdataset", tmp_path / "b", tmp_path / "c")
    assert rows_of(tmp_path / "c") == rows_of(url)


def test_tars_of_others_are_read_by_what_the_user_says(tmp_path):
    write_tar(
        tmp_path / "x.tar",
        {
            "a/1.npy": npy([[1, 2], [3, 4]]),
            "a/1.txt": b"one",
            "a/2.json": json.dumps({"caption": "two", "width": 9, "other": [1]}).encode(),
            "a/2.npy": npy([[0, 0], [0, 7]], "int64"),
            "a/3.txt": b"no codes",
        },
    )
    result = imported("webdataset", tmp_path / "x.tar", tmp_path / "b", Stated("", 8, "2x2"))
    assert result.num_rows == 2
    one, two = sorted(rows_of(tmp_path / "b"), key=lambda row: row["caption"])
    assert (one["source_key"], one["image_tokens"]) == ("a/1", [1, 2, 3, 4])
    assert (two["source_key"], two["caption"], two["width"]) == ("a/2", "two", 9)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (npy([1.5], "float16"), "are float16, not whole numbers"),
        (b"\x93NUMPY", "cannot be read"),
        (npy([[1, 2], [3, 9]]), "the code 9, which is not below 8"),
        (npy([[-1, 2], [3, 4]], "int8"), "the code -1"),
        (npy([1, 2, 3]), "has 3 codes"),
    ],
)
def test_codes_that_are_none_are_said(tmp_path, content, said):
    write_tar(tmp_path / "x.tar", {"a.npy": content})
    with pytest.raises(FormatError, match=said):
        imported("webdataset", tmp_path, tmp_path / "b", Stated("", 8, "2x2"))


def test_what_is_damaged_or_missing_is_said(tmp_path):
    with pytest.raises(FormatError, match=r"has no \.tar file"):
        imported("webdataset", tmp_path, tmp_path / "b")
    write_tar(tmp_path / "x.tar", {"a.npy": npy([1] * 4), "a.json": b"{"})
    with pytest.raises(FormatError, match="the JSON of a is damaged"):
        imported("webdataset", tmp_path, tmp_path / "b", Stated("", 8, "2x2"))
    with pytest.raises(FormatError, match=r"no sample with `\.codes\.npy`"):
        imported("webdataset", tmp_path, tmp_path / "b", column="codes.npy")
    (tmp_path / "x.tar").write_bytes((tmp_path / "x.tar").read_bytes()[:900])
    with pytest.raises(FormatError, match=r"x\.tar cannot be read"):
        imported("webdataset", tmp_path, tmp_path / "c", Stated("", 8, "2x2"))


def test_a_tar_that_lacks_rows_is_found(tmp_path):
    url = described_set(tmp_path / "a")
    exported("webdataset", url, tmp_path / "b")
    (tmp_path / "b/00001.tar").unlink()
    with pytest.raises(FormatError, match="is to have 40 rows, and"):
        imported("webdataset", tmp_path / "b", tmp_path / "c")


def test_equal_sets_are_equal_bytes(tmp_path):
    for name in ("one", "other"):
        exported("webdataset", described_set(tmp_path / "a" / name), tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")
