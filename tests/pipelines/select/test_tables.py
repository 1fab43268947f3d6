"""Keep sets of the recipes equal those of a slow implementation, row by row, in every order."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io.uids import KeepListError
from pipelines.select.config import SelectConfig
from pipelines.select.tables import TableError, kept_rows
from tests.support.recipes import slow_datacomp
from tests.support.recipes.metadata import metadata
from tests.support.recipes.small_wordnet import (
    DICTIONARY,
    LISTED,
    WORDS,
    write_listed,
    write_wordnet,
)

NUM_ROWS = 4000
TABLE = metadata(NUM_ROWS, [*WORDS, "on", "the", "beach", "in", "an", "apple", "with"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found: Path = tmp_path_factory.mktemp("metadata")
    rng = np.random.default_rng(0)
    embeddings = rng.normal(size=(NUM_ROWS, 8)).astype(np.float16)
    for number, start in enumerate(range(0, NUM_ROWS, 1500)):
        part = slice(start, start + 1500)
        table = TABLE.slice(start, 1500)
        pq.write_table(table, found / f"{number:04d}.parquet", row_group_size=700)
        np.savez(found / f"{number:04d}.npz", l14_img=embeddings[part])
    np.save(found / "all.npy", embeddings)
    np.save(found / "centroids.npy", rng.normal(size=(20, 8)).astype(np.float32))
    np.save(found / "targets.npy", rng.normal(size=(8, 8)).astype(np.float16))
    write_wordnet(found / "wordnet")
    write_listed(found / "synsets.txt")
    return found


def kept(folder: Path, **settings: object) -> list[tuple[int, int]]:
    result = kept_rows([str(folder)], SelectConfig(**settings))  # type: ignore[arg-type]
    assert result.rows_in == NUM_ROWS == len(result.uids) + sum(result.dropped.values())
    found: list[tuple[int, int]] = result.uids.tolist()
    return found


def clusters(folder: Path) -> tuple[list[int], set[int]]:
    centroids = np.load(folder / "centroids.npy")
    found = (np.load(folder / "all.npy").astype(np.float32) @ centroids.T).argmax(1)
    wanted = (np.load(folder / "targets.npy").astype(np.float32) @ centroids.T).argmax(1)
    return found.tolist(), set(wanted.tolist())


def test_basic(folder):
    expected = slow_datacomp.basic(TABLE)
    assert 100 < len(expected) < NUM_ROWS / 2
    assert kept(folder, recipe="datacomp_basic") == expected


def test_text(folder):
    expected = slow_datacomp.text(TABLE, DICTIONARY, LISTED)
    assert 100 < len(expected) < NUM_ROWS
    paths = {"wordnet": str(folder / "wordnet"), "synsets": str(folder / "synsets.txt")}
    assert kept(folder, recipe="datacomp_text", **paths) == expected


def test_clip_by_the_published_fraction_and_threshold(folder):
    best = slow_datacomp.top(TABLE, "clip_l14_similarity_score", 0.3)
    assert kept(folder, recipe="datacomp_clip") == best
    above = slow_datacomp.clip(TABLE, "clip_b32_similarity_score", 0.25)
    assert kept(folder, recipe="datacomp_clip", arch="b32") == above


@pytest.mark.parametrize("fraction", [0.0001, 0.1, 0.45, 0.9, 0.9999])
def test_any_fraction(folder, fraction):
    best = slow_datacomp.top(TABLE, "clip_b32_similarity_score", fraction)
    assert kept(folder, recipe="datacomp_clip", arch="b32", fraction=fraction) == best


def test_image_and_its_part_with_good_scores(folder):
    found, wanted = clusters(folder)
    expected = slow_datacomp.image(TABLE, found, wanted)
    assert 100 < len(expected) < NUM_ROWS / 2
    paths = {"targets": str(folder / "targets.npy"), "centroids": str(folder / "centroids.npy")}
    assert kept(folder, recipe="datacomp_image", **paths) == expected
    both = set(expected) & set(slow_datacomp.top(TABLE, "clip_l14_similarity_score", 0.3))
    assert kept(folder, recipe="datacomp_image_clip", **paths) == sorted(both)


def test_laion2b_with_the_language_given(tmp_path):
    languages = ["en" if number % 3 else "de" for number in range(NUM_ROWS)]
    table = TABLE.append_column("language", pa.array(languages))
    pq.write_table(table, tmp_path / "t.parquet")
    good = slow_datacomp.clip(TABLE, "clip_b32_similarity_score", 0.28)
    english = set(slow_datacomp.clip(table.filter(pa.array([x == "en" for x in languages])),
                                     "clip_b32_similarity_score", -1))  # fmt: skip
    expected = [uid for uid in good if uid in english]
    assert kept(tmp_path, recipe="laion2b", detector="column") == expected


def test_without_a_recipe_every_id_is_kept_once(tmp_path):
    pq.write_table(pa.concat_tables([TABLE, TABLE.slice(0, 9)]), tmp_path / "t.parquet")
    found = kept_rows([str(tmp_path / "t.parquet")], None)
    assert (found.rows_in, len(found.uids)) == (NUM_ROWS + 9, NUM_ROWS)


def test_a_table_that_lacks_a_column_is_named_with_what_it_has(tmp_path):
    pq.write_table(TABLE.select(["uid", "url"]), tmp_path / "t.parquet")
    with pytest.raises(TableError, match=r"t\.parquet has no column text or caption.*uid, url"):
        kept_rows([str(tmp_path / "t.parquet")], SelectConfig(recipe="datacomp_basic"))


def test_a_folder_without_tables_and_a_file_that_is_none(tmp_path):
    with pytest.raises(TableError, match="no Parquet table"):
        kept_rows([str(tmp_path)], None)
    (tmp_path / "t.parquet").write_text("no")
    with pytest.raises(TableError, match="cannot be read as Parquet"):
        kept_rows([str(tmp_path / "t.parquet")], None)


def test_an_id_that_is_none_stops_the_list(tmp_path):
    pq.write_table(pa.table({"uid": ["0" * 32, "xyz"]}), tmp_path / "t.parquet")
    with pytest.raises(KeepListError, match="32 hexadecimal digits"):
        kept_rows([str(tmp_path / "t.parquet")], None)
