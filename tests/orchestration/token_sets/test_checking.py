"""Whatever is wrong with a set is found: planted faults, flipped bits, files that are cut."""

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from dalle_model import files
from dalle_model.shards import ShardError, list_shards
from orchestration.engine.progress import Quiet
from orchestration.engine.verify import VerificationError
from orchestration.token_sets.checking import check_set
from orchestration.token_sets.joining import join_sets
from pipelines.io.layout import StageFolder
from pipelines.io.manifest import read_manifest, write_manifest
from tests.support.token_shards import pair_rows, token_row, write_token_set, write_token_shard

NUM_FLIPS, NUM_CUTS = 120, 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A joined set with its manifest and rejections."""
    folder = tmp_path_factory.mktemp("checking")
    first = write_token_set(folder / "a", pair_rows(60))
    second = write_token_set(folder / "b", pair_rows(61, seed=1)[2:], codec="other")
    join_sets([first, second], str(folder / "ab"), [], inner=True, progress=Quiet())
    return folder / "ab"


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def problems(url: object) -> str:
    with pytest.raises(VerificationError) as caught:
        check_set(str(url))
    return str(caught.value)


def test_a_whole_set_is_whole(whole):
    found = check_set(str(whole))
    assert (found.num_rows, found.num_shards, found.has_manifest) == (58, 2, True)
    assert "58 rows, 2 shards); every byte is that of the manifest" in str(found)


def test_without_a_manifest_it_says_what_was_not_checked(tmp_path):
    url = write_token_set(tmp_path / "a", pair_rows(30))
    assert "no manifest: every byte is that of the shard's own checksum" in str(check_set(url))
    assert check_set(list_shards(url)[0]).num_shards == 1
    by_another = write_token_shard(tmp_path / "x.parquet", [])
    assert "pages have their checksums, a footer has none" in str(check_set(by_another))


def test_flipped_bits_and_cut_files_are_found_wherever_they_are(whole, copy):
    draw = random.Random(15)
    data = sorted([*copy.rglob("*.parquet"), *copy.glob("manifest.json")])
    assert len(data) == 5
    for number in range(NUM_FLIPS + NUM_CUTS):
        path = data[number % len(data)]
        content = bytearray(path.read_bytes())
        place = draw.randrange(len(content))
        if number < NUM_FLIPS:
            content[place] ^= 1 << draw.randrange(8)
        else:
            del content[place:]
        path.write_bytes(content)
        assert path.name in problems(copy)
        shutil.copy(whole / path.relative_to(copy), path)
    check_set(str(copy))


def test_flipped_bits_of_a_single_shard_are_found_by_its_own_checksum(tmp_path):
    path = Path(list_shards(write_token_set(tmp_path / "a", pair_rows(300), 1))[0])
    whole, draw = path.read_bytes(), random.Random(15)
    for _ in range(NUM_CUTS):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        assert path.name in problems(path)


def test_flipped_bits_of_pages_are_found_without_any_checksum_of_files(tmp_path):
    rows = sorted(pair_rows(2000), key=lambda row: row["key"])
    path = Path(write_token_shard(tmp_path / "x.parquet", rows))
    column = pq.read_metadata(path).row_group(0).column(2)
    assert column.path_in_schema.startswith("image_tokens")
    content = bytearray(path.read_bytes())
    content[column.data_page_offset + column.total_compressed_size // 2] ^= 1
    path.write_bytes(content)
    assert "CRC" in problems(path)


def test_files_that_are_missing_or_too_many_are_named(copy):
    parts = sorted(copy.glob("part-*"))
    shutil.copy(parts[0], copy / "more.parquet")
    parts[1].unlink()
    said = problems(copy)
    assert f"{parts[1]} is missing" in said
    assert "more.parquet is in no manifest" in said


def test_a_damaged_manifest_and_books_that_do_not_balance_are_named(copy):
    folder = StageFolder(str(copy))
    manifest = read_manifest(folder)
    assert manifest is not None
    write_manifest(folder, replace(manifest, rows_in=61))
    assert "the books do not balance: 61 rows in, 58 out, 58 in its files" in problems(copy)
    path = Path(folder.manifest)
    path.write_text(path.read_text().replace('"rows_in": 61', '"rows_in": 60'))
    assert f"{path} is damaged" in problems(copy)


def test_keys_out_of_order_are_named(tmp_path):
    rows = [token_row(key * 40, "x", [0] * 9) for key in "123"]
    swapped = [rows[0], rows[2], rows[1]]
    url = write_token_shard(tmp_path / "x.parquet", swapped)
    assert f"row {'2' * 40} comes behind {'3' * 40}" in problems(url)
    twice = write_token_shard(tmp_path / "y.parquet", [rows[0], rows[1], rows[1]])
    assert f"row {'2' * 40} comes behind {'2' * 40}" in problems(twice)


def test_a_row_in_two_shards_is_named(tmp_path):
    rows = sorted(pair_rows(9), key=lambda row: row["key"])
    write_token_shard(tmp_path / "a" / "1.parquet", rows[:6])
    write_token_shard(tmp_path / "a" / "2.parquet", rows[5:])
    assert f"holds the row {rows[5]['key']} twice" in problems(tmp_path / "a")


@pytest.mark.parametrize(
    ("row", "changes", "said"),
    [
        ({"image_tokens": [0] * 8 + [16]}, {}, "has the code 16, which is not below 16"),
        (
            {"image_tokens": [0] * 8, "token_shape": [3, 3]},
            {"token_shape": None, "image_shape": None},
            "has 8 codes",
        ),
    ],
)
def test_codes_that_cannot_be_are_named(tmp_path, row, changes, said):
    rows = [token_row("a" * 40, "x", []) | row]
    assert said in problems(write_token_shard(tmp_path / "x.parquet", rows, **changes))


def test_shards_of_two_codecs_are_named(tmp_path):
    write_token_shard(tmp_path / "1.parquet", [])
    write_token_shard(tmp_path / "2.parquet", [], codec_sha256="cd" * 32)
    assert "shards of different codecs cannot be mixed: codec_sha256" in problems(tmp_path)


def test_a_folder_without_shards_is_an_error(tmp_path):
    with pytest.raises(ShardError, match="no token shards in"):
        check_set(str(tmp_path))
    assert not files.list_names(str(tmp_path))
